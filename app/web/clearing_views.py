"""Clearing a card for reuse: begin it at the card's page; what its desk reports."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from app.errors import Refusal
from app.web import context
from app.web.access import machine_endpoint
from app.web.card_views import CARD, card_life, move_page, person_crumbs
from app.web.desk_messages import desk_message, done, job_token
from app.web.forms.submitted import SubmittedForm

blueprint = Blueprint("clearing", __name__)


@blueprint.get(f"{CARD}/clear")
def clear_form(uid: str, serial: str) -> Response:
    """Says what clearing does, before it begins."""
    card_life(uid, serial)
    return move_page(serial, "clear", SubmittedForm(), f"/people/{uid}", person_crumbs(uid))


@blueprint.post(f"{CARD}/clear")
def clear(uid: str, serial: str) -> WerkzeugResponse:
    """Revoke the card's certificates and begin its job at the desk."""
    form = SubmittedForm(request.form)
    try:
        job_id = context.services().clearing.begin(context.actor(), serial)
    except Refusal as refusal:
        form.add_problems(refusal)
        return move_page(serial, "clear", form, f"/people/{uid}", person_crumbs(uid))
    return redirect(f"/card-jobs/{job_id}", 303)


@blueprint.put("/desk/jobs/<record:job_id>/cleared")
@machine_endpoint
def cleared(job_id: str) -> Response:
    """What an erased card's module still lists: nothing, or the card is not cleared."""
    message = desk_message("objects", "module")
    context.services().clearing.finish(
        job_token(), job_id, objects=message.texts("objects", 100, 60), module=message.text("module", 60)
    )
    return done()
