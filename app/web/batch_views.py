"""Batches of cards: begin one from a list of people, go to the desk, watch, take the report away."""

from __future__ import annotations

import csv
import io
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, make_response, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from app.domain.card_batch import uids_from_untrusted
from app.domain.permission import Permission
from app.errors import Refusal
from app.web import context
from app.web.access import keeps_answers
from app.web.forms.submitted import SubmittedForm
from app.web.pages import Crumb, render_page, tell_on_next_page
from app.web.presenters.batch import BatchPage, batches_table, progress_message, report_rows

blueprint = Blueprint("batches", __name__, url_prefix="/batches")

BATCHES = Crumb("Batches of cards", "/batches")
_LONGEST_LIST = 60_000


@blueprint.get("")
def all_batches() -> Response:
    """The form to begin a batch, and the newest batches."""
    return _list_page(SubmittedForm())


@blueprint.post("")
@keeps_answers
def begin() -> WerkzeugResponse:
    """Begin a batch for the people of a list."""
    form = SubmittedForm(request.form)
    try:
        title = form.text("title", missing="Give the batch a name, such as its day and place.")
        first_day = form.day("usable_from", what="The first day", missing=None)
        people = form.text("people", missing="Give the user ids, one a line.", longest=_LONGEST_LIST)
        form.require_no_problems()
        uids = uids_from_untrusted(people)
        batch_id = context.services().batching.begin(context.actor(), title, uids, first_day)
    except Refusal as refusal:
        form.add_problems(refusal)
        return _list_page(form)
    tell_on_next_page(f"The batch is begun: {len(uids)} cards to make.")
    return redirect(f"/batches/{batch_id}", 303)


@blueprint.get("/<record:batch_id>")
def batch(batch_id: str) -> Response:
    """How far the batch is, card by card."""
    actor = context.actor()
    page = BatchPage.of(context.services().batching.batch(actor, batch_id), actor)
    return render_page("batches/batch.html", page.heading, crumbs=(BATCHES,), page=page)


@blueprint.get("/<record:batch_id>/progress.json")
def progress(batch_id: str) -> Response:
    """How far it is, for the script that keeps the page up to date."""
    return jsonify(progress_message(context.services().batching.batch(context.actor(), batch_id)))


@blueprint.get("/<record:batch_id>/report.csv")
def report(batch_id: str) -> Response:
    """One line for each card, to keep."""
    file = io.StringIO()
    csv.writer(file).writerows(report_rows(context.services().batching.batch(context.actor(), batch_id)))
    headers = {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": f'attachment; filename="batch-{batch_id}.csv"',
    }
    return make_response(file.getvalue(), 200, headers)


@blueprint.post("/<record:batch_id>/desk")
def go_to_desk(batch_id: str) -> Response:
    """Make a one-time ticket, and a page that goes on to the card agent with it."""
    ticket = context.services().batching.ticket(context.actor(), batch_id)
    parameters = urlencode({"op": context.settings().service.origin, "ticket": ticket})
    return render_page(
        "issuances/desk.html",
        "Opening the card desk",
        crumbs=(BATCHES, Crumb("This batch", f"/batches/{batch_id}")),
        desk_href=f"{context.settings().agent.origin}/batch?{parameters}",
        back=f"/batches/{batch_id}",
    )


@blueprint.post("/<record:batch_id>/close")
def close(batch_id: str) -> WerkzeugResponse:
    """Give up the people who are still waiting."""
    context.services().batching.close(context.actor(), batch_id)
    tell_on_next_page("The batch is closed. Cards that were begun can be gone on with one by one, or undone.")
    return redirect(f"/batches/{batch_id}", 303)


def _list_page(form: SubmittedForm) -> Response:
    actor = context.require(Permission.ISSUE_CARD)
    return render_page(
        "batches/all.html",
        "Batches of cards",
        status=form.status,
        form=form,
        problems=form.problems,
        table=batches_table(context.services().batching.batches(actor)),
    )
