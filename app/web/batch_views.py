"""Batches of cards: go to the desk, watch, take the report away. Beginning one: ``batch_begin_views.py``."""

from __future__ import annotations

import csv
import io

from flask import Blueprint, Response, jsonify, make_response, redirect
from werkzeug.wrappers import Response as WerkzeugResponse

from app.web import context
from app.web.desk_page import desk_page
from app.web.pages import Crumb, render_page, tell_on_next_page
from app.web.presenters.batch import BatchPage, progress_message, report_rows

blueprint = Blueprint("batches", __name__, url_prefix="/batches")

BATCHES = Crumb("Batches of cards", "/batches")


@blueprint.get("/<record:batch_id>")
def batch(batch_id: str) -> Response:
    """How far the batch is, card by card."""
    actor = context.actor()
    page = BatchPage.of(context.services().batching.batch(actor, batch_id), actor)
    return render_page("batches/batch.html", page.heading, crumbs=(BATCHES,), page=page)


@blueprint.get("/<record:batch_id>/progress.json")
def progress(batch_id: str) -> Response:
    """How far it is, for the script that keeps the page up to date."""
    return jsonify(progress_message(context.services().batching.how_far(context.actor(), batch_id)))


@blueprint.get("/<record:batch_id>/report.csv")
def report(batch_id: str) -> Response:
    """One line for each card and for each line that was left out, to keep."""
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
    return desk_page(ticket, BATCHES, Crumb("This batch", f"/batches/{batch_id}"), path="/batch")


@blueprint.post("/<record:batch_id>/close")
def close(batch_id: str) -> WerkzeugResponse:
    """Give up the people who are still waiting."""
    context.services().batching.close(context.actor(), batch_id)
    tell_on_next_page("The batch is closed. Cards that were begun can be gone on with one by one, or undone.")
    return redirect(f"/batches/{batch_id}", 303)
