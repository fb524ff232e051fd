"""What is asked for systems: host names checked, approved, rejected, taken back."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from app.errors import Refusal
from app.web import context
from app.web.access import keeps_answers
from app.web.forms.submitted import SubmittedForm
from app.web.pages import render_page, tell_on_next_page
from app.web.presenters.system_request import SystemRequestPage, requests_table
from app.web.system_views import SYSTEMS

blueprint = Blueprint("system_requests", __name__, url_prefix="/systems/requests")


@blueprint.get("")
def dashboard() -> Response:
    """What waits, and what was decided in the last 30 days."""
    actor, looking_up = context.actor(), context.services().systems.looking_up
    waiting = requests_table(looking_up.open_requests(actor), "Open", "Nothing waits for a decision.")
    closed = requests_table(
        looking_up.closed_requests(actor), "Decided in the last 30 days", "Nothing was decided."
    )
    heading = "Requests about systems"
    return render_page("systems/requests.html", heading, crumbs=(SYSTEMS,), tables=(waiting, closed))


@blueprint.get("/<record:request_id>")
def one_request(request_id: str) -> Response:
    """Everything needed to decide one request."""
    return _page(request_id, SubmittedForm())


@blueprint.post("/<record:request_id>/host-names")
def check_host_names(request_id: str) -> WerkzeugResponse:
    """Record that the host names are in order."""
    return _done(
        request_id,
        SubmittedForm(request.form),
        lambda: context.services().systems.deciding.check_host_names(context.actor(), request_id),
        "The check of the host names is on the record.",
    )


@blueprint.post("/<record:request_id>/decision")
@keeps_answers
def decide(request_id: str) -> WerkzeugResponse:
    """Approve or reject."""
    form = SubmittedForm(request.form)
    is_rejection = form.value("decision") == "reject"
    said = "The request is rejected." if is_rejection else "It is approved and done."
    return _done(request_id, form, lambda: _decide(request_id, form), said)


def _decide(request_id: str, form: SubmittedForm) -> None:
    decision = form.choice("decision", ("approve", "reject"), "Choose whether you approve or reject.")
    missing = "Say why you reject the request. The one who asked reads it."
    note = form.text("reason", missing=missing if decision == "reject" else None, longest=1000)
    form.require_no_problems()
    deciding = context.services().systems.deciding
    if decision == "reject":
        deciding.reject(context.actor(), request_id, note)
    else:
        deciding.approve(context.actor(), request_id, note)


@blueprint.post("/<record:request_id>/cancel")
def cancel(request_id: str) -> WerkzeugResponse:
    """Take one's own request back."""
    return _done(
        request_id,
        SubmittedForm(request.form),
        lambda: context.services().systems.requesting.cancel(context.actor(), request_id),
        "The request is taken back.",
    )


def _done(request_id: str, form: SubmittedForm, do: Callable[[], object], said: str) -> WerkzeugResponse:
    try:
        do()
    except Refusal as refusal:
        form.add_problems(refusal)
        return _page(request_id, form)
    tell_on_next_page(said)
    return redirect(f"/systems/requests/{request_id}", 303)


def _page(request_id: str, form: SubmittedForm) -> Response:
    actor = context.actor()
    page = SystemRequestPage.of(context.services().systems.looking_up.request(actor, request_id), actor)
    return render_page(
        "systems/request.html",
        page.heading,
        status=form.status,
        crumbs=(SYSTEMS,),
        page=page,
        form=form,
        problems=form.problems,
    )
