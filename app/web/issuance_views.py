"""Issuing a card: begin here, work at the desk, watch the steps, go on or undo."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from app.domain.permission import Permission
from app.errors import Refusal
from app.web import context
from app.web.access import keeps_answers
from app.web.desk_page import desk_page
from app.web.form_actions import refused_on
from app.web.forms.issuance_terms import TermsChoices, terms_of
from app.web.forms.submitted import SubmittedForm
from app.web.pages import Crumb, render_page
from app.web.people_views import person_page
from app.web.presenters.issuance import IssuancePage, open_issuances_table, progress_message

blueprint = Blueprint("issuances", __name__)

ISSUANCES = Crumb("Cards being issued", "/issuances")


def _page(issuance_id: str, form: SubmittedForm) -> Response:
    actor = context.actor()
    page = IssuancePage.of(context.services().issuing.issuance(actor, issuance_id), actor)
    return render_page(
        "issuances/issuance.html",
        page.heading,
        status=form.status,
        crumbs=(ISSUANCES,),
        page=page,
        agent_origin=context.settings().agent.origin,
        form=form,
        problems=form.problems,
    )


@blueprint.get("/issuances")
def all_open() -> Response:
    """Every card that is being issued and not finished."""
    actor = context.require(Permission.ISSUE_CARD)
    table = open_issuances_table(context.services().issuing.open_issuances(actor))
    return render_page("issuances/open.html", "Cards being issued", table=table)


@blueprint.post("/people/<uid:uid>/issue-card")
def begin(uid: str) -> WerkzeugResponse:
    """Begin to issue a card to a person, with the PIN that they choose, and go on to the desk at once."""
    try:
        issuance_id = context.services().issuing.begin(context.actor(), uid)
    except Refusal as refusal:
        return person_page(uid, refusal)
    return go_to_desk(issuance_id)


@blueprint.get("/people/<uid:uid>/issue-card/otherwise")
def begin_otherwise_form(uid: str) -> Response:
    """Asks how: locked for later, before the person's first day, or for a short time."""
    return _otherwise_page(uid, SubmittedForm(request.args))


@blueprint.post("/people/<uid:uid>/issue-card/otherwise")
@keeps_answers
def begin_otherwise(uid: str) -> WerkzeugResponse:
    """Begin to issue a card on terms, and go on to the desk at once."""
    form = SubmittedForm(request.form)
    try:
        terms = terms_of(form)
        form.require_no_problems()
        issuance_id = context.services().issuing.begin(context.actor(), uid, terms)
    except Refusal as refusal:
        form.add_problems(refusal)
        return _otherwise_page(uid, form)
    return go_to_desk(issuance_id)


def _otherwise_page(uid: str, form: SubmittedForm) -> Response:
    record = context.services().finding.person(context.require(Permission.ISSUE_CARD), uid)
    return render_page(
        "issuances/otherwise.html",
        "Issue a card in another way",
        status=form.status,
        crumbs=(Crumb("People", "/people"), Crumb(record.person.card_name, f"/people/{uid}")),
        form=form,
        problems=form.problems,
        choices=TermsChoices.of(record),
        action=f"/people/{uid}/issue-card/otherwise",
        back=f"/people/{uid}",
    )


@blueprint.get("/issuances/<record:issuance_id>")
def issuance(issuance_id: str) -> Response:
    """The card's progress, step by step, and what can be done now."""
    return _page(issuance_id, SubmittedForm())


@blueprint.get("/issuances/<record:issuance_id>/steps.json")
def steps(issuance_id: str) -> Response:
    """The same steps for the script that keeps the page up to date."""
    return jsonify(progress_message(context.services().issuing.issuance(context.actor(), issuance_id)))


@blueprint.post("/issuances/<record:issuance_id>/desk")
def go_to_desk(issuance_id: str) -> Response:
    """Make a one-time ticket, and a page that goes on to the card agent with it."""
    ticket = context.services().issuing.ticket(context.actor(), issuance_id)
    return desk_page(ticket, ISSUANCES, Crumb("This card", f"/issuances/{issuance_id}"))


@blueprint.post("/issuances/<record:issuance_id>/undo")
@refused_on(_page)
def undo(issuance_id: str, form: SubmittedForm) -> WerkzeugResponse:
    """Undo an unfinished issuance. Its certificates are revoked; a card that was written on is put aside."""
    reason = form.text("reason", missing="Say why the card is not being issued.", longest=500)
    form.require_no_problems()
    context.services().issuing.undo(context.actor(), issuance_id, reason)
    return redirect(f"/issuances/{issuance_id}", 303)
