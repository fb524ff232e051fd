"""Checking the signature of a prescription by hand: paste or upload, and read why it is believed or not."""

from __future__ import annotations

from flask import Blueprint, Response, request

from app.errors import Refusal
from app.signatures.prescription import LARGEST_PRESCRIPTION_BYTES, PrescriptionFragments
from app.signatures.verdict import Verdict
from app.signatures.verifying import Asker
from app.signatures.xmldsig import LARGEST_SIGNATURE_BYTES
from app.web import context
from app.web.access import takes_upload
from app.web.forms.submitted import SubmittedForm
from app.web.pages import render_page
from app.web.presenters.signature import VerdictPage

blueprint = Blueprint("signatures", __name__, url_prefix="/signatures")

#: A form writes a byte as three, and each of the two may be pasted or be a file.
_LARGEST_BODY_BYTES = 3 * (LARGEST_PRESCRIPTION_BYTES + LARGEST_SIGNATURE_BYTES) + 4096
_HEADING = "Check a signature"


@blueprint.get("/verify")
def ask() -> Response:
    """The empty form."""
    context.actor()
    return _page(SubmittedForm(), None)


@blueprint.post("/verify")
@takes_upload(_LARGEST_BODY_BYTES)
def verify() -> Response:
    """The verdict, above the form as it was sent."""
    form = SubmittedForm(request.form)
    try:
        verdict = _verdict(form)
    except Refusal as refusal:
        form.add_problems(refusal)
        return _page(form, None)
    return _page(form, verdict)


def _verdict(form: SubmittedForm) -> Verdict:
    prescription = _pasted_or_file(form, "prescription", "Paste or choose the prescription that was signed.")
    signature = _pasted_or_file(form, "signature", "Paste or choose the signature.")
    form.require_no_problems()
    content = PrescriptionFragments.from_untrusted(prescription)
    return context.services().signatures.verifying.verify(signature, content, _asker())


def _pasted_or_file(form: SubmittedForm, name: str, missing: str) -> bytes:
    file = request.files.get(f"{name}_file")
    data = file.read() if file and file.filename else form.value(name).encode("utf-8", "replace")
    if not data.strip():
        form.refuse(name, missing)
    return data


def _asker() -> Asker:
    actor = context.actor()
    return Asker(actor.uid, actor.role_profile_id, actor.address, actor.request_id)


def _page(form: SubmittedForm, verdict: Verdict | None) -> Response:
    return render_page(
        "signatures/verify.html",
        _HEADING,
        status=form.status,
        form=form,
        problems=form.problems,
        verdict=VerdictPage.of(verdict) if verdict else None,
    )
