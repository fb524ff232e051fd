"""Organisations that close: what would end there, and the decision."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from app.errors import Refusal
from app.web import context
from app.web.access import keeps_answers
from app.web.forms.submitted import SubmittedForm
from app.web.pages import Crumb, render_page, tell_on_next_page
from app.web.presenters.closing import ClosingPage, closings_table

blueprint = Blueprint("closings", __name__, url_prefix="/closing-organisations")

CLOSINGS = Crumb("Organisations that close", "/closing-organisations")
_DECISIONS = {
    "end": "Access to the organisation ends on its last day.",
    "hand_on": "The positions are handed on. A colleague grants what was asked for there.",
    "postpone": "The decision is postponed. Access goes on.",
}


@blueprint.get("")
def waiting() -> Response:
    """Organisations that close while people have access there."""
    found = context.services().closings.waiting(context.actor())
    table = closings_table(found, context.now().date())
    return render_page("closings/all.html", "Organisations that close", table=table)


@blueprint.get("/<record:closing_id>")
def closing(closing_id: str) -> Response:
    """What would end, and the form to decide."""
    return _page(closing_id, SubmittedForm())


@blueprint.post("/<record:closing_id>/decision")
@keeps_answers
def decide(closing_id: str) -> WerkzeugResponse:
    """End access, hand it on, or postpone."""
    form = SubmittedForm(request.form)
    try:
        decision = _decide(closing_id, form)
    except Refusal as refusal:
        form.add_problems(refusal)
        return _page(closing_id, form)
    tell_on_next_page(_DECISIONS[decision])
    return redirect("/closing-organisations", 303)


def _decide(closing_id: str, form: SubmittedForm) -> str:
    decision = form.choice("decision", _DECISIONS, "Choose what becomes of access there.")
    closings, actor = context.services().closings, context.actor()
    if decision == "hand_on":
        code = form.text("successor", missing="Enter the code of the successor.", longest=12).upper()
        form.require_no_problems()
        closings.hand_on(actor, closing_id, code)
    elif decision == "postpone":
        until = form.day("until", what="The day", missing="Enter the day on which to decide.")
        reason = form.text("reason", missing="Say why access goes on for now.", longest=500)
        form.require_no_problems()
        assert until is not None
        closings.postpone(actor, closing_id, until, reason)
    else:
        form.require_no_problems()
        closings.end_access(actor, closing_id)
    return decision


def _page(closing_id: str, form: SubmittedForm) -> Response:
    record = context.services().closings.closing(context.actor(), closing_id)
    page = ClosingPage.of(record)
    if not form.value("successor"):
        form.keep("successor", page.successor_code)
    return render_page(
        "closings/closing.html",
        page.heading,
        status=form.status,
        crumbs=(CLOSINGS,),
        page=page,
        form=form,
        problems=form.problems,
    )
