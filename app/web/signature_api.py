"""The signature verification service for programs: is this prescription's signature to be believed?

JSON in and out, an API key in the header ``apikey``. ``docs/signatures.md`` and ``/signatures/openapi.json``
say what is asked and answered. Nothing of a prescription is kept.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

from flask import Blueprint, Response, jsonify, request

from app.errors import InvalidInput
from app.fhir.api_keys import KeyRefused
from app.signatures.prescription import (
    LARGEST_PRESCRIPTION_BYTES,
    PrescriptionDigest,
    PrescriptionFragments,
    SignedContent,
)
from app.signatures.verdict import Verdict
from app.signatures.verifying import Asker
from app.signatures.xmldsig import LARGEST_SIGNATURE_BYTES
from app.web import context
from app.web.access import machine_endpoint, public, takes_upload
from app.web.forms.json_message import JsonMessage
from app.web.look_up_requests import KEY_HEADER

blueprint = Blueprint("signature_api", __name__, url_prefix="/signatures")

#: JSON may write a character of XML as six.
LARGEST_BODY_BYTES = 6 * (LARGEST_PRESCRIPTION_BYTES + LARGEST_SIGNATURE_BYTES)
_WINDOW = timedelta(minutes=1)


@blueprint.post("/verifications")
@machine_endpoint
@takes_upload(LARGEST_BODY_BYTES)
def verify() -> Response:
    """The verdict on a signature over a prescription's fragments."""
    asker = _counted()
    message = _message("prescription", "signature")
    prescription = message.text("prescription", LARGEST_PRESCRIPTION_BYTES)
    return _answer(message, PrescriptionFragments.from_untrusted(prescription.encode()), asker)


@blueprint.post("/digest-verifications")
@machine_endpoint
def verify_digest() -> Response:
    """The verdict on a signature over what has this digest, so that no patient's data travel."""
    asker = _counted()
    message = _message("digest", "signed_at", "signature")
    digest = PrescriptionDigest(message.base64_bytes("digest", 64), _moment(message.text("signed_at", 40)))
    return _answer(message, digest, asker)


@blueprint.get("/openapi.json")
@public
def openapi() -> Response:
    """What this service can do, as OpenAPI says it."""
    document = json.loads(files("app.signatures").joinpath("openapi.json").read_text(encoding="utf-8"))
    return jsonify(document | {"servers": [{"url": context.settings().service.origin}]})


def _counted() -> Asker:
    """Who asks, once that is known and not too often."""
    service = context.services().signatures
    holder = service.keys.holder_of(request.headers.get(KEY_HEADER, ""))
    if holder is None:
        raise KeyRefused(f"Send an API key of this service in the header '{KEY_HEADER}'.")
    limiting = context.services().limiting
    limiting.require_not_too_often("signatures.verify", holder, service.limit_per_minute, _WINDOW)
    return Asker(f"key {holder}", None, context.client_address(), context.request_id())


def _message(*expected: str) -> JsonMessage:
    if request.mimetype != "application/json":
        raise InvalidInput({"body": "Send JSON, with the content type application/json."})
    return JsonMessage.from_untrusted(request.get_data(), frozenset(expected))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        sentence = "“signed_at” must be a time such as 2026-11-26T09:30:00Z."
        raise InvalidInput({"signed_at": sentence}) from error
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _answer(message: JsonMessage, content: SignedContent, asker: Asker) -> Response:
    signature = message.text("signature", LARGEST_SIGNATURE_BYTES).encode()
    verdict = context.services().signatures.verifying.verify(signature, content, asker)
    return jsonify(verdict_message(verdict))


def verdict_message(verdict: Verdict) -> dict[str, Any]:
    """The verdict as JSON tells it; ``errors`` are the published texts in their order."""
    signer = verdict.signer
    return {
        "valid": verdict.is_valid,
        "errors": list(verdict.errors),
        "reasons": [
            {"text": each.failing.value, "code": each.code, "explanation": each.explanation}
            for each in verdict.reasons
        ],
        "notes": list(verdict.notes),
        "signed_at": verdict.signed_at.isoformat() if verdict.signed_at else None,
        "verified_at": verdict.verified_at.isoformat(),
        "signer": signer
        and {"uid": signer.uid, "name": signer.name, "certificate_serial_number": signer.serial_number},
    }
