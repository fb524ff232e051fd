"""Systems: found, looked at, asked for, changed, suspended, resumed and withdrawn."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from app.domain.permission import Permission
from app.domain.read_right import ReadRight
from app.domain.system import SystemStatus
from app.domain.system_details import INTERACTION_TYPES, RELIABILITY_CHOICES
from app.errors import InvalidInput, Refusal
from app.ra.looking_up_systems import MOST_FOUND
from app.web import context
from app.web.access import keeps_answers, takes_upload
from app.web.forms.submitted import SubmittedForm
from app.web.forms.system import SystemForm
from app.web.pages import Crumb, render_page, tell_on_next_page
from app.web.presenters.system import STATES, SystemPage, due_table, systems_table

blueprint = Blueprint("systems", __name__, url_prefix="/systems")

SYSTEMS = Crumb("Systems", "/systems")
# A system has up to 1,000 interactions and 50 endpoints.
_LARGEST_FORM_BYTES = 512 * 1024


@blueprint.get("")
def search() -> Response:
    """The search box, what was found, and certificates that end soon."""
    actor, form = context.require(Permission.VIEW_SYSTEMS), SubmittedForm(request.args)
    text = form.text("q", longest=150)
    state = form.value("state")
    status = SystemStatus(state) if state in set(SystemStatus) else None
    looking_up = context.services().systems.looking_up
    found = [] if form.problems else looking_up.search(actor, text, status)
    return render_page(
        "systems/search.html",
        "Systems",
        status=form.status,
        form=form,
        problems=form.problems,
        table=systems_table(found, MOST_FOUND),
        due=due_table(looking_up.certificates_due(actor), context.now()),
        states=STATES,
        may_ask=Permission.REGISTER_SYSTEM in actor.permissions,
    )


@blueprint.get("/<uid:asid>")
def system(asid: str) -> Response:
    """One system with its endpoints, certificates and history."""
    actor = context.actor()
    record = context.services().systems.looking_up.system(actor, asid)
    page = SystemPage.of(record, actor, context.now())
    return render_page("systems/system.html", page.heading, crumbs=(SYSTEMS,), page=page)


@blueprint.get("/register")
def register_form() -> Response:
    """The empty form."""
    return _form_page(SystemForm(), None)


@blueprint.post("/register")
@keeps_answers
@takes_upload(_LARGEST_FORM_BYTES)
def register() -> WerkzeugResponse:
    """Ask for a new system, or show the form again with one more endpoint."""
    return _ask(None)


@blueprint.get("/<uid:asid>/change")
def change_form(asid: str) -> Response:
    """The form, filled with what is registered."""
    record = context.services().systems.looking_up.system(context.actor(), asid)
    return _form_page(SystemForm.of(record.details), asid)


@blueprint.post("/<uid:asid>/change")
@keeps_answers
@takes_upload(_LARGEST_FORM_BYTES)
def change(asid: str) -> WerkzeugResponse:
    """Ask for the change, or show the form again with one more endpoint."""
    return _ask(asid)


def _ask(asid: str | None) -> WerkzeugResponse:
    form = SystemForm(request.form)
    if form.value("step") == "add":
        form.add_endpoint()
        return _form_page(form, asid)
    try:
        request_id = _asked(form, asid)
    except Refusal as refusal:
        form.add_problems(refusal)
        return _form_page(form, asid)
    tell_on_next_page("The request is sent. Another person checks and decides it.")
    return redirect(f"/systems/requests/{request_id}", 303)


def _asked(form: SystemForm, asid: str | None) -> str:
    details, requesting = form.details(), context.services().systems.requesting
    try:
        requesting.require_usable(details)
    except InvalidInput as wrong:
        form.add_problems(wrong)
    reason = form.text("reason", missing="Say why. Whoever decides reads it.", longest=1000)
    form.require_no_problems()
    if asid is None:
        return requesting.register(context.actor(), details, reason)
    return requesting.change(context.actor(), asid, details, reason)


def _form_page(form: SystemForm, asid: str | None) -> Response:
    context.require(Permission.REGISTER_SYSTEM)
    services = context.services()
    return render_page(
        "systems/form.html",
        "Ask for a change of this system" if asid else "Ask for a new system",
        status=form.status,
        crumbs=(SYSTEMS, *((Crumb(asid, f"/systems/{asid}"),) if asid else ())),
        form=form,
        problems=form.problems,
        action=f"/systems/{asid}/change" if asid else "/systems/register",
        asid=asid,
        interactions=services.systems.requesting.interactions(),
        types=[{"value": "", "text": "Choose"}, *({"value": t, "text": t} for t in INTERACTION_TYPES)],
        reads=[
            {"value": right.value, "text": right.meaning.capitalize()}
            for right in ReadRight
            if right is not ReadRight.ENDPOINTS
        ],
        reliability={
            name: [{"value": "", "text": "Choose"}, *({"value": v, "text": v} for v in values)]
            for name, values in RELIABILITY_CHOICES.items()
        },
    )


@dataclass(frozen=True)
class Step:
    """What suspends, resumes or withdraws: the words of its page."""

    heading: str
    text: str
    button: str
    done: str


_STEPS = {
    "suspend": Step(
        "Suspend this system",
        "It leaves the directory within a second, with its endpoints: nobody finds it, and its certificates"
        " get nothing there. You do this alone. Two people let it go on.",
        "Suspend now",
        "The system is suspended.",
    ),
    "resume": Step(
        "Ask to resume this system",
        "When another person approves it, the system and its endpoints are in the directory again.",
        "Send the request",
        "The request is sent. Another person decides it.",
    ),
    "withdraw": Step(
        "Ask to withdraw this system",
        "When another person approves it, the system ends for good: it leaves the directory with its"
        " endpoints, and its certificates are revoked. It cannot be brought back.",
        "Send the request",
        "The request is sent. Another person decides it.",
    ),
}


@blueprint.get("/<uid:asid>/<any(suspend,resume,withdraw):step>")
def step_form(asid: str, step: str) -> Response:
    """Asks for the reason."""
    return _step_page(asid, step, SubmittedForm())


@blueprint.post("/<uid:asid>/<any(suspend,resume,withdraw):step>")
@keeps_answers
def take_step(asid: str, step: str) -> WerkzeugResponse:
    """Suspends at once, or asks for the others."""
    form = SubmittedForm(request.form)
    try:
        reason = form.text("reason", missing="Say why. The record keeps it.", longest=1000)
        form.require_no_problems()
        getattr(context.services().systems.requesting, step)(context.actor(), asid, reason)
    except Refusal as refusal:
        form.add_problems(refusal)
        return _step_page(asid, step, form)
    tell_on_next_page(_STEPS[step].done)
    return redirect(f"/systems/{asid}", 303)


def _step_page(asid: str, step: str, form: SubmittedForm) -> Response:
    context.require(Permission.REGISTER_SYSTEM)
    record = context.services().systems.looking_up.system(context.actor(), asid)
    words = _STEPS[step]
    return render_page(
        "systems/step.html",
        words.heading,
        status=form.status,
        crumbs=(SYSTEMS, Crumb(record.system.product, f"/systems/{asid}")),
        form=form,
        problems=form.problems,
        words=words,
        what=f"{record.system.product} at {record.organisation_name}, ASID {asid}",
        endpoints=len(record.endpoints),
        action=f"/systems/{asid}/{step}",
        back=f"/systems/{asid}",
    )
