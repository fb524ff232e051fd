"""The page between this site and the card agent of the same computer."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Response

from app.web import context
from app.web.pages import Crumb, render_page


def desk_page(ticket: str, *crumbs: Crumb, path: str = "/job") -> Response:
    """Go on to the card agent with the one-time ticket; the last crumb is the way back."""
    parameters = urlencode({"op": context.settings().service.origin, "ticket": ticket})
    return render_page(
        "issuances/desk.html",
        "Opening the card desk",
        crumbs=crumbs,
        desk_href=f"{context.settings().agent.origin}{path}?{parameters}",
        back=crumbs[-1].href,
    )
