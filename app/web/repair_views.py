"""Repairing a card: begin it here; and what the desk reports when it is done."""

from __future__ import annotations

from flask import Blueprint, Response, redirect
from werkzeug.wrappers import Response as WerkzeugResponse

from app.errors import Refusal
from app.web import context
from app.web.access import machine_endpoint
from app.web.desk_messages import desk_message, done, job_token, read_back_of
from app.web.people_views import person_page

blueprint = Blueprint("repairs", __name__)


@blueprint.post("/people/<uid:uid>/cards/<serial:serial>/repair")
def repair(uid: str, serial: str) -> WerkzeugResponse:
    """Begin to put the certificates back on somebody's card."""
    try:
        job_id = context.services().renewals.repairing.begin(context.actor(), serial)
    except Refusal as refusal:
        return person_page(uid, refusal)
    return redirect(f"/card-jobs/{job_id}", 303)


@blueprint.put("/desk/jobs/<record:job_id>/repair-completion")
@machine_endpoint
def completion(job_id: str) -> Response:
    """What was read back from the card."""
    message = desk_message("read_back")
    read_back = read_back_of(message)
    context.services().renewals.repairing.complete(job_token(), job_id, read_back=read_back)
    return done()
