"""Requests: a sponsor asks that somebody be given a position; an RA manager or agent decides."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from app.domain.actor import Actor
from app.domain.permission import Permission
from app.errors import Refusal
from app.web import context
from app.web.access import keeps_answers
from app.web.form_actions import refused_on
from app.web.forms.submitted import SubmittedForm
from app.web.pages import Crumb, render_page, tell_on_next_page
from app.web.presenters.organisation import organisations_table
from app.web.presenters.position import position_radios
from app.web.presenters.request import RequestPage, requests_page

blueprint = Blueprint("requests", __name__)

# Short enough to be read at a glance.
_MOST_LIKELY = 5

REQUESTS = Crumb("Requests", "/requests")


def _decide_page(request_id: str, form: SubmittedForm) -> Response:
    actor = context.actor()
    record = context.services().deciding.request(actor, request_id)
    page = RequestPage.of(record, actor, context.services().reference)
    return render_page(
        "requests/request.html",
        page.heading,
        status=form.status,
        crumbs=(REQUESTS,),
        page=page,
        form=form,
        problems=form.problems,
    )


@blueprint.get("/people/<uid:uid>/request-position")
def choose_organisation(uid: str) -> Response:
    """The first step: at which organisation."""
    actor = context.require(Permission.REQUEST_POSITION)
    person = context.services().finding.person(actor, uid).person
    form = SubmittedForm(request.args)
    text = form.search_text("Enter the organisation's name, code or postcode.")
    found = context.services().organisations.search(text) if text and not form.problems else None
    base = f"/people/{uid}/request-position"
    return render_page(
        "requests/choose_organisation.html",
        f"Request a position for {person.name}: choose the organisation",
        crumbs=_person_crumbs(uid, person.name),
        form=form,
        problems=form.problems,
        action=base,
        table=None if found is None else organisations_table(found, text, base),
        likely=[(name, f"{base}/{code}") for code, name in _likely_organisations(actor)],
    )


def _likely_organisations(actor: Actor) -> list[tuple[str, str]]:
    """Code and name of where this sponsor asked lately, and of the sponsor's own organisation last."""
    deciding = context.services().deciding
    lately = [*deciding.open_requests(actor), *deciding.closed_requests(actor)]
    names = {each.organisation_code: each.organisation_name for each in lately}
    if actor.organisation_code:
        own = context.services().organisations.organisation(actor.organisation_code)
        names.setdefault(own.code, own.name)
    return [(code, f"{name} ({code})") for code, name in names.items()][:_MOST_LIKELY]


@blueprint.get("/people/<uid:uid>/request-position/<organisation:code>")
def request_form(uid: str, code: str) -> Response:
    """The second step: which position, from when to when, and why."""
    return _request_page(uid, code, _form_from_today(context.now().date()))


@blueprint.post("/people/<uid:uid>/request-position/<organisation:code>")
@keeps_answers
def raise_request(uid: str, code: str) -> WerkzeugResponse:
    """Raise the request."""
    form = SubmittedForm(request.form)
    try:
        request_id = _raise(form, uid, code)
    except Refusal as refusal:
        form.add_problems(refusal)
        context.require(Permission.REQUEST_POSITION)
        return _request_page(uid, code, form)
    tell_on_next_page("The request is sent. An RA manager or agent decides it; you see the outcome here.")
    return redirect(f"/requests/{request_id}", 303)


def _raise(form: SubmittedForm, uid: str, code: str) -> str:
    offered = {position.id for position in context.services().positions.at(code)}
    position_id = form.choice("position_id", offered, "Choose a position.")
    starts_on = form.day("starts_on", what="The first day", missing="Enter the first day.")
    ends_on = form.day("ends_on", what="The last day", missing=None)
    reason = form.text("reason", missing="Say why the person needs this position.", longest=1000)
    form.require_no_problems()
    assert starts_on is not None
    return context.services().requesting.request_position(
        context.actor(), uid, position_id, starts_on, ends_on, reason
    )


@blueprint.get("/requests")
def dashboard() -> Response:
    """Requests that wait, those that colleagues work on, and those closed in the last 30 days."""
    actor = context.actor()
    deciding = context.services().deciding
    page = requests_page(deciding.open_requests(actor), deciding.closed_requests(actor), actor)
    is_decider = Permission.DECIDE_REQUEST in actor.permissions
    return render_page("requests/dashboard.html", "Requests" if is_decider else "Your requests", page=page)


@blueprint.get("/requests/<record:request_id>")
def one_request(request_id: str) -> Response:
    """Everything needed to decide one request."""
    return _decide_page(request_id, SubmittedForm())


@blueprint.post("/requests/<record:request_id>/take")
@refused_on(_decide_page)
def take(request_id: str, form: SubmittedForm) -> WerkzeugResponse:
    """Hold the request for 15 minutes, so that two do not decide it at once."""
    context.services().deciding.take(context.actor(), request_id)
    tell_on_next_page("You are working on this request. Nobody else can decide it for 15 minutes.")
    return redirect(f"/requests/{request_id}", 303)


@blueprint.post("/requests/<record:request_id>/decision")
@keeps_answers
@refused_on(_decide_page)
def decide(request_id: str, form: SubmittedForm) -> WerkzeugResponse:
    """Grant or reject."""
    _decide(request_id, form)
    is_rejection = form.value("decision") == "reject"
    tell_on_next_page("The request is rejected." if is_rejection else "The position is granted.")
    return redirect(f"/requests/{request_id}", 303)


def _decide(request_id: str, form: SubmittedForm) -> None:
    decision = form.choice("decision", ("grant", "reject"), "Choose whether you grant or reject the request.")
    is_rejection = decision == "reject"
    missing = "Say why you reject the request. The sponsor reads it." if is_rejection else None
    note = form.text("reason", missing=missing, longest=1000)
    form.require_no_problems()
    deciding = context.services().deciding
    if is_rejection:
        deciding.reject(context.actor(), request_id, note)
    else:
        deciding.grant(context.actor(), request_id, note)


def _request_page(uid: str, code: str, form: SubmittedForm) -> Response:
    actor, services = context.require(Permission.REQUEST_POSITION), context.services()
    person = services.finding.person(actor, uid).person
    organisation = services.organisations.organisation(code)
    return render_page(
        "requests/request_position.html",
        f"Request a position for {person.name} at {organisation.name}",
        status=form.status,
        crumbs=_person_crumbs(uid, person.name),
        form=form,
        problems=form.problems,
        has_another_role=context.has_another_role(),
        may_request=services.requesting.may_request_at(actor, code),
        positions=position_radios(services.positions.at(code), services.reference),
        action=f"/people/{uid}/request-position/{code}",
        back=f"/people/{uid}/request-position",
        organisation_name=organisation.name,
    )


def _form_from_today(today: date) -> SubmittedForm:
    parts = {"day": today.day, "month": today.month, "year": today.year}
    return SubmittedForm({f"starts_on-{part}": str(value) for part, value in parts.items()})


def _person_crumbs(uid: str, name: str) -> tuple[Crumb, ...]:
    return (Crumb("People", "/people"), Crumb(name, f"/people/{uid}"))
