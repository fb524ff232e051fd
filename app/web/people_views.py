"""Finding people: search first, then the person's page."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, request

from app.domain.permission import Permission
from app.errors import Refusal
from app.web import context
from app.web.forms.submitted import SubmittedForm
from app.web.pages import Crumb, render_page
from app.web.presenters.person import PersonPage
from app.web.presenters.search import PeopleSearchPage

blueprint = Blueprint("people", __name__, url_prefix="/people")

PEOPLE = Crumb("People", "/people")


@blueprint.get("")
def search() -> Response:
    """The search box, and what was found."""
    actor = context.require(Permission.FIND_PEOPLE)
    form = SubmittedForm(request.args)
    text = form.search_text("Enter a name, a user id (UUID), an e-mail address or a professional number.")
    found = context.services().finding.search(actor, text) if text and not form.problems else None
    page = PeopleSearchPage.of(actor, text, found)
    return render_page(
        "people/search.html",
        "Find a person",
        status=form.status,
        form=form,
        page=page,
        problems=form.problems,
    )


@blueprint.get("/<uid:uid>")
def person(uid: str) -> Response:
    """Everything that is known about one person, and the actions that are legal and permitted now."""
    return person_page(uid)


def person_page(uid: str, refusal: Refusal | None = None) -> Response:
    """The person's page; with a refusal, why something that was tried from it cannot be done now.

    Raises:
        NotPermitted, NotFound: as they are given; the page is no answer to them.
    """
    actor, form = context.actor(), SubmittedForm()
    if refusal is not None:
        form.add_problems(refusal)
    services = context.services()
    record, due = services.finding.person(actor, uid), services.renewals.beginning.due(uid)
    page = PersonPage.of(actor, record, context.now(), due, services.withdrawing.open_to(actor, uid))
    return render_page(
        "people/person.html",
        page.name,
        status=form.status,
        crumbs=(PEOPLE,),
        page=page,
        problems=form.problems,
    )


@blueprint.get("/<uid:uid>/photo")
def photo(uid: str) -> Response:
    """The person's photo as it is printed on the card."""
    picture = context.services().finding.photo(context.actor(), uid)
    return make_response(picture, 200, {"Content-Type": "image/jpeg", "Content-Disposition": "inline"})
