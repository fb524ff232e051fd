"""Unlocking somebody else's card: begun at the person's page, gone on with at the job's own."""

from __future__ import annotations

from flask import Blueprint, Response, redirect
from werkzeug.wrappers import Response as WerkzeugResponse

from app.errors import NotFound, Refusal
from app.web import context
from app.web.forms.submitted import SubmittedForm
from app.web.pages import Crumb, render_page

blueprint = Blueprint("unlocking", __name__)


@blueprint.get("/people/<uid:uid>/cards/<serial:serial>/unlock")
def begin_form(uid: str, serial: str) -> Response:
    """Says what is needed at the desk, to those who may go on."""
    return _page(uid, serial, SubmittedForm())


@blueprint.post("/people/<uid:uid>/cards/<serial:serial>/unlock")
def begin(uid: str, serial: str) -> WerkzeugResponse:
    """Begin to unlock the card; the desk does the rest."""
    try:
        job_id = context.services().unlocks.assisted.begin(context.actor(), serial)
    except Refusal as refusal:
        form = SubmittedForm()
        form.add_problems(refusal)
        return _page(uid, serial, form)
    return redirect(f"/card-jobs/{job_id}", 303)


def _page(uid: str, serial: str, form: SubmittedForm) -> Response:
    holder = context.services().unlocks.assisted.require_open_to(context.actor(), serial)
    if holder.uid != uid:
        raise NotFound("This person has no such card.")
    return render_page(
        "cards/unlock.html",
        f"Unlock the card of {holder.name}",
        status=form.status,
        crumbs=(Crumb("People", "/people"), Crumb(str(holder.name), f"/people/{uid}")),
        problems=form.problems,
        serial=serial,
        action=f"/people/{uid}/cards/{serial}/unlock",
        back=f"/people/{uid}",
    )
