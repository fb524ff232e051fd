"""The start page: what this person can do, and what waits for them."""

from __future__ import annotations

from flask import Blueprint, Response, send_file

from app.domain.actor import Actor
from app.domain.permission import Permission
from app.errors import NotFound
from app.web import context
from app.web.access import public
from app.web.forms.submitted import SubmittedForm
from app.web.pages import render_page
from app.web.presenters.card_stock import stock_alarms
from app.web.presenters.home import HomePage
from app.web.renewal_views import own_card_offer

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
def start() -> Response:
    """The start page of the signed-in person."""
    actor = context.actor()
    counts = _open_requests(actor), _open_issuances(actor), _closings(actor)
    roles = context.services().sign_in.steps.roles(actor.uid)
    page = HomePage.of(actor, roles, *counts, alarms=_stock_alarms(actor))
    heading = f"{context.settings().service.name}: what you can do"
    offer = own_card_offer(actor.uid)
    return render_page("home.html", heading, page=page, form=SubmittedForm(), offer=offer)


@blueprint.get("/logo")
@public
def logo() -> Response:
    """The logo of the settings; there is none by default."""
    file = context.settings().service.logo_path
    if file is None:
        raise NotFound("This service has no logo.")
    return send_file(file, max_age=3600)


def _open_requests(actor: Actor) -> int | None:
    if not {Permission.DECIDE_REQUEST, Permission.REQUEST_POSITION} & actor.permissions:
        return None
    return len(context.services().deciding.open_requests(actor))


def _open_issuances(actor: Actor) -> int | None:
    if Permission.ISSUE_CARD not in actor.permissions:
        return None
    return len(context.services().issuing.open_issuances(actor))


def _stock_alarms(actor: Actor) -> tuple[str, ...] | None:
    if Permission.KEEP_STOCK not in actor.permissions:
        return None
    return stock_alarms(context.services().stock.stocking.state(actor))


def _closings(actor: Actor) -> int | None:
    if Permission.CLOSE_ORGANISATION not in actor.permissions:
        return None
    today = context.now().date()
    return sum(each.closing.waits_on(today) for each in context.services().closings.waiting(actor))
