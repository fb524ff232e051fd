"""Registering a person: the form, the check page with possible duplicates, and the registration itself.

All three steps are posts to one address. The answers travel in the form, so going back, changing and sending
again lose nothing, and the server keeps nothing of a person who was not registered in the end.
"""

from __future__ import annotations

import re

from flask import Blueprint, Response, redirect, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as WerkzeugResponse

from app.domain.actor import Actor
from app.domain.permission import Permission
from app.domain.person import DocumentAlreadyKnown, PersonSummary, Registration
from app.domain.photo import LARGEST_FILE_BYTES
from app.errors import InvalidInput, Refusal
from app.web import context, security
from app.web.access import keeps_answers, takes_upload
from app.web.forms.registration import RegistrationForm
from app.web.pages import Crumb, render_page, tell_on_next_page
from app.web.presenters.registration import RegistrationChoices, registration_check_page
from app.web.presenters.wording import grouped

# Somebody who searched by user id or e-mail address typed no name.
_NOT_IN_NAMES = re.compile(r"[^\w'’.-]|[\d_]")

blueprint = Blueprint("registration", __name__, url_prefix="/people/register")

CRUMBS = (Crumb("People", "/people"),)
# A photo that is too large must arrive whole, so that only the photo is refused and no answer is lost.
_LARGEST_FORM_BYTES = 4 * LARGEST_FILE_BYTES


@blueprint.get("")
def form() -> Response:
    """The empty form, with the name that was searched for already in it."""
    empty = _answers()
    given_name, _, family_name = request.args.get("name", "")[:100].strip().rpartition(" ")
    if _NOT_IN_NAMES.search(family_name) is None:
        empty.keep("given_name", given_name)
        empty.keep("family_name", family_name)
    return _form_page(empty)


@blueprint.post("")
@keeps_answers
@takes_upload(_LARGEST_FORM_BYTES)
def register() -> WerkzeugResponse:
    """Take one step: check the answers, change them, or register the person."""
    actor = context.actor()
    context.services().registering.require_may_register(actor)
    answers = _answers(request.form, _photo_file())
    if answers.value("step") == "change":
        return _form_page(answers)
    registration = answers.registration(context.now().date())
    if registration is None:
        return _form_page(answers)
    if answers.value("step") == "register":
        return _register(actor, answers, registration)
    return _check_page(actor, answers, registration)


def _answers(fields: MultiDict[str, str] | None = None, photo_file: bytes = b"") -> RegistrationForm:
    cropped_from_untrusted = context.services().registering.cropped_photo_from_untrusted
    return RegistrationForm(cropped_from_untrusted, fields, photo_file)


def _photo_file() -> bytes:
    chosen = request.files.get("photo")
    return chosen.read() if chosen else b""


def _register(actor: Actor, answers: RegistrationForm, registration: Registration) -> WerkzeugResponse:
    try:
        uid = context.services().registering.register(actor, registration)
    except InvalidInput as refusal:
        answers.add_problems(refusal)
        return _form_page(answers)
    except Refusal as refusal:
        answers.add_problems(refusal)
        is_known = isinstance(refusal, DocumentAlreadyKnown)
        return _check_page(actor, answers, registration, may_register=not is_known)
    name = f"{registration.given_name} {registration.family_name}"
    tell_on_next_page(f"{name} is registered. The user id (UUID) is {grouped(uid)}.")
    return redirect(f"/people/{uid}", 303)


def _possible_duplicates(actor: Actor, registration: Registration) -> list[PersonSummary]:
    return list(
        context.services().registering.possible_duplicates(
            actor,
            registration.given_name,
            registration.family_name,
            registration.date_of_birth,
            tuple(document.normalised().number for document in registration.evidence),
            registration.email,
        )
    )


def _form_page(answers: RegistrationForm) -> Response:
    context.require(Permission.REGISTER_PERSON)
    security.allow_data_images()
    return render_page(
        "people/register.html",
        "Register a person",
        status=answers.status,
        crumbs=CRUMBS,
        form=answers,
        problems=answers.problems,
        choices=RegistrationChoices(),
    )


def _check_page(
    actor: Actor, answers: RegistrationForm, registration: Registration, *, may_register: bool = True
) -> Response:
    security.allow_data_images()
    page = registration_check_page(registration, _possible_duplicates(actor, registration))
    return render_page(
        "people/register_check.html",
        "Check the answers before registering",
        status=answers.status,
        crumbs=CRUMBS,
        form=answers,
        problems=answers.problems,
        page=page,
        may_register=may_register,
    )
