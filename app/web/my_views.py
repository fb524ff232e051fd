"""My page: one's own roles, cards and certificates; and the way to say that one's card is lost."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from app.errors import Refusal
from app.web import context
from app.web.forms.submitted import SubmittedForm
from app.web.pages import Crumb, render_page
from app.web.presenters.person import PersonPage

blueprint = Blueprint("my", __name__, url_prefix="/my")


@blueprint.get("")
def mine() -> Response:
    """What this service knows about the signed-in person."""
    actor = context.actor()
    page = PersonPage.of_oneself(context.services().finding.own(actor), context.now())
    return render_page("my/mine.html", "My access", page=page)


@blueprint.get("/photo")
def photo() -> Response:
    """One's own photo."""
    actor = context.actor()
    picture = context.services().finding.photo(actor, actor.uid)
    return make_response(picture, 200, {"Content-Type": "image/jpeg", "Content-Disposition": "inline"})


@blueprint.get("/cards/<serial:serial>/report-lost")
def report_lost_form(serial: str) -> Response:
    """Asks what happened."""
    return _report_lost_page(serial, SubmittedForm())


@blueprint.post("/cards/<serial:serial>/report-lost")
def report_lost(serial: str) -> WerkzeugResponse:
    """One's own card stops working at once, and this session with it."""
    form = SubmittedForm(request.form)
    note = form.text("note", longest=500)
    try:
        form.require_no_problems()
        context.services().cancelling.report_lost(context.actor(), serial, note)
    except Refusal as refusal:
        form.add_problems(refusal)
        return _report_lost_page(serial, form)
    return redirect("/sign-in", 303)


def _report_lost_page(serial: str, form: SubmittedForm) -> Response:
    return render_page(
        "cards/report_lost.html",
        "Report my card lost",
        status=form.status,
        crumbs=(Crumb("My access", "/my"),),
        form=form,
        problems=form.problems,
        serial=serial,
        action=f"/my/cards/{serial}/report-lost",
        back="/my",
    )
