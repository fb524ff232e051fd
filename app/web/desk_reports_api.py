"""What card agents tell that belongs to no job: consents to a last try, and reports of workstations.

Nobody is signed in at such a moment, so everything is checked, bounded, and limited in its rate.
"""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response, jsonify, request

from app.domain.workstation_report import cards_from_untrusted, findings_from_untrusted
from app.errors import InvalidInput
from app.ra.agreeing_to_last_tries import Proof
from app.web import context
from app.web.access import machine_endpoint
from app.web.forms.json_message import JsonMessage

blueprint = Blueprint("desk_reports_api", __name__, url_prefix="/desk")

_LARGEST_BINARY = 8 * 1024
#: Of one address, which a hospital may share; and of all together, so that the database cannot be filled.
_CONSENTS, _REPORTS, _ALL_REPORTS = 30, 20, 300
_WINDOW = timedelta(hours=1)


@blueprint.post("/last-try-consents")
@machine_endpoint
def last_try_consent() -> Response:
    """A second person agrees that the last try of a card is used."""
    address = context.client_address()
    context.services().limiting.require_not_too_often("desk.consent", address, _CONSENTS, _WINDOW)
    is_signed = b'"signature"' in request.get_data()
    message = _message("statement", *(("signature", "certificate") if is_signed else ()))
    proof = (
        Proof(message.base64_bytes("signature", 512), message.base64_bytes("certificate", _LARGEST_BINARY))
        if is_signed
        else None
    )
    context.services().last_tries.record(message.base64_bytes("statement", _LARGEST_BINARY), proof, address)
    return Response(status=204)


@blueprint.post("/workstation-reports")
@machine_endpoint
def workstation_report() -> Response:
    """A report of the reader doctor; its reference is what the caller reads out."""
    address = context.client_address()
    limiting = context.services().limiting
    limiting.require_not_too_often("desk.report", address, _REPORTS, _WINDOW)
    limiting.require_not_too_often("desk.report", "everybody", _ALL_REPORTS, _WINDOW)
    message = _message("agent_version", "findings", "cards")
    reference = context.services().workstations.receive(
        findings_from_untrusted(message.any_list("findings")),
        cards_from_untrusted(message.any_list("cards")),
        message.text("agent_version", 40),
        address,
    )
    return jsonify(reference=reference)


def _message(*expected: str) -> JsonMessage:
    if request.mimetype != "application/json":
        raise InvalidInput({"body": "Send JSON, with the content type application/json."})
    return JsonMessage.from_untrusted(request.get_data(), frozenset(expected))
