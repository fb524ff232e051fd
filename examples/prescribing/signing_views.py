"""Signing a prescription: to the card agent and back, what the agent calls meanwhile, and the verdict."""

from __future__ import annotations

import base64
import binascii
import logging
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, redirect, render_template, request

from examples.prescribing.prescription import fragments
from examples.prescribing.settings import Settings
from examples.prescribing.signings import Signing, SigningRefused
from examples.prescribing.verification import Verdict, VerificationUnavailable, verdict_on
from examples.prescribing.visits import Visit
from examples.prescribing.workplace import (
    PRESCRIBE,
    all_signings,
    clock_now,
    csrf_value,
    current_visit,
    is_own_form,
    may_prescribe,
    message,
    screen_page,
)

log = logging.getLogger(__name__)
blueprint = Blueprint("signing", __name__)
_ENDED = "Your session has ended. Sign in again."


def _settings() -> Settings:
    settings: Settings = current_app.extensions["prescribing_settings"]
    return settings


@blueprint.post("/prescriptions")
def sign_prescription() -> Any:
    """Send the prescriber to the card agent. Checks the right where the act happens, not only on the page."""
    visit = current_visit()
    if visit is None:
        return message(_ENDED, 401)
    if not is_own_form():
        return message("This form is too old. Go back and try again.", 400)
    if visit.role is None or not may_prescribe(visit):
        refusal = f"Your role does not allow you to sign prescriptions: it does not have {PRESCRIBE}."
        return screen_page(visit, refusal=refusal), 403
    document = fragments(visit, visit.role, clock_now())
    _, reference = all_signings().begin(visit.user_id, visit.role.organisation_code, document)
    query = urlencode({"op": _settings().origin, "ref": reference})
    return redirect(f"{_settings().agent_origin}/sign?{query}", 303)


@blueprint.post("/card-signing/claim")
def claim() -> Any:
    """The card agent collects what is to be signed."""
    try:
        signing, token = all_signings().claim(_text("reference"))
    except SigningRefused as refused:
        return _refused(refused)
    return {
        "id": signing.id,
        "kind": "prescription",
        "signer_uid": signing.signer_uid,
        "document": base64.b64encode(signing.document).decode(),
        "token": token,
    }


@blueprint.put("/card-signing/<signing_id>/signature")
def deliver(signing_id: str) -> Any:
    """The card agent brings the signature."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        signature = base64.b64decode(_text("signature"), validate=True)
        all_signings().deliver(signing_id, token, signature)
    except (SigningRefused, binascii.Error) as refused:
        return _refused(refused)
    return "", 204


@blueprint.get("/card-signing/<signing_id>")
def signed(signing_id: str) -> Any:
    """Where the agent sends the browser back to: the prescription, with the verdict of this moment."""
    visit = current_visit()
    if visit is None:
        return message(_ENDED, 401)
    found = all_signings().find(signing_id, visit.role.organisation_code if visit.role else "")
    if found is None:
        return message("There is no such prescription.", 404)
    return _signed_page(visit, found)


@blueprint.get("/card-signing/<signing_id>/<any(prescription, signature):part>.xml")
def download(signing_id: str, part: str) -> Any:
    """What was signed, or the signature: to be checked elsewhere."""
    visit = current_visit()
    if visit is None:
        return message(_ENDED, 401)
    found = all_signings().find(signing_id, visit.role.organisation_code if visit.role else "")
    if found is None or not found.signature:
        return message("There is no such prescription.", 404)
    body = found.document if part == "prescription" else found.signature
    disposition = f'attachment; filename="{part}.xml"'
    return Response(body, mimetype="application/xml", headers={"Content-Disposition": disposition})


def _signed_page(visit: Visit, signing: Signing) -> Any:
    verdict: Verdict | None = None
    trouble = "" if signing.signature else "This prescription was not signed."
    if signing.signature:
        try:
            verdict = verdict_on(signing.document, signing.signature, _settings())
        except VerificationUnavailable as unavailable:
            log.exception("no verdict")
            trouble = str(unavailable)
    return render_template(
        "signed.html", visit=visit, signing=signing, verdict=verdict, trouble=trouble, csrf=csrf_value()
    )


def _text(name: str) -> str:
    body = request.get_json(silent=True)
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, str) else ""


def _refused(error: Exception) -> tuple[dict[str, str], int]:
    return {"code": "signing_refused", "message": str(error)}, 409
