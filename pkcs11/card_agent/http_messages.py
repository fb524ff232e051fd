"""HTTP requests and responses as values, with the headers that every response carries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

_SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


@dataclass(frozen=True)
class Request:
    """A request as it came: nothing in it is trusted. Header names are in small letters."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    form: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Response:
    """A response with its own headers; ``all_headers`` adds those that every response carries."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    form_targets: tuple[str, ...] = ()

    def all_headers(self) -> dict[str, str]:
        """Return every header to send."""
        return {**_SECURITY_HEADERS, "Content-Security-Policy": self._policy(), **self.headers}

    def _policy(self) -> str:
        """Return the Content Security Policy (CSP Level 3).

        Chromium checks ``form-action`` against the redirect that answers a form too, so a form whose answer
        is a redirect to a site lists that site.
        """
        targets = " ".join(("'self'", *self.form_targets))
        return (
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
            f"form-action {targets}; frame-ancestors 'none'; base-uri 'none'"
        )


def html(text: str, status: int = 200, form_targets: tuple[str, ...] = ()) -> Response:
    """Return a page."""
    return Response(status, text.encode(), {"Content-Type": "text/html; charset=utf-8"}, form_targets)


def as_json(value: object) -> Response:
    """Return a value for the agent's own script."""
    return Response(200, json.dumps(value).encode(), {"Content-Type": "application/json"})


def see_other(location: str) -> Response:
    """Return a redirect after a form (RFC 9110 15.4.4): the browser goes on with GET."""
    return Response(303, b"", {"Location": location})


def file(body: bytes, content_type: str) -> Response:
    """Return one of the agent's own static files."""
    return Response(200, body, {"Content-Type": content_type})
