"""My page: one's own roles, cards and certificates."""

from __future__ import annotations

from flask import Blueprint, Response, make_response

from app.web import context
from app.web.pages import render_page
from app.web.presenters.person import PersonPage
from app.web.renewal_views import own_card_offer

blueprint = Blueprint("my", __name__, url_prefix="/my")


@blueprint.get("")
def mine() -> Response:
    """What this service knows about the signed-in person."""
    actor = context.actor()
    page = PersonPage.of_oneself(actor, context.services().finding.own(actor), context.now())
    offer = own_card_offer(actor.uid)
    return render_page("my/mine.html", "My access", page=page, offer=offer)


@blueprint.get("/photo")
def photo() -> Response:
    """One's own photo."""
    actor = context.actor()
    picture = context.services().finding.photo(actor, actor.uid)
    return make_response(picture, 200, {"Content-Type": "image/jpeg", "Content-Disposition": "inline"})
