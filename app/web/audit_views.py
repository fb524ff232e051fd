"""The audit: who did what to whom, allowed or refused, newest first."""

from __future__ import annotations

from flask import Blueprint, Response, request

from app.ca.refusals import CertificateRefused
from app.domain.permission import Permission
from app.domain.uuid import compact_id
from app.errors import InvalidInput
from app.web import context
from app.web.forms.submitted import SubmittedForm
from app.web.pages import render_page
from app.web.presenters.audit import audit_table
from app.web.presenters.receipts import receipt_shown

blueprint = Blueprint("audit", __name__, url_prefix="/audit")

NEWEST = 100


@blueprint.get("")
def latest() -> Response:
    """The newest events, all or those about one subject."""
    actor = context.require(Permission.READ_AUDIT)
    form = SubmittedForm(request.args)
    subject = _as_kept(form.text("subject", longest=64))
    read = context.services().auditing.latest(actor, subject or None, NEWEST)
    return render_page("audit.html", "Audit", form=form, problems=form.problems, table=audit_table(read))


def _as_kept(typed: str) -> str:
    """A user id may be typed as pages show it, in groups; other subjects keep their spaces and hyphens."""
    number = compact_id(typed)
    return number if number.isdigit() else typed


@blueprint.get("/receipt")
def receipt() -> Response:
    """Why a certificate was issued: its receipt, verified at this moment."""
    actor = context.require(Permission.READ_AUDIT)
    form = SubmittedForm(request.args)
    serial_number = form.text("serial_number", longest=64)
    shown = None
    if serial_number:
        try:
            shown = receipt_shown(context.services().receipts.read(actor, serial_number))
        except (InvalidInput, CertificateRefused) as refusal:
            form.add_problems(refusal)
    title = "Receipt of a certificate"
    return render_page(
        "receipt.html", title, status=form.status, form=form, problems=form.problems, receipt=shown
    )
