"""The desk's steps of what needs a card's SO PIN: signatures, the release, the next SO PIN, and the end."""

from __future__ import annotations

from base64 import b64encode

from flask import Blueprint, Response, jsonify

from app.domain.so_pin_release import SoPinOutcome
from app.web import context
from app.web.access import machine_endpoint
from app.web.desk_messages import LARGEST_BINARY, desk_message, done, job_token, signed_statement
from app.web.forms.json_message import JsonMessage

blueprint = Blueprint("so_pin_desk_api", __name__, url_prefix="/desk/jobs/<record:job_id>")


@blueprint.put("/so-pin/approval")
@machine_endpoint
def approval(job_id: str) -> Response:
    """One signature for the release."""
    context.services().unlocks.releasing.approve(job_token(), job_id, **vars(signed_statement()))
    return done()


@blueprint.put("/so-pin/release")
@machine_endpoint
def release(job_id: str) -> Response:
    """The card's SO PINs, each wrapped to the key that the desk has made for this job."""
    message = desk_message("recipient_key")
    released = context.services().unlocks.releasing.release(
        job_token(), job_id, message.base64_bytes("recipient_key", LARGEST_BINARY)
    )
    return jsonify(
        so_pins=[b64encode(each).decode() for each in released.so_pins],
        is_being_changed=released.is_being_changed,
    )


@blueprint.put("/so-pin/escrow-key")
@machine_endpoint
def escrow_key(job_id: str) -> Response:
    """What the card's next SO PIN is wrapped to."""
    desk_message()
    key = context.services().unlocks.releasing.escrow_key(job_token(), job_id)
    return jsonify(so_pin_escrow_key=key.decode())


@blueprint.put("/so-pin/next")
@machine_endpoint
def next_so_pin(job_id: str) -> Response:
    """The SO PIN that the card gets next, wrapped to the escrow key."""
    message = desk_message("wrapped_so_pin")
    context.services().unlocks.releasing.keep_next(
        job_token(), job_id, message.base64_bytes("wrapped_so_pin", LARGEST_BINARY)
    )
    return done()


@blueprint.put("/unlock/completion")
@machine_endpoint
def unlocked(job_id: str) -> Response:
    """The card's signature with its new PIN, and whether it has another SO PIN."""
    message = desk_message("proof", "so_pin", "so_pin_reason")
    unlocking = context.services().unlocks.assisted
    unlocking.complete(job_token(), job_id, message.base64_bytes("proof", 512), _outcome(message))
    return done()


@blueprint.put("/export/completion")
@machine_endpoint
def export_ended(job_id: str) -> Response:
    """Whether the card whose SO PIN was exported has another one."""
    message = desk_message("so_pin", "so_pin_reason")
    context.services().unlocks.exporting.complete(job_token(), job_id, _outcome(message))
    return done()


@blueprint.put("/so-pin/completion")
@machine_endpoint
def changed(job_id: str) -> Response:
    """Whether the card whose SO PIN was seen has another one."""
    message = desk_message("so_pin", "so_pin_reason")
    context.services().unlocks.changing.complete(job_token(), job_id, _outcome(message))
    return done()


def _outcome(message: JsonMessage) -> SoPinOutcome:
    return SoPinOutcome(message.text("so_pin", 10) == "changed", message.text("so_pin_reason", 200))
