"""Stock-takes: count the cards at a place, and settle what differs from the ledger."""

from __future__ import annotations

from contextlib import closing

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from app.domain.permission import Permission
from app.domain.stock_take import Decision
from app.errors import Refusal
from app.ra.stocking_cards import serials_from_untrusted
from app.web import context
from app.web.access import keeps_answers, takes_upload
from app.web.card_stock_views import LARGEST_SERIALS, STOCK, kept_places
from app.web.form_actions import refused_on
from app.web.forms.submitted import SubmittedForm
from app.web.pages import Crumb, render_page, tell_on_next_page
from app.web.presenters.stock_take import FindingShown, TakeShown, takes_table
from app.web.presenters.wording import counted

blueprint = Blueprint("stock_takes", __name__, url_prefix="/card-stock")

TAKES = Crumb("Stock-takes", "/card-stock/stock-takes")


def _finding_page(finding_id: str, form: SubmittedForm) -> Response:
    found = context.services().stock.counting.finding(context.actor(), finding_id)
    return render_page(
        "card_stock/finding.html",
        f"Card {found.finding.serial}",
        status=form.status,
        crumbs=STOCK,
        page=FindingShown.of(found),
        form=form,
        problems=form.problems,
    )


def _take_page(take_id: str, form: SubmittedForm) -> Response:
    actor = context.actor()
    found = context.services().stock.counting.take(actor, take_id)
    return render_page(
        "card_stock/take.html",
        f"Stock-take: {found.place.name}",
        status=form.status,
        crumbs=(*STOCK, TAKES),
        page=TakeShown.of(found, actor.uid),
        form=form,
        problems=form.problems,
    )


@blueprint.get("/stock-takes")
def all_takes() -> Response:
    """Where a count is begun, and the counts so far."""
    return _list_page(SubmittedForm(request.args))


@blueprint.post("/stock-takes")
def begin() -> WerkzeugResponse:
    """Begin to count at a place."""
    form = SubmittedForm(request.form)
    try:
        take_id = context.services().stock.counting.begin(context.actor(), form.value("place"))
    except Refusal as refusal:
        form.add_problems(refusal)
        return _list_page(form)
    return redirect(f"/card-stock/stock-takes/{take_id}", 303)


@blueprint.get("/stock-takes/<record:take_id>")
def take(take_id: str) -> Response:
    """How far the count is, or what it found."""
    return _take_page(take_id, SubmittedForm())


@blueprint.post("/stock-takes/<record:take_id>/count")
@keeps_answers
@takes_upload(LARGEST_SERIALS, needs=Permission.KEEP_STOCK)
@refused_on(_take_page)
def count(take_id: str, form: SubmittedForm) -> WerkzeugResponse:
    """Note the cards that were typed, scanned, or handed in as a file."""
    actor = context.require(Permission.KEEP_STOCK)
    serials = serials_from_untrusted(f"{form.value('serials')}\n{_file()}")
    new = context.services().stock.counting.count(actor, take_id, serials)
    again = len(serials) - new
    tell_on_next_page(f"{counted(new, 'card')} counted{f', {again} of them before' if again else ''}.")
    return redirect(f"/card-stock/stock-takes/{take_id}", 303)


@blueprint.post("/stock-takes/<record:take_id>/uncount")
@refused_on(_take_page)
def uncount(take_id: str, form: SubmittedForm) -> WerkzeugResponse:
    """Take back a serial number that was entered by mistake."""
    (serial, *_) = serials_from_untrusted(form.value("mistake"), "mistake")
    context.services().stock.counting.uncount(context.actor(), take_id, serial)
    tell_on_next_page(f"Card {serial} is not counted.")
    return redirect(f"/card-stock/stock-takes/{take_id}", 303)


@blueprint.post("/stock-takes/<record:take_id>/close")
@refused_on(_take_page)
def close(take_id: str, form: SubmittedForm) -> WerkzeugResponse:
    """End the count: what differs becomes findings."""
    found = context.services().stock.counting.close(context.actor(), take_id)
    tell_on_next_page(f"The count is closed with {counted(found, 'finding')}.")
    return redirect(f"/card-stock/stock-takes/{take_id}", 303)


@blueprint.post("/stock-takes/<record:take_id>/abandon")
@refused_on(_take_page)
def abandon(take_id: str, form: SubmittedForm) -> WerkzeugResponse:
    """End the count without any finding."""
    context.services().stock.counting.abandon(context.actor(), take_id)
    tell_on_next_page("The count is abandoned. Nothing was changed.")
    return redirect("/card-stock/stock-takes", 303)


@blueprint.get("/findings/<record:finding_id>")
def finding(finding_id: str) -> Response:
    """What differs, and what may be decided about it."""
    return _finding_page(finding_id, SubmittedForm())


@blueprint.post("/findings/<record:finding_id>")
@keeps_answers
@refused_on(_finding_page)
def settle(finding_id: str, form: SubmittedForm) -> WerkzeugResponse:
    """Decide on a finding, as the second person."""
    decision = form.choice("decision", list(Decision), "Choose what becomes of it.")
    note = form.text("note", missing="Say what was found out.", longest=500)
    actor = context.require(Permission.CONFIRM_STOCK)
    form.require_no_problems()
    context.services().stock.counting.settle(actor, finding_id, Decision(decision), note)
    tell_on_next_page("The finding is settled.")
    return redirect("/card-stock", 303)


def _file() -> str:
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        return ""
    with closing(sent):
        return bytes(sent.read(LARGEST_SERIALS)).decode("utf-8-sig", errors="replace")


def _list_page(form: SubmittedForm) -> Response:
    actor, stock = context.actor(), context.services().stock
    takes = stock.counting.takes(actor)
    places = {each.place.id: each.place for each in stock.stocking.state(actor).places}
    return render_page(
        "card_stock/takes.html",
        "Stock-takes",
        status=form.status,
        crumbs=STOCK,
        form=form,
        problems=form.problems,
        table=takes_table(takes, places),
        places=kept_places(),
    )
