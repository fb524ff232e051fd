"""Withdrawing somebody's access: says what ends, and asks why."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from app.errors import Refusal
from app.ra.withdrawing import HeldAccess
from app.web import context
from app.web.access import keeps_answers
from app.web.forms.submitted import SubmittedForm
from app.web.pages import Crumb, render_page, tell_on_next_page

blueprint = Blueprint("withdrawals", __name__)

WITHDRAW = "/role-profiles/<uid:role_profile_id>/withdraw"


@blueprint.get(WITHDRAW)
def form(role_profile_id: str) -> Response:
    """The access that would end."""
    return _page(_held(role_profile_id), SubmittedForm())


@blueprint.post(WITHDRAW)
@keeps_answers
def withdraw(role_profile_id: str) -> WerkzeugResponse:
    """End it now."""
    held, submitted = _held(role_profile_id), SubmittedForm(request.form)
    reason = submitted.text("reason", longest=200)
    try:
        submitted.require_no_problems()
        context.services().withdrawing.withdraw(context.actor(), role_profile_id, reason)
    except Refusal as refusal:
        submitted.add_problems(refusal)
        return _page(held, submitted)
    tell_on_next_page(f"{held.holder.name} no longer has the access at {held.role.organisation_name}.")
    return redirect(f"/people/{held.holder.uid}", 303)


def _held(role_profile_id: str) -> HeldAccess:
    return context.services().withdrawing.held(context.actor(), role_profile_id)


def _page(held: HeldAccess, submitted: SubmittedForm) -> Response:
    person = Crumb(held.holder.name, f"/people/{held.holder.uid}")
    return render_page(
        "people/withdraw.html",
        "End this access",
        status=submitted.status,
        crumbs=(Crumb("People", "/people"), person),
        form=submitted,
        problems=submitted.problems,
        held=held,
        back=person.href,
    )
