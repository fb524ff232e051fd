"""The desk's steps of unlocking: a signature, the SO PIN for this desk, the proof that the card works."""

from __future__ import annotations

from base64 import b64encode

from flask import Blueprint, Response, jsonify

from app.web import context
from app.web.access import machine_endpoint
from app.web.desk_messages import LARGEST_BINARY, desk_message, done, job_token, signed_statement

blueprint = Blueprint("unlock_desk_api", __name__, url_prefix="/desk/jobs/<record:job_id>/unlock")


@blueprint.put("/approval")
@machine_endpoint
def approval(job_id: str) -> Response:
    """One signature for the release."""
    context.services().unlocks.assisted.approve(job_token(), job_id, **vars(signed_statement()))
    return done()


@blueprint.put("/release")
@machine_endpoint
def release(job_id: str) -> Response:
    """The card's SO PINs, each wrapped to the key that the desk has made for this job."""
    message = desk_message("recipient_key")
    released = context.services().unlocks.assisted.release(
        job_token(), job_id, message.base64_bytes("recipient_key", LARGEST_BINARY)
    )
    return jsonify(so_pins=[b64encode(each).decode() for each in released])


@blueprint.put("/completion")
@machine_endpoint
def completion(job_id: str) -> Response:
    """The card's signature with its new PIN."""
    message = desk_message("proof")
    context.services().unlocks.assisted.complete(job_token(), job_id, message.base64_bytes("proof", 512))
    return done()
