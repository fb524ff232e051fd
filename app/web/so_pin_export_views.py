"""Exporting a card's SO PIN: begun at the card's page with a reason, gone on with at the job's own page."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from app.domain.permission import Permission
from app.errors import Refusal
from app.web import context
from app.web.access import keeps_answers
from app.web.card_views import CARD, person_crumbs
from app.web.forms.submitted import SubmittedForm
from app.web.pages import render_page

blueprint = Blueprint("so_pin_exports", __name__)


@blueprint.get(f"{CARD}/export-so-pin")
def begin_form(uid: str, serial: str) -> Response:
    """Says what it takes and what it means, and asks why."""
    return _page(uid, serial, SubmittedForm())


@blueprint.post(f"{CARD}/export-so-pin")
@keeps_answers
def begin(uid: str, serial: str) -> WerkzeugResponse:
    """Begin the export; two people sign for it at the desk."""
    form = SubmittedForm(request.form)
    reason = form.text("reason", missing="Say what the SO PIN is needed for.", longest=300)
    try:
        form.require_no_problems()
        job_id = context.services().unlocks.exporting.begin(context.actor(), serial, reason)
    except Refusal as refusal:
        form.add_problems(refusal)
        return _page(uid, serial, form)
    return redirect(f"/card-jobs/{job_id}", 303)


def _page(uid: str, serial: str, form: SubmittedForm) -> Response:
    context.require(Permission.EXPORT_SO_PIN)
    return render_page(
        "cards/export_so_pin.html",
        "Export the SO PIN of a card",
        status=form.status,
        crumbs=person_crumbs(uid),
        problems=form.problems,
        form=form,
        serial=serial,
        action=f"/people/{uid}/cards/{serial}/export-so-pin",
        back=f"/people/{uid}/cards/{serial}",
    )
