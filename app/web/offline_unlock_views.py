"""Unlocking without network: the telephone's side, and the computers that are registered for it."""

from __future__ import annotations

from base64 import b64encode

from flask import Blueprint, Response, jsonify, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from app.domain.offline_unlock import IDENTITY_CHECKS
from app.domain.permission import Permission
from app.errors import Refusal
from app.web import context
from app.web.access import machine_endpoint
from app.web.desk_messages import desk_message
from app.web.desk_page import desk_page
from app.web.forms.submitted import SubmittedForm
from app.web.pages import Crumb, render_page, tell_on_next_page
from app.web.presenters.wording import moment

blueprint = Blueprint("offline_unlock", __name__)

_COMPUTERS = "/offline-workstations"
_UNLOCK = "/people/<uid:uid>/cards/<serial:serial>/unlock-by-telephone"


@blueprint.get(_UNLOCK)
def by_telephone_form(uid: str, serial: str) -> Response:
    """Asks for the challenge, and how the caller is known, those who may go on."""
    context.services().unlocks.assisted.require_open_to(context.actor(), serial)
    return _telephone_page(uid, serial, SubmittedForm())


@blueprint.post(_UNLOCK)
def by_telephone(uid: str, serial: str) -> WerkzeugResponse:
    """Record it; the operator's card signs at the operator's own desk, which shows the response."""
    form = SubmittedForm(request.form)
    challenge = form.text("challenge", missing="Enter the challenge that is read out to you.", longest=40)
    check = form.choice("identity_check", IDENTITY_CHECKS, "Choose how you know who the caller is.")
    note = form.text("note", longest=500)
    try:
        form.require_no_problems()
        offline = context.services().unlocks.offline
        job_id = offline.begin(context.actor(), serial, challenge, check, note)
    except Refusal as refusal:
        form.add_problems(refusal)
        return _telephone_page(uid, serial, form)
    return redirect(f"/card-jobs/{job_id}", 303)


@blueprint.get(_COMPUTERS)
def computers() -> Response:
    """The computers that can unlock cards without network."""
    return _computers_page(SubmittedForm())


@blueprint.post(_COMPUTERS)
def invite() -> WerkzeugResponse:
    """Register this very computer: its card agent makes a key."""
    form = SubmittedForm(request.form)
    name = form.text("name", missing="Enter where this computer stands.", longest=100)
    try:
        form.require_no_problems()
        ticket = context.services().unlocks.workstations.invite(context.actor(), name)
    except Refusal as refusal:
        form.add_problems(refusal)
        return _computers_page(form)
    return desk_page(ticket, Crumb("Computers without network", _COMPUTERS), path="/workstation")


@blueprint.post(f"{_COMPUTERS}/<string(length=10):workstation_id>/retire")
def retire(workstation_id: str) -> WerkzeugResponse:
    """Refuse this computer's challenges from now on."""
    context.services().unlocks.workstations.retire(context.actor(), workstation_id)
    tell_on_next_page("The computer is retired. Its challenges are refused.")
    return redirect(_COMPUTERS, 303)


@blueprint.post("/desk/workstations/invitation")
@machine_endpoint
def invitation() -> Response:
    """What an invited computer must know: its id, the escrow's public key, and how PINs must look."""
    workstations, message = context.services().unlocks.workstations, desk_message("ticket")
    invited = workstations.invited(message.text("ticket", 200))
    policy = workstations.pin_policy
    return jsonify(
        id=invited.id,
        name=invited.name,
        escrow_key=workstations.escrow_key().decode(),
        pin_policy={"minimum": policy.minimum, "maximum": policy.maximum},
    )


@blueprint.put("/desk/workstations")
@machine_endpoint
def register() -> Response:
    """The computer's key, wrapped to the escrow key."""
    message = desk_message("ticket", "wrapped_key")
    wrapped = message.base64_bytes("wrapped_key", 1024)
    registered = context.services().unlocks.workstations.register(message.text("ticket", 200), wrapped)
    return jsonify(id=registered.id, name=registered.name, wrapped_key=b64encode(wrapped).decode())


def _telephone_page(uid: str, serial: str, form: SubmittedForm) -> Response:
    context.require(Permission.UNLOCK_CARD)
    return render_page(
        "cards/unlock_by_telephone.html",
        "Unlock a card by telephone",
        status=form.status,
        crumbs=(Crumb("People", "/people"), Crumb("Person", f"/people/{uid}")),
        form=form,
        problems=form.problems,
        serial=serial,
        checks=[{"value": value, "text": text} for value, text in IDENTITY_CHECKS.items()],
        action=f"/people/{uid}/cards/{serial}/unlock-by-telephone",
        back=f"/people/{uid}/cards/{serial}/unlock",
    )


def _computers_page(form: SubmittedForm) -> Response:
    listed = context.services().unlocks.workstations.all(context.actor())
    return render_page(
        "cards/offline_workstations.html",
        "Computers that unlock without network",
        status=form.status,
        form=form,
        problems=form.problems,
        computers=[
            {
                "id": each.id,
                "number": each.number,
                "name": each.name,
                "since": moment(each.registered_at),
                "state": _state(retired=each.retired_at is not None, has_key=each.wrapped_key is not None),
                "may_retire": each.retired_at is None,
            }
            for each in listed
        ],
    )


def _state(*, retired: bool, has_key: bool) -> str:
    if retired:
        return "Retired"
    return "Registered" if has_key else "Invited"
