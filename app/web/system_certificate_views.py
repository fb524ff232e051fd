"""Client certificates of systems: asked for with a CSR, downloaded, revoked."""

from __future__ import annotations

import ssl
from contextlib import closing

from flask import Blueprint, Response, make_response, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from app.domain.permission import Permission
from app.errors import Refusal
from app.ra.certifying_systems import LARGEST_CSR_BYTES, REASONS
from app.web import context
from app.web.access import keeps_answers, takes_upload
from app.web.forms.submitted import SubmittedForm
from app.web.pages import Crumb, render_page, tell_on_next_page
from app.web.presenters.system import certificate_state
from app.web.presenters.wording import Row, moment
from app.web.system_views import SYSTEMS

blueprint = Blueprint("system_certificates", __name__, url_prefix="/systems")

_REASONS = dict(
    zip(
        REASONS,
        (
            "Its key is or may be known to others",
            "A new certificate takes its place",
            "The system is no longer used",
            "The system has moved to another organisation",
            "It must not have it",
        ),
        strict=True,
    )
)


@blueprint.get("/<uid:asid>/certificate")
def request_form(asid: str) -> Response:
    """Where the CSR is pasted or chosen."""
    return _request_page(asid, SubmittedForm())


@blueprint.post("/<uid:asid>/certificate")
@keeps_answers
@takes_upload(4 * LARGEST_CSR_BYTES)
def ask(asid: str) -> WerkzeugResponse:
    """Ask for the certificate."""
    form = SubmittedForm(request.form)
    try:
        reason = form.text("reason", missing="Say why. Whoever decides reads it.", longest=1000)
        form.require_no_problems()
        certifying = context.services().systems.certifying
        request_id = certifying.request(context.actor(), asid, _csr(form), reason)
    except Refusal as refusal:
        form.add_problems(refusal)
        if "PRIVATE KEY" in form.value("csr"):
            form.keep("csr", "")
        return _request_page(asid, form)
    tell_on_next_page("The request is sent. Another person decides it.")
    return redirect(f"/systems/requests/{request_id}", 303)


def _csr(form: SubmittedForm) -> bytes:
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        return form.value("csr").encode()
    with closing(sent):
        return bytes(sent.read(LARGEST_CSR_BYTES + 1))


@blueprint.get("/certificates/<serial:serial_number>")
def certificate(serial_number: str) -> Response:
    """One certificate."""
    return _page(serial_number, SubmittedForm())


@blueprint.get("/certificates/<serial:serial_number>/pem")
def pem(serial_number: str) -> Response:
    """The certificate as PEM."""
    known = context.services().systems.certifying.certificate(context.actor(), serial_number)
    headers = {
        "Content-Type": "application/x-pem-file",
        "Content-Disposition": f'attachment; filename="{known.asid}.pem"',
    }
    return make_response(ssl.DER_cert_to_PEM_cert(known.der), 200, headers)


@blueprint.post("/certificates/<serial:serial_number>/revoke")
def revoke(serial_number: str) -> WerkzeugResponse:
    """Revoke it for good."""
    form = SubmittedForm(request.form)
    try:
        certifying = context.services().systems.certifying
        certifying.revoke(context.actor(), serial_number, form.value("reason"))
    except Refusal as refusal:
        form.add_problems(refusal)
        return _page(serial_number, form)
    tell_on_next_page("The certificate is revoked.")
    return redirect(f"/systems/certificates/{serial_number}", 303)


def _request_page(asid: str, form: SubmittedForm) -> Response:
    actor = context.require(Permission.REGISTER_SYSTEM)
    record = context.services().systems.looking_up.system(actor, asid)
    return render_page(
        "systems/certificate_request.html",
        f"Ask for a certificate for {record.system.product}",
        status=form.status,
        crumbs=(SYSTEMS, Crumb(record.system.product, f"/systems/{asid}")),
        form=form,
        problems=form.problems,
        asid=asid,
        action=f"/systems/{asid}/certificate",
    )


def _page(serial_number: str, form: SubmittedForm) -> Response:
    actor = context.actor()
    known = context.services().systems.certifying.certificate(actor, serial_number)
    state = certificate_state(known, context.now())
    rows = (
        Row("State", tag=state),
        Row("System", known.asid, href=f"/systems/{known.asid}"),
        Row("Subject", f"CN={known.asid},O=Spine RA Systems"),
        Row("From", moment(known.not_before)),
        Row("Until", moment(known.not_after)),
        Row("Revoked", f"{moment(known.revoked_at)}: {known.reason}" if known.reason else ""),
    )
    return render_page(
        "systems/certificate.html",
        "Certificate of a system",
        status=form.status,
        crumbs=(SYSTEMS, Crumb(known.asid, f"/systems/{known.asid}")),
        form=form,
        problems=form.problems,
        serial_number=serial_number,
        rows=[row for row in rows if row.value or row.tag],
        reasons=[{"value": reason.value, "text": text} for reason, text in _REASONS.items()],
        href=f"/systems/certificates/{serial_number}",
        may_revoke=known.revoked_at is None and Permission.REGISTER_SYSTEM in actor.permissions,
    )
