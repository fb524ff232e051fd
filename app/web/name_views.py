"""Changing somebody's name: the form, and the change."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from app.domain.name_change import NameChange, NameChangeReason
from app.domain.permission import Permission
from app.errors import Refusal
from app.web import context
from app.web.access import keeps_answers
from app.web.forms.submitted import SubmittedForm
from app.web.pages import Crumb, render_page, tell_on_next_page

blueprint = Blueprint("names", __name__)

_NAMES = ("given_name", "middle_names", "family_name")
REASONS = {
    NameChangeReason.MARRIAGE: "Marriage or civil partnership",
    NameChangeReason.DIVORCE: "Divorce or end of a civil partnership",
    NameChangeReason.DEED_POLL: "Deed poll",
    NameChangeReason.CORRECTION: "The name was entered wrongly",
}


@blueprint.get("/people/<uid:uid>/name")
def form(uid: str) -> Response:
    """Asks for the new names, why, and which document was seen."""
    actor = context.require(Permission.CHANGE_PERSON)
    person = context.services().finding.person(actor, uid).person
    filled = SubmittedForm()
    for field in _NAMES:
        filled.keep(field, getattr(person, field))
    return _page(uid, person.name, filled)


@blueprint.post("/people/<uid:uid>/name")
@keeps_answers
def change(uid: str) -> WerkzeugResponse:
    """Change the name."""
    submitted = SubmittedForm(request.form)
    texts = {
        name: submitted.text(name, longest=100) for name in ("given_name", "middle_names", "family_name")
    }
    reason = submitted.choice("reason", REASONS, "Choose why the name changes.")
    document = submitted.text("document_number", longest=60)
    try:
        submitted.require_no_problems()
        asked = NameChange(**texts, reason=NameChangeReason(reason), document_number=document)
        card = context.services().renewals.names.change(context.actor(), uid, asked)
    except Refusal as refusal:
        submitted.add_problems(refusal)
        person = context.services().finding.person(context.actor(), uid).person
        return _page(uid, person.name, submitted)
    told = "The name is changed."
    if card:
        told += f" Card {card} still carries the old name and works until it is replaced: issue a new one."
    tell_on_next_page(told)
    return redirect(f"/people/{uid}", 303)


def _page(uid: str, name: str, submitted: SubmittedForm) -> Response:
    context.require(Permission.CHANGE_PERSON)
    return render_page(
        "people/name.html",
        f"Change the name of {name}",
        status=submitted.status,
        crumbs=(Crumb("People", "/people"), Crumb(name, f"/people/{uid}")),
        form=submitted,
        problems=submitted.problems,
        reasons=[{"value": value.value, "text": text} for value, text in REASONS.items()],
        action=f"/people/{uid}/name",
        back=f"/people/{uid}",
    )
