"""The security headers of every response, in one place.

There is no inline script and no inline style anywhere, so the policy needs no nonce. The card agent is
reached by an ordinary link, which a content security policy does not limit; forms only ever go to ourselves.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask, Response, g, request

from app.settings import Environment, Settings

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
_ONE_YEAR = 365 * 24 * 3600


def allow_data_images() -> None:
    """Let this one page show a picture that its own form carries: the photo of an unfinished form."""
    g.allow_data_images = True


def _written(policy: Mapping[str, str]) -> str:
    return "; ".join(f"{directive} {sources}" for directive, sources in policy.items())


# Written once: they stand on every answer.
_CONTENT_SECURITY = _written(_POLICY)
_WITH_DATA_IMAGES = _written({**_POLICY, "img-src": "'self' data:"})
_NO_VIEW_SETS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), usb=()"),
)
_FOR_TLS_ALONE = ("Strict-Transport-Security", f"max-age={_ONE_YEAR}; includeSubDomains")


def install(app: Flask, settings: Settings) -> None:
    """Add the headers to every response, those of error pages too."""
    is_production = settings.service.environment is Environment.PRODUCTION
    fixed = (*_NO_VIEW_SETS, *([_FOR_TLS_ALONE] if is_production else []))

    @app.after_request
    def add_security_headers(response: Response) -> Response:
        headers = response.headers
        with_data_images = g.get("allow_data_images", False)
        headers.setdefault(
            "Content-Security-Policy", _WITH_DATA_IMAGES if with_data_images else _CONTENT_SECURITY
        )
        headers.setdefault("Referrer-Policy", "no-referrer")
        if request.endpoint != "static" or response.status_code >= 400:
            headers.setdefault("Cache-Control", "no-store")
        for name, value in fixed:
            headers.add(name, value)
        return response
