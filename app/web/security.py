"""The security headers of every response, in one place.

There is no inline script and no inline style anywhere, so the policy needs no nonce. The card agent is
reached by an ordinary link, which a content security policy does not limit; forms only ever go to ourselves.
"""

from __future__ import annotations

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


def _content_security_policy() -> str:
    policy = dict(_POLICY)
    if g.get("allow_data_images", False):
        policy["img-src"] = "'self' data:"
    return "; ".join(f"{directive} {sources}" for directive, sources in policy.items())


def install(app: Flask, settings: Settings) -> None:
    """Add the headers to every response, those of error pages too."""
    is_production = settings.service.environment is Environment.PRODUCTION

    @app.after_request
    def add_security_headers(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Content-Security-Policy", _content_security_policy())
        headers["X-Content-Type-Options"] = "nosniff"
        headers["X-Frame-Options"] = "DENY"
        headers.setdefault("Referrer-Policy", "no-referrer")
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), usb=()"
        if request.endpoint != "static" or response.status_code >= 400:
            headers.setdefault("Cache-Control", "no-store")
        if is_production:
            headers["Strict-Transport-Security"] = f"max-age={_ONE_YEAR}; includeSubDomains"
        return response
