"""Positions: a named set of access profiles at an organisation, with who approved it."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from app.domain.permission import Permission
from app.errors import Refusal
from app.web import context
from app.web.access import keeps_answers, takes_upload
from app.web.forms.position import PositionForm
from app.web.pages import Crumb, render_page, tell_on_next_page
from app.web.presenters.position import PositionPage, position_choices

blueprint = Blueprint("positions", __name__)

# 103 activities can be ticked in each access profile.
_LARGEST_FORM_BYTES = 256 * 1024


@blueprint.get("/organisations/<organisation:code>/positions/new")
def create_form(code: str) -> Response:
    """The empty form."""
    return _form_page(code, PositionForm(code))


@blueprint.post("/organisations/<organisation:code>/positions/new")
@keeps_answers
@takes_upload(_LARGEST_FORM_BYTES)
def create(code: str) -> WerkzeugResponse:
    """Create the position, or show the form again with one more access profile."""
    form = PositionForm(code, request.form)
    if form.value("step") == "add":
        form.add_access_profile()
        return _form_page(code, form)
    try:
        position_id = context.services().positions.create(
            context.actor(), form.new_position(context.now().date())
        )
    except Refusal as refusal:
        form.add_problems(refusal)
        return _form_page(code, form)
    tell_on_next_page("The position is created. Sponsors can request it from now on.")
    return redirect(f"/positions/{position_id}", 303)


@blueprint.get("/positions/<record:position_id>")
def position(position_id: str) -> Response:
    """What the position gives, where, and who approved it."""
    context.require(Permission.VIEW_POSITIONS)
    services = context.services()
    known = services.positions.position(position_id)
    organisation = services.organisations.organisation(known.organisation_code)
    page = PositionPage.of(known, organisation.name, services.reference)
    crumbs = (
        Crumb("Organisations", "/organisations"),
        Crumb(organisation.name, f"/organisations/{organisation.code}"),
    )
    return render_page("positions/position.html", page.name, crumbs=crumbs, page=page)


def _form_page(code: str, form: PositionForm) -> Response:
    services = context.services()
    services.positions.require_may_create_at(context.actor(), code)
    organisation = services.organisations.organisation(code)
    crumbs = (Crumb("Organisations", "/organisations"), Crumb(organisation.name, f"/organisations/{code}"))
    return render_page(
        "positions/create.html",
        f"Create a position at {organisation.name}",
        status=form.status,
        crumbs=crumbs,
        form=form,
        problems=form.problems,
        choices=position_choices(services.reference),
        code=code,
    )
