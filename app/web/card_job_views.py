"""A card job at its page: open the desk, watch the steps, give it up. Each kind begins at its own page."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, redirect
from werkzeug.wrappers import Response as WerkzeugResponse

from app.web import context
from app.web.desk_page import desk_page
from app.web.form_actions import refused_on
from app.web.forms.submitted import SubmittedForm
from app.web.pages import Crumb, render_page
from app.web.presenters.card_job import CardJobPage, job_progress_message

blueprint = Blueprint("card_jobs", __name__, url_prefix="/card-jobs")


def _page(job_id: str, form: SubmittedForm) -> Response:
    actor = context.actor()
    page = CardJobPage.of(context.services().following_jobs.job(actor, job_id), actor)
    return render_page(
        "issuances/issuance.html",
        page.heading,
        status=form.status,
        page=page,
        agent_origin=context.settings().agent.origin,
        form=form,
        problems=form.problems,
    )


@blueprint.get("/<record:job_id>")
def job(job_id: str) -> Response:
    """The job's progress, step by step, and what can be done now."""
    return _page(job_id, SubmittedForm())


@blueprint.get("/<record:job_id>/steps.json")
def steps(job_id: str) -> Response:
    """The same steps for the script that keeps the page up to date."""
    return jsonify(job_progress_message(context.services().following_jobs.job(context.actor(), job_id)))


@blueprint.post("/<record:job_id>/desk")
def go_to_desk(job_id: str) -> Response:
    """Make a one-time ticket, and a page that goes on to the card agent with it."""
    ticket = context.services().following_jobs.ticket(context.actor(), job_id)
    return desk_page(ticket, Crumb("This card", f"/card-jobs/{job_id}"))


@blueprint.post("/<record:job_id>/undo")
@refused_on(_page)
def undo(job_id: str, form: SubmittedForm) -> WerkzeugResponse:
    """Give the job up; no desk goes on with it."""
    reason = form.text("reason", missing="Say why it is given up.", longest=500)
    form.require_no_problems()
    context.services().following_jobs.undo(context.actor(), job_id, reason)
    return redirect(f"/card-jobs/{job_id}", 303)
