"""Beginning a batch of cards: choose the people, read who can have no card and why, then begin.

Nothing is kept between the pages: each carries the whole list on, and people are looked at anew each time.
"""

from __future__ import annotations

from contextlib import closing
from datetime import date

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from app.domain.batch_list import LARGEST_LIST
from app.domain.permission import Permission
from app.errors import InvalidInput, NotFound, Refusal
from app.ra.choosing_people import PeopleChecked
from app.web import context
from app.web.access import keeps_answers, takes_upload
from app.web.batch_views import BATCHES
from app.web.forms.submitted import SubmittedForm
from app.web.pages import render_page, tell_on_next_page
from app.web.presenters.batch import batches_table
from app.web.presenters.batch_people import AT_DESK, WAYS, ChoosePage, PeoplePage
from app.web.presenters.wording import counted

blueprint = Blueprint("batch_beginnings", __name__, url_prefix="/batches")

# The other fields and the envelope of the form.
_REST_OF_FORM = 64 * 1024
_LARGEST_BODY = 2 * LARGEST_LIST + _REST_OF_FORM


@blueprint.get("")
def all_batches() -> Response:
    """The form to begin a batch, and the newest batches."""
    return _form_page(SubmittedForm())


@blueprint.get("/choose")
def choose() -> Response:
    """People to be ticked: those of an organisation who have no card, or those found by name."""
    form = SubmittedForm(request.args)
    code, words = form.text("organisation", longest=12).upper(), form.text("q", longest=100)
    try:
        if request.args and not (code or words):
            form.refuse("organisation", "Enter the code of an organisation, or a name or user id.")
        form.require_no_problems()
        found = _found(code, words)
    except NotFound as refusal:
        form.refuse("organisation", str(refusal))
        found = None
    except Refusal as refusal:
        form.add_problems(refusal)
        found = None
    return render_page(
        "batches/choose.html",
        "Choose people for a batch",
        status=form.status,
        crumbs=(BATCHES,),
        form=form,
        problems=form.problems,
        page=ChoosePage.of(found, code) if found else None,
    )


@blueprint.post("/list")
@keeps_answers
@takes_upload(_LARGEST_BODY, needs=Permission.ISSUE_CARD)
def change_list() -> Response:
    """The form with the people who were ticked, or again with the list as it was."""
    context.require(Permission.ISSUE_CARD)
    form = SubmittedForm(request.form)
    ticked = form.values("person")
    form.keep("people", "\n".join(["uid, name", *ticked] if ticked else [form.value("people")]))
    return _form_page(form)


@blueprint.post("/check")
@keeps_answers
@takes_upload(_LARGEST_BODY, needs=Permission.ISSUE_CARD)
def check() -> Response:
    """Everybody who gets a card, and every line that is left out with the reason. Nothing is begun yet."""
    form = SubmittedForm(request.form)
    try:
        form.keep("people", _with_file(form.value("people")))
        checked = _checked(form)
    except Refusal as refusal:
        form.add_problems(refusal)
        return _form_page(form)
    return _check_page(form, checked)


@blueprint.post("")
@keeps_answers
@takes_upload(_LARGEST_BODY, needs=Permission.ISSUE_CARD)
def begin() -> WerkzeugResponse:
    """Begin the batch for the people who were shown; shows them again when they are others by now."""
    form, batching = SubmittedForm(request.form), context.services().batching
    try:
        checked = _checked(form)
        if checked.fingerprint != form.value("shown"):
            return _check_page(form, checked, "Who can have a card has changed meanwhile. Look again.")
        batch_id = batching.begin(
            context.actor(),
            form.text("title"),
            checked.uids,
            _first_day(form),
            checked.left_out,
            holders_present=_holders_present(form),
        )
    except Refusal as refusal:
        form.add_problems(refusal)
        return _form_page(form)
    tell_on_next_page(f"The batch is begun: {counted(len(checked.uids), 'card')} to make.")
    return redirect(f"/batches/{batch_id}", 303)


def _found(code: str, words: str) -> PeopleChecked | None:
    actor, choosing = context.require(Permission.ISSUE_CARD), context.services().batching.choosing
    if code:
        return choosing.at_organisation(actor, code)
    return choosing.by_name(actor, words) if words else None


def _checked(form: SubmittedForm) -> PeopleChecked:
    """The people of the form's list; raises what is wrong with the form or the list."""
    actor = context.require(Permission.ISSUE_CARD)
    form.text("title", missing="Give the batch a name, such as its day and place.")
    first_day, people = _first_day(form), form.value("people")
    if len(people) > LARGEST_LIST:
        form.refuse("people", "The list is too long for one batch. Split it.")
    form.require_no_problems()
    return context.services().batching.choosing.check(
        actor, people, first_day, holders_present=_holders_present(form)
    )


def _first_day(form: SubmittedForm) -> date | None:
    return form.day("usable_from", what="The first day", missing=None)


def _holders_present(form: SubmittedForm) -> bool:
    """Locked when nothing was chosen, as cards of a batch are unless somebody says otherwise."""
    return form.value("way") == AT_DESK


def _with_file(typed: str) -> str:
    """The list that was typed, and the file under it; one of them alone keeps the numbers of its lines."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        return typed
    with closing(sent):
        content = bytes(sent.read(LARGEST_LIST + 1))
    if len(content) > LARGEST_LIST:
        raise InvalidInput({"file": f"The file is larger than {LARGEST_LIST // 1024} kB. Split it."})
    listed = content.decode("utf-8-sig", errors="replace")
    return f"{typed}\n{listed}" if typed.strip() else listed


def _check_page(form: SubmittedForm, checked: PeopleChecked, notice: str = "") -> Response:
    return render_page(
        "batches/check.html",
        "Check this batch",
        status=409 if notice else 200,
        crumbs=(BATCHES,),
        page=PeoplePage.of(form, _first_day(form), checked, notice),
    )


def _form_page(form: SubmittedForm) -> Response:
    actor = context.require(Permission.ISSUE_CARD)
    form.keep("way", form.value("way") or WAYS[0]["value"])
    return render_page(
        "batches/all.html",
        "Batches of cards",
        status=form.status,
        form=form,
        problems=form.problems,
        ways=WAYS,
        table=batches_table(context.services().batching.batches(actor)),
    )
