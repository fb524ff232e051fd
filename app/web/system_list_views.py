"""Lists of systems: a CSV file looked at row by row, asked for, and decided as a whole."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from contextlib import closing

from flask import Blueprint, Response, make_response, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from app.domain.permission import Permission
from app.domain.system_request import SystemRequest, SystemRequestStatus
from app.errors import InvalidInput, Refusal
from app.ra.listing_systems import COLUMNS, LARGEST_LIST_BYTES, ListedSystem
from app.ra.system_records import SystemRequestRecord
from app.web import context
from app.web.access import takes_upload
from app.web.forms.submitted import SubmittedForm
from app.web.pages import render_page, tell_on_next_page
from app.web.presenters.system import listed_table
from app.web.presenters.system_request import requests_table
from app.web.system_views import SYSTEMS

blueprint = Blueprint("system_lists", __name__, url_prefix="/systems/lists")

# The list travels in the form from the preview to the request, and its quotes and line ends take room there.
_LARGEST_FORM_BYTES = 2 * LARGEST_LIST_BYTES


@blueprint.get("/new")
def upload_form() -> Response:
    """Where a list is chosen."""
    return _upload_page(SubmittedForm())


@blueprint.get("/template.csv")
def template() -> Response:
    """The heading that a list needs."""
    context.require(Permission.REGISTER_SYSTEM)
    heading = io.StringIO()
    csv.writer(heading).writerow(COLUMNS)
    headers = {"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": "attachment"}
    return make_response(heading.getvalue(), 200, headers)


@blueprint.post("/new")
@takes_upload(_LARGEST_FORM_BYTES)
def upload() -> WerkzeugResponse:
    """Show what is in the list, or ask for it."""
    form = SubmittedForm(request.form)
    context.require(Permission.REGISTER_SYSTEM)
    try:
        content = _content(form)
        if form.value("step") == "ask":
            return _ask(form, content)
        return _preview_page(form, content)
    except Refusal as refusal:
        form.add_problems(refusal)
        return _upload_page(form)


def _content(form: SubmittedForm) -> bytes:
    sent = request.files.get("file")
    if sent is not None and sent.filename:
        with closing(sent):
            return bytes(sent.read(LARGEST_LIST_BYTES + 1))
    if not form.value("list"):
        raise InvalidInput({"file": "Choose the CSV file."})
    return form.value("list").encode()


def _ask(form: SubmittedForm, content: bytes) -> WerkzeugResponse:
    try:
        batch, listed = context.services().systems.listing.ask(
            context.actor(), content, form.text("reason", longest=1000)
        )
    except InvalidInput as refusal:
        form.add_problems(refusal)
        return _preview_page(form, content)
    refused = [each for each in listed if each.problem]
    if refused:
        return _result_page(batch, listed, refused)
    tell_on_next_page(f"{len(listed)} systems are asked for. Another person checks and decides them.")
    return redirect(f"/systems/lists/{batch}", 303)


@blueprint.get("/<record:batch>")
def one_list(batch: str) -> Response:
    """What came with one list, and how each stands."""
    return _list_page(batch, [])


@blueprint.post("/<record:batch>/host-names")
def check_host_names(batch: str) -> WerkzeugResponse:
    """Record the check of all host names of the list."""
    refused = context.services().systems.deciding.check_host_names_of_batch(context.actor(), batch)
    return _after(batch, refused, "The check of the host names is on the record.")


@blueprint.post("/<record:batch>/approve")
def approve(batch: str) -> WerkzeugResponse:
    """Approve everything that is still open."""
    refused = context.services().systems.deciding.approve_batch(context.actor(), batch)
    return _after(batch, refused, "Everything in the list is approved and done.")


def _after(batch: str, refused: list[tuple[SystemRequest, str]], said: str) -> WerkzeugResponse:
    if refused:
        return _list_page(batch, refused)
    tell_on_next_page(said)
    return redirect(f"/systems/lists/{batch}", 303)


def _upload_page(form: SubmittedForm) -> Response:
    context.require(Permission.REGISTER_SYSTEM)
    heading = "Ask for systems by a list"
    return render_page(
        "systems/list_upload.html",
        heading,
        status=form.status,
        crumbs=(SYSTEMS,),
        form=form,
        problems=form.problems,
        columns=COLUMNS,
    )


def _preview_page(form: SubmittedForm, content: bytes) -> Response:
    listed = context.services().systems.listing.preview(context.actor(), content)
    return render_page(
        "systems/list_preview.html",
        "Check the list",
        status=form.status,
        crumbs=(SYSTEMS,),
        form=form,
        problems=form.problems,
        table=listed_table(listed),
        good=sum(not each.problem for each in listed),
        content=content.decode("utf-8-sig"),
    )


def _result_page(batch: str, listed: Sequence[ListedSystem], refused: Sequence[ListedSystem]) -> Response:
    return render_page(
        "systems/list_result.html",
        "Some systems could not be asked for",
        crumbs=(SYSTEMS,),
        table=listed_table(refused),
        asked=len(listed) - len(refused),
        href=f"/systems/lists/{batch}",
    )


def _list_page(batch: str, refused: Sequence[tuple[SystemRequest, str]]) -> Response:
    actor = context.actor()
    records = context.services().systems.looking_up.batch(actor, batch)
    is_anothers = any(_is_open(each) and each.request.requested_by != actor.uid for each in records)
    unchecked = any(_is_open(each) and _is_unchecked(each) for each in records)
    return render_page(
        "systems/list.html",
        "A list of systems",
        status=409 if refused else 200,
        crumbs=(SYSTEMS,),
        table=requests_table(records, f"{len(records)} systems", ""),
        refused=[(each.product, sentence) for each, sentence in refused],
        hosts=sorted({name for each in records if _is_open(each) for name in each.request.new_hosts}),
        may_check=is_anothers and unchecked and Permission.APPROVE_HOST_NAMES in actor.permissions,
        may_approve=is_anothers and not unchecked and Permission.APPROVE_SYSTEM in actor.permissions,
        href=f"/systems/lists/{batch}",
    )


def _is_open(record: SystemRequestRecord) -> bool:
    return record.request.status is SystemRequestStatus.OPEN


def _is_unchecked(record: SystemRequestRecord) -> bool:
    return bool(record.request.new_hosts) and record.request.hosts_checked is None
