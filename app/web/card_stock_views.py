"""Card stock: what is where, one place's account, one card's way, moving cards."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from app.domain.permission import Permission
from app.domain.stock import PlaceKind
from app.errors import InvalidInput, Refusal
from app.ra.stocking_cards import serials_from_untrusted
from app.web import context
from app.web.access import keeps_answers, takes_upload
from app.web.forms.submitted import SubmittedForm
from app.web.pages import Crumb, render_page, tell_on_next_page
from app.web.presenters.card_stock import CardShown, PlaceShown, StockPage
from app.web.presenters.wording import counted

blueprint = Blueprint("card_stock", __name__, url_prefix="/card-stock")

STOCK = (Crumb("Card stock", "/card-stock"),)
LARGEST_SERIALS = 512 * 1024
_MOST_TO_WARN_AT = 1_000_000
_KINDS = [
    {"value": PlaceKind.STORE.value, "text": "Store", "hint": "Where boxes of blank cards are kept."},
    {"value": PlaceKind.DESK.value, "text": "Desk", "hint": "A drawer from which cards are issued."},
]


@blueprint.get("")
def stock() -> Response:
    """Every place with its cards, and what somebody must look at."""
    page = StockPage.of(context.services().stock.stocking.state(context.actor()))
    form = SubmittedForm(request.args)
    return render_page("card_stock/stock.html", "Card stock", page=page, form=form)


@blueprint.get("/find")
def find() -> WerkzeugResponse:
    """Go to the card whose serial number was typed or scanned."""
    form = SubmittedForm(request.args)
    context.require(Permission.KEEP_STOCK)
    try:
        serial = serials_from_untrusted(form.value("q"), "q")[0]
        context.services().stock.stocking.card(context.actor(), serial)
    except InvalidInput as refusal:
        form.add_problems(refusal)
        page = StockPage.of(context.services().stock.stocking.state(context.actor()))
        return render_page(
            "card_stock/stock.html",
            "Card stock",
            status=form.status,
            page=page,
            form=form,
            problems=form.problems,
        )
    return redirect(f"/card-stock/cards/{serial}", 303)


@blueprint.get("/cards/<serial:serial>")
def card(serial: str) -> Response:
    """One card, from its delivery on."""
    page = CardShown.of(context.services().stock.stocking.card(context.actor(), serial))
    return render_page("card_stock/card.html", f"Card {serial}", crumbs=STOCK, page=page)


@blueprint.get("/places/new")
def new_place_form() -> Response:
    """Asks what the new place is."""
    return _new_place_page(SubmittedForm({"organisation": context.actor().organisation_code or ""}))


@blueprint.post("/places/new")
@keeps_answers
def new_place() -> WerkzeugResponse:
    """Add a store or a desk."""
    form = SubmittedForm(request.form)
    name = form.text("name", missing="Enter a name.")
    kind = form.choice("kind", [each["value"] for each in _KINDS], "Choose whether it is a store or a desk.")
    organisation = form.text("organisation", missing="Enter the organisation's code.", longest=12)
    low_at = _low_at(form)
    try:
        form.require_no_problems()
        place_id = context.services().stock.stocking.add_place(
            context.actor(), name, PlaceKind(kind), organisation, low_at
        )
    except Refusal as refusal:
        form.add_problems(refusal)
        return _new_place_page(form)
    tell_on_next_page(f"{name} is a place for cards now.")
    return redirect(f"/card-stock/places/{place_id}", 303)


@blueprint.get("/places/<record:place_id>")
def place(place_id: str) -> Response:
    """One place: the cards there, and its account."""
    return _place_page(place_id, SubmittedForm())


@blueprint.post("/places/<record:place_id>/warning")
def warn_at(place_id: str) -> WerkzeugResponse:
    """Set with how few blank cards the place is low."""
    form = SubmittedForm(request.form)
    low_at = _low_at(form)
    try:
        form.require_no_problems()
        context.services().stock.stocking.warn_at(context.actor(), place_id, low_at)
    except Refusal as refusal:
        form.add_problems(refusal)
        return _place_page(place_id, form)
    tell_on_next_page("The warning level is set.")
    return redirect(f"/card-stock/places/{place_id}", 303)


@blueprint.get("/move")
def move_form() -> Response:
    """Asks which cards go where."""
    return _move_page(SubmittedForm(request.args))


@blueprint.post("/move")
@keeps_answers
@takes_upload(LARGEST_SERIALS, needs=Permission.KEEP_STOCK)
def move() -> WerkzeugResponse:
    """Move cards to another place, all or none."""
    form = SubmittedForm(request.form)
    actor, note = context.require(Permission.KEEP_STOCK), form.text("note", longest=500)
    try:
        form.require_no_problems()
        serials = serials_from_untrusted(form.value("serials"))
        moved = context.services().stock.stocking.move(actor, serials, form.value("place"), note)
    except Refusal as refusal:
        form.add_problems(refusal)
        return _move_page(form)
    tell_on_next_page(f"{counted(moved, 'card')} moved.")
    return redirect(f"/card-stock/places/{form.value('place')}", 303)


def kept_places() -> list[dict[str, str]]:
    """Stores and desks, to choose from."""
    state = context.services().stock.stocking.state(context.actor())
    kept = [each.place for each in state.places if each.place.is_kept]
    return [
        {"value": "", "text": "Choose a place"},
        *({"value": each.id, "text": each.name} for each in kept),
    ]


def _low_at(form: SubmittedForm) -> int:
    typed = form.text("low_at", longest=7) or "0"
    if not (typed.isascii() and typed.isdigit() and int(typed) <= _MOST_TO_WARN_AT):
        form.refuse("low_at", "Enter a whole number, or 0 for no warning.")
        return 0
    return int(typed)


def _new_place_page(form: SubmittedForm) -> Response:
    context.require(Permission.KEEP_STOCK)
    return render_page(
        "card_stock/new_place.html",
        "Add a place for cards",
        status=form.status,
        crumbs=STOCK,
        form=form,
        problems=form.problems,
        kinds=_KINDS,
    )


def _place_page(place_id: str, form: SubmittedForm) -> Response:
    found = context.services().stock.stocking.place(context.actor(), place_id)
    page = PlaceShown.of(found)
    if not form.problems:
        form.keep("low_at", str(page.low_at))
    return render_page(
        "card_stock/place.html",
        found.count.place.name,
        status=form.status,
        crumbs=STOCK,
        page=page,
        place_id=place_id,
        form=form,
        problems=form.problems,
    )


def _move_page(form: SubmittedForm) -> Response:
    context.require(Permission.KEEP_STOCK)
    return render_page(
        "card_stock/move.html",
        "Move cards",
        status=form.status,
        crumbs=STOCK,
        form=form,
        problems=form.problems,
        places=[*kept_places(), {"value": "supplier", "text": "Back to the supplier"}],
    )
