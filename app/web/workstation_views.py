"""Reports of workstations: what a card agent's reader doctor found, by the reference a caller reads out."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app.domain.permission import Permission
from app.domain.workstation_report import reference_from_untrusted
from app.web import context
from app.web.forms.submitted import SubmittedForm
from app.web.pages import render_page
from app.web.presenters.workstation import WorkstationPage, reports_table

blueprint = Blueprint("workstations", __name__, url_prefix="/workstation-reports")


@blueprint.get("")
def newest() -> AnyResponse:
    """The newest reports; or on to the one whose reference was asked for."""
    actor = context.require(Permission.READ_WORKSTATION_REPORTS)
    form = SubmittedForm(request.args)
    asked = form.text("reference", longest=20)
    reference = reference_from_untrusted(asked)
    if reference:
        return redirect(url_for("workstations.one", reference=reference), 303)
    table = reports_table(context.services().workstations.newest(actor))
    notice = "A reference has 8 letters and digits, as in K7QF-3M2P." if asked else ""
    return render_page("workstations/list.html", "Workstation reports", form=form, table=table, notice=notice)


@blueprint.get("/<reference>")
def one(reference: str) -> Response:
    """One report."""
    actor = context.require(Permission.READ_WORKSTATION_REPORTS)
    report = context.services().workstations.report(actor, reference)
    page = WorkstationPage.of(report)
    return render_page("workstations/one.html", f"Workstation report {report.reference}", page=page)
