"""The desk API: what a card agent asks for and reports while it issues a card.

JSON in and out, no session and no CSRF value: the one-time ticket and then the job token are the proof. The
views only take the messages apart; every rule is in the use case behind them.
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from app.web import context
from app.web.access import machine_endpoint
from app.web.desk_messages import (
    APPROVAL,
    LARGEST_BINARY,
    approval_of,
    claimed_ticket,
    desk_message,
    done,
    job_token,
    read_back_of,
)

blueprint = Blueprint("desk_api", __name__, url_prefix="/desk/jobs")


@blueprint.post("/claim")
@machine_endpoint
def claim() -> Response:
    """Exchange a one-time ticket for the job and the token that its further calls carry."""
    with claimed_ticket() as ticket:
        claimed = context.services().collecting_jobs.claim(ticket)
    return jsonify(job=claimed.job, job_token=claimed.job_token)


@blueprint.get("/<record:job_id>")
@machine_endpoint
def job(job_id: str) -> Response:
    """The job as it stands now."""
    return jsonify(job=context.services().collecting_jobs.job(job_token(), job_id))


@blueprint.put("/<record:job_id>/personalisation")
@machine_endpoint
def personalisation(job_id: str) -> Response:
    """The operator's signature over what is to be issued, on which card, and its SO PIN for the escrow.

    Before the card is initialised. ``approval`` is null where the founding approves.
    """
    message = desk_message("card_serial", "wrapped_so_pin", "approval")
    signed = message.inner_or_null("approval", frozenset(APPROVAL))
    context.services().desk_jobs.personalise(
        job_token(),
        job_id,
        card_serial=message.text("card_serial", 40),
        wrapped_so_pin=message.base64_bytes("wrapped_so_pin", 1024),
        approval=approval_of(signed) if signed else None,
    )
    return done()


@blueprint.put("/<record:job_id>/certificate-requests")
@machine_endpoint
def certificate_requests(job_id: str) -> Response:
    """The two CSRs from the card; answers with the certificates. The same CSRs get the same certificates."""
    message = desk_message("authentication", "content_commitment", "keys_signature", "provenance")
    certificates = context.services().desk_jobs.certify(
        job_token(),
        job_id,
        authentication_csr=message.base64_bytes("authentication", LARGEST_BINARY),
        content_commitment_csr=message.base64_bytes("content_commitment", LARGEST_BINARY),
        keys_signature=message.base64_bytes_or_null("keys_signature", 512),
        provenance=message.any_object("provenance"),
    )
    return jsonify(certificates)


@blueprint.put("/<record:job_id>/completion")
@machine_endpoint
def completion(job_id: str) -> Response:
    """What was read back from the card, and the card's own proof that it holds the key."""
    message = desk_message("read_back", "proof")
    context.services().desk_jobs.complete(
        job_token(), job_id, read_back=read_back_of(message), proof=message.base64_bytes("proof", 512)
    )
    return done()


@blueprint.post("/<record:job_id>/failure")
@machine_endpoint
def failure(job_id: str) -> Response:
    """A step failed at the desk; it is recorded, and the job stays open."""
    message = desk_message("step", "reason")
    context.services().collecting_jobs.fail(
        job_token(), job_id, step=message.text("step", 60), reason=message.text("reason", 1000)
    )
    return done()
