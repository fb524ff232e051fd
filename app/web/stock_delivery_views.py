"""Deliveries of cards: hand in the supplier's list, look at it, take the cards in or throw it away."""

from __future__ import annotations

from contextlib import closing

from flask import Blueprint, Response, make_response, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from app.domain.permission import Permission
from app.domain.stock_delivery import LARGEST_LIST
from app.errors import InvalidInput, Refusal
from app.ra.delivering_cards import SerialList
from app.web import context
from app.web.access import takes_upload
from app.web.card_stock_views import STOCK, kept_places
from app.web.form_actions import refused_on
from app.web.forms.submitted import SubmittedForm
from app.web.pages import Crumb, render_page, tell_on_next_page
from app.web.presenters.stock_delivery import DeliveryPage, deliveries_table
from app.web.presenters.wording import counted

blueprint = Blueprint("stock_deliveries", __name__, url_prefix="/card-stock/deliveries")

DELIVERIES = Crumb("Deliveries", "/card-stock/deliveries")
# The other fields and the envelope of the form.
_REST_OF_FORM = 64 * 1024
_HEADING = "serial,card_profile,back_number\r\n"


def _delivery_page(delivery_id: str, form: SubmittedForm) -> Response:
    actor, stock = context.actor(), context.services().stock
    found = stock.delivering.delivery(actor, delivery_id)
    page = DeliveryPage.of(found, stock.stocking.place(actor, found.place_id).count.place.name)
    return render_page(
        "card_stock/delivery.html",
        f"Delivery by {found.supplier}",
        status=form.status,
        crumbs=(*STOCK, DELIVERIES),
        page=page,
        form=form,
        problems=form.problems,
    )


@blueprint.get("")
def all_deliveries() -> Response:
    """The form to hand in a list, and the lists handed in so far."""
    return _list_page(SubmittedForm())


@blueprint.get("/template.csv")
def template() -> Response:
    """The heading that a list needs."""
    context.require(Permission.KEEP_STOCK)
    headers = {"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": "attachment"}
    return make_response(_HEADING, 200, headers)


@blueprint.post("")
@takes_upload(LARGEST_LIST + _REST_OF_FORM, needs=Permission.KEEP_STOCK)
def hand_in() -> WerkzeugResponse:
    """Read the list; nothing is changed yet."""
    form = SubmittedForm(request.form)
    actor = context.require(Permission.KEEP_STOCK)
    try:
        name, content = _content()
        handed_in = SerialList(name, content, form.text("supplier"), form.value("place"))
        delivery_id = context.services().stock.delivering.hand_in(actor, handed_in)
    except Refusal as refusal:
        form.add_problems(refusal)
        return _list_page(form)
    return redirect(f"/card-stock/deliveries/{delivery_id}", 303)


@blueprint.get("/<record:delivery_id>")
def delivery(delivery_id: str) -> Response:
    """What the list would bring, or brought."""
    return _delivery_page(delivery_id, SubmittedForm())


@blueprint.post("/<record:delivery_id>/apply")
@refused_on(_delivery_page)
def apply(delivery_id: str, form: SubmittedForm) -> WerkzeugResponse:
    """Take the cards into stock."""
    applied = context.services().stock.delivering.apply(context.actor(), delivery_id)
    tell_on_next_page(f"{counted(len(applied.cards), 'card')} taken into stock.")
    return redirect(f"/card-stock/deliveries/{delivery_id}", 303)


@blueprint.post("/<record:delivery_id>/discard")
@refused_on(_delivery_page)
def discard(delivery_id: str, form: SubmittedForm) -> WerkzeugResponse:
    """Throw the list away."""
    context.services().stock.delivering.discard(context.actor(), delivery_id)
    tell_on_next_page("The list is thrown away. Nothing was changed.")
    return redirect("/card-stock/deliveries", 303)


def _content() -> tuple[str, bytes]:
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise InvalidInput({"file": "Choose the list, a CSV file."})
    with closing(sent):
        return sent.filename, sent.read(LARGEST_LIST + 1)


def _list_page(form: SubmittedForm) -> Response:
    table = deliveries_table(context.services().stock.delivering.deliveries(context.actor()))
    return render_page(
        "card_stock/deliveries.html",
        "Deliveries of cards",
        status=form.status,
        crumbs=STOCK,
        form=form,
        problems=form.problems,
        table=table,
        places=kept_places(),
        kinds=context.services().stock.card_kinds,
    )
