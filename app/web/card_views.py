"""A card that was lost, stolen or is no longer wanted: it stops working at once, for good."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from app.domain.permission import Permission
from app.errors import Refusal
from app.web import context
from app.web.access import keeps_answers
from app.web.forms.submitted import SubmittedForm
from app.web.pages import Crumb, render_page, tell_on_next_page

blueprint = Blueprint("cards", __name__)

#: Why a card is cancelled: the value sent, and what the page says.
CANCEL_REASONS = {
    "left": "The holder has left health and care work",
    "name_changed": "The holder's name has changed",
    "replaced": "The holder gets another card",
    "damaged": "The card is damaged",
    "faulty": "The card does not work",
    "stolen": "The card was stolen",
    "misused": "The card was misused",
}


@blueprint.get("/people/<uid:uid>/cards/<serial:serial>/report-lost")
def report_lost_form(uid: str, serial: str) -> Response:
    """Asks what happened before the card is cancelled."""
    return _report_lost_page(uid, serial, SubmittedForm())


@blueprint.post("/people/<uid:uid>/cards/<serial:serial>/report-lost")
@keeps_answers
def report_lost(uid: str, serial: str) -> WerkzeugResponse:
    """The card cannot be used from now on; its certificates are revoked and its sessions end."""
    form = SubmittedForm(request.form)
    note = form.text("note", longest=500)
    try:
        form.require_no_problems()
        context.services().cancelling.report_lost(context.actor(), serial, note)
    except Refusal as refusal:
        form.add_problems(refusal)
        return _report_lost_page(uid, serial, form)
    tell_on_next_page(f"Card {serial} is reported lost. It cannot be used any more.")
    return redirect(f"/people/{uid}", 303)


@blueprint.get("/people/<uid:uid>/cards/<serial:serial>/cancel")
def cancel_form(uid: str, serial: str) -> Response:
    """Asks why the card is cancelled."""
    return _cancel_page(uid, serial, SubmittedForm())


@blueprint.post("/people/<uid:uid>/cards/<serial:serial>/cancel")
@keeps_answers
def cancel(uid: str, serial: str) -> WerkzeugResponse:
    """Cancel the card for good."""
    form = SubmittedForm(request.form)
    reason = form.choice("reason", CANCEL_REASONS, "Choose why the card is cancelled.")
    note = form.text("note", longest=500)
    try:
        form.require_no_problems()
        context.services().cancelling.cancel(context.actor(), serial, reason, note)
    except Refusal as refusal:
        form.add_problems(refusal)
        return _cancel_page(uid, serial, form)
    tell_on_next_page(f"Card {serial} is cancelled. It cannot be used any more.")
    return redirect(f"/people/{uid}", 303)


def _report_lost_page(uid: str, serial: str, form: SubmittedForm) -> Response:
    context.require(Permission.CANCEL_CARD)
    return render_page(
        "cards/report_lost.html",
        "Report a card lost",
        status=form.status,
        crumbs=_crumbs(uid),
        form=form,
        problems=form.problems,
        serial=serial,
        action=f"/people/{uid}/cards/{serial}/report-lost",
        back=f"/people/{uid}",
    )


def _cancel_page(uid: str, serial: str, form: SubmittedForm) -> Response:
    context.require(Permission.CANCEL_CARD)
    return render_page(
        "cards/cancel.html",
        "Cancel a card",
        status=form.status,
        crumbs=_crumbs(uid),
        form=form,
        problems=form.problems,
        serial=serial,
        reasons=[{"value": value, "text": text} for value, text in CANCEL_REASONS.items()],
        action=f"/people/{uid}/cards/{serial}/cancel",
        back=f"/people/{uid}",
    )


def _crumbs(uid: str) -> tuple[Crumb, ...]:
    return (Crumb("People", "/people"), Crumb("Person", f"/people/{uid}"))
