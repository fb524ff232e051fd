"""Organisations: search, and one organisation's page with its positions."""

from __future__ import annotations

from contextlib import suppress

from flask import Blueprint, Response, request

from app.domain.permission import Permission
from app.errors import NotFound
from app.web import context
from app.web.forms.submitted import SubmittedForm
from app.web.pages import Crumb, render_page
from app.web.presenters.organisation import OrganisationPage, organisations_table

blueprint = Blueprint("organisations", __name__, url_prefix="/organisations")

ORGANISATIONS = Crumb("Organisations", "/organisations")


@blueprint.get("")
def search() -> Response:
    """The search box, and what was found by name, code or postcode."""
    form = SubmittedForm(request.args)
    text = form.search_text("Enter an organisation's name, code or postcode.")
    found = context.services().organisations.search(text) if text and not form.problems else None
    return render_page(
        "organisations/search.html",
        "Find an organisation",
        status=form.status,
        form=form,
        problems=form.problems,
        table=None if found is None else organisations_table(found, text, "/organisations"),
    )


@blueprint.get("/<organisation:code>")
def organisation(code: str) -> Response:
    """What is known about one organisation, and its positions."""
    actor = context.actor()
    known = context.services().organisations.organisation(code)
    positions = (
        context.services().positions.at(code) if Permission.VIEW_POSITIONS in actor.permissions else None
    )
    may_create = context.services().positions.may_create_at(actor, code)
    names = _names(known.parent_code, known.successor_code)
    page = OrganisationPage.of(
        known,
        positions,
        names,
        context.services().reference,
        may_create=may_create,
        may_issue=Permission.ISSUE_CARD in actor.permissions,
    )
    return render_page("organisations/organisation.html", page.name, crumbs=(ORGANISATIONS,), page=page)


def _names(*codes: str | None) -> dict[str, str]:
    """The names of those of the codes that are listed; parents and successors need not be."""
    names: dict[str, str] = {}
    for code in codes:
        with suppress(NotFound):
            names |= {code: context.services().organisations.organisation(code).name} if code else {}
    return names
