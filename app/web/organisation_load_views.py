"""Loads of organisations: hand in a file, look at what it would change, apply it or throw it away."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, redirect, request
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as WerkzeugResponse

from app.domain.organisation_change import Change
from app.domain.organisation_load import LARGEST_UPLOAD, LoadKind, LoadStatus, OrganisationLoad
from app.domain.permission import Permission
from app.errors import Refusal
from app.ra.loading_organisations import HandedIn
from app.web import context
from app.web.access import takes_upload
from app.web.form_actions import refused_on
from app.web.forms.submitted import SubmittedForm
from app.web.pages import Crumb, render_page, tell_on_next_page
from app.web.presenters.organisation_load import CHANGES_SHOWN, LoadPage, loads_table, progress_message

blueprint = Blueprint("organisation_loads", __name__, url_prefix="/organisation-loads")

CRUMBS = (Crumb("Organisations", "/organisations"),)
LOADS = Crumb("Load organisations", "/organisation-loads")
# The other fields and the envelope of the form.
_REST_OF_FORM = 64 * 1024


def _load_page(load_id: str, form: SubmittedForm) -> Response:
    actor, loads = context.actor(), context.services().loads
    found = loads.load(actor, load_id)
    asked = SubmittedForm(request.args)
    change = _change(asked.value("change"), found)
    changes = loads.changes(actor, load_id, change, asked.value("after")[:12], CHANGES_SHOWN + 1)
    page = LoadPage.of(found, change, changes, is_stale=loads.is_stale(actor, load_id))
    return render_page(
        "organisation_loads/load.html",
        page.heading,
        status=form.status,
        crumbs=(*CRUMBS, LOADS),
        page=page,
        form=form,
        problems=form.problems,
        message=progress_message(found)["text"],
    )


@blueprint.get("")
def all_loads() -> Response:
    """The form to hand in a file, and the files handed in so far."""
    return _list_page(SubmittedForm())


@blueprint.post("")
@takes_upload(LARGEST_UPLOAD + _REST_OF_FORM, needs=Permission.LOAD_ORGANISATIONS)
def hand_in() -> WerkzeugResponse:
    """Keep the file; its preview is made by the worker."""
    form = SubmittedForm(request.form)
    try:
        load_id = _hand_in(form, request.files.get("file"))
    except Refusal as refusal:
        form.add_problems(refusal)
        return _list_page(form)
    tell_on_next_page("The file is kept. It is being compared with what is known.")
    return redirect(f"/organisation-loads/{load_id}", 303)


def _hand_in(form: SubmittedForm, file: FileStorage | None) -> str:
    actor, loads = context.require(Permission.LOAD_ORGANISATIONS), context.services().loads
    kind = form.choice("kind", list(LoadKind), "Say whether the file has every organisation.")
    report = form.value("report")
    if report not in {"", *(name for name, _ in loads.reports())}:
        form.refuse("report", "Choose one of the reports.")
    if file is None or not file.filename:
        form.refuse("file", "Choose a file.")
    form.require_no_problems()
    assert file is not None
    name = file.filename or ""
    return loads.hand_in(actor, HandedIn(name, LoadKind(kind), report, file.stream, LARGEST_UPLOAD))  # type: ignore[arg-type]


@blueprint.get("/<record:load_id>")
def load(load_id: str) -> Response:
    """What the load would change, or did."""
    return _load_page(load_id, SubmittedForm())


@blueprint.get("/<record:load_id>/progress.json")
def progress(load_id: str) -> Response:
    """How far it is, for the script that keeps the page up to date."""
    return jsonify(progress_message(context.services().loads.load(context.actor(), load_id)))


@blueprint.post("/<record:load_id>/apply")
@refused_on(_load_page)
def apply(load_id: str, form: SubmittedForm) -> WerkzeugResponse:
    """Have it applied as it was previewed."""
    context.services().loads.apply(context.actor(), load_id)
    return redirect(f"/organisation-loads/{load_id}", 303)


@blueprint.post("/<record:load_id>/preview")
@refused_on(_load_page)
def preview_again(load_id: str, form: SubmittedForm) -> WerkzeugResponse:
    """Compare the file anew."""
    context.services().loads.preview_again(context.actor(), load_id)
    return redirect(f"/organisation-loads/{load_id}", 303)


@blueprint.post("/<record:load_id>/discard")
@refused_on(_load_page)
def discard(load_id: str, form: SubmittedForm) -> WerkzeugResponse:
    """Throw it away."""
    context.services().loads.discard(context.actor(), load_id)
    tell_on_next_page("The load is thrown away. Nothing was changed.")
    return redirect("/organisation-loads", 303)


def _list_page(form: SubmittedForm) -> Response:
    loads = context.services().loads
    table = loads_table(loads.loads(context.actor()))
    return render_page(
        "organisation_loads/all.html",
        "Load organisations",
        status=form.status,
        crumbs=CRUMBS,
        form=form,
        problems=form.problems,
        table=table,
        reports=[{"value": "", "text": "The file's name says it"}]
        + [{"value": name, "text": f"{title} ({name})"} for name, title in loads.reports()],
    )


def _change(asked: str, found: OrganisationLoad) -> Change:
    """The kind whose list was asked for, or else the first of which there is any."""
    if asked in list(Change):
        return Change(asked)
    if found.status is LoadStatus.FAILED:
        return Change.NEW
    return next((each for each in Change if found.report.changes.get(each, 0)), Change.NEW)
