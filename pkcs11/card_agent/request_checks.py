"""Where a request comes from. One check a function; each raises RequestRefused.

Against DNS rebinding the Host header must be the agent's own. Against other pages of the browser, the Fetch
Metadata headers (W3C Fetch Metadata Request Headers) must say that a person navigated here, or that one of
the agent's own pages asked. A browser too old to send them is let through to a page that needs a PIN typed.
"""

from __future__ import annotations

from collections.abc import Collection

from card_agent.errors import RequestRefused
from card_agent.http_messages import Request

_FORM = "application/x-www-form-urlencoded"


def require_own_host(request: Request, own_hosts: Collection[str]) -> None:
    """Refuse (421) a Host header that is not the agent's."""
    if request.headers.get("host") not in own_hosts:
        raise RequestRefused(421, "This address is not the card agent's.")


def require_navigation(request: Request) -> None:
    """Refuse (403) anything but a person's top-level navigation: a fetch, a frame, an image, a prefetch."""
    _require_header(request, "sec-fetch-mode", "navigate")
    _require_header(request, "sec-fetch-dest", "document")
    if "sec-purpose" in request.headers or "purpose" in request.headers:
        raise RequestRefused(403, "The card agent does not answer a browser that fetches pages ahead.")


def require_own_page(request: Request) -> None:
    """Refuse (403) a request that one of the agent's own pages did not make."""
    _require_header(request, "sec-fetch-site", "same-origin")


def require_own_form(request: Request, own_origins: Collection[str]) -> None:
    """Refuse (403) a form that was not on one of the agent's own pages, or (415) is not a plain form.

    ``Origin: null`` passes, because a page with Referrer-Policy no-referrer sends just that (Fetch, "append a
    request Origin header"); Sec-Fetch-Site and the single-use form value decide.
    """
    require_navigation(request)
    require_own_page(request)
    if request.headers.get("origin", "null") not in {"null", *own_origins}:
        raise RequestRefused(403, "This form was not sent from a page of the card agent.")
    if request.headers.get("content-type", "").partition(";")[0].strip() != _FORM:
        raise RequestRefused(415, "This form has a type that the card agent does not read.")


def _require_header(request: Request, name: str, value: str) -> None:
    if request.headers.get(name, value) != value:
        raise RequestRefused(403, "The card agent answers only pages that a person opens in the browser.")
