"""The desk API: what a card agent asks for and reports while it issues a card.

JSON in and out, no session and no CSRF value: the one-time ticket and then the job token are the proof. The
views only take the messages apart; every rule is in the use case behind them.
"""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response, jsonify, make_response, request

from app.errors import InvalidInput
from app.web import context
from app.web.access import machine_endpoint
from app.web.forms.json_message import JsonMessage

blueprint = Blueprint("desk_api", __name__, url_prefix="/desk/jobs")

_LARGEST_BINARY = 8 * 1024
#: Of one address: a desk claims once or twice for a card, and hospitals share addresses.
_MOST_CLAIMS, _CLAIMS_WINDOW = 60, timedelta(minutes=1)


@blueprint.post("/claim")
@machine_endpoint
def claim() -> Response:
    """Exchange a one-time ticket for the job and the token that its further calls carry."""
    context.services().limiting.require_not_too_often(
        "desk.claim", context.client_address(), _MOST_CLAIMS, _CLAIMS_WINDOW
    )
    message = _message("ticket")
    claimed = context.services().collecting_jobs.claim(message.text("ticket", 200))
    return jsonify(job=claimed.job, job_token=claimed.job_token)


@blueprint.get("/<record:job_id>")
@machine_endpoint
def job(job_id: str) -> Response:
    """The job as it stands now."""
    return jsonify(job=context.services().collecting_jobs.job(_job_token(), job_id))


@blueprint.put("/<record:job_id>/approval")
@machine_endpoint
def approval(job_id: str) -> Response:
    """The operator's signature over what is to be issued."""
    message = _message("statement", "signature", "certificate")
    context.services().desk_jobs.approve(
        _job_token(),
        job_id,
        statement=message.base64_bytes("statement", _LARGEST_BINARY),
        signature=message.base64_bytes("signature", 512),
        certificate=message.base64_bytes("certificate", _LARGEST_BINARY),
    )
    return _done()


@blueprint.put("/<record:job_id>/personalisation")
@machine_endpoint
def personalisation(job_id: str) -> Response:
    """Which card it will be, and its SO PIN for the escrow, before the card is initialised."""
    message = _message("card_serial", "wrapped_so_pin")
    context.services().desk_jobs.personalise(
        _job_token(),
        job_id,
        card_serial=message.text("card_serial", 40),
        wrapped_so_pin=message.base64_bytes("wrapped_so_pin", 1024),
    )
    return _done()


@blueprint.put("/<record:job_id>/certificate-requests")
@machine_endpoint
def certificate_requests(job_id: str) -> Response:
    """The two CSRs from the card; answers with the certificates. The same CSRs get the same certificates."""
    message = _message("authentication", "content_commitment", "provenance")
    certificates = context.services().desk_jobs.certify(
        _job_token(),
        job_id,
        authentication_csr=message.base64_bytes("authentication", _LARGEST_BINARY),
        content_commitment_csr=message.base64_bytes("content_commitment", _LARGEST_BINARY),
        provenance=message.any_object("provenance"),
    )
    return jsonify(certificates)


@blueprint.put("/<record:job_id>/completion")
@machine_endpoint
def completion(job_id: str) -> Response:
    """What was read back from the card, and the card's own proof that it holds the key."""
    message = _message("read_back", "proof")
    read_back = message.inner("read_back", frozenset({"authentication", "content_commitment"}))
    context.services().desk_jobs.complete(
        _job_token(),
        job_id,
        read_back={
            name: read_back.hexadecimal(name, 64) for name in ("authentication", "content_commitment")
        },
        proof=message.base64_bytes("proof", 512),
    )
    return _done()


@blueprint.post("/<record:job_id>/failure")
@machine_endpoint
def failure(job_id: str) -> Response:
    """A step failed at the desk; it is recorded, and the job stays open."""
    message = _message("step", "reason")
    context.services().collecting_jobs.fail(
        _job_token(), job_id, step=message.text("step", 60), reason=message.text("reason", 1000)
    )
    return _done()


def _message(*expected: str) -> JsonMessage:
    if request.mimetype != "application/json":
        raise InvalidInput({"body": "Send JSON, with the content type application/json."})
    return JsonMessage.from_untrusted(request.get_data(), frozenset(expected))


def _job_token() -> str:
    scheme, _, job_token = request.headers.get("Authorization", "").partition(" ")
    return job_token.strip() if scheme.lower() == "bearer" else ""


def _done() -> Response:
    return make_response("", 204)
