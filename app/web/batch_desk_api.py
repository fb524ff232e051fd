"""The desk API of batches: collect one, and ask for one card after another; each is an issuance's job."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from app.web import context
from app.web.access import machine_endpoint
from app.web.desk_messages import claimed_ticket, desk_message, done, job_token

blueprint = Blueprint("batch_desk_api", __name__, url_prefix="/desk/batches")


@blueprint.post("/claim")
@machine_endpoint
def claim() -> Response:
    """Exchange a one-time ticket for the batch and the token that its further calls carry."""
    with claimed_ticket() as ticket:
        return jsonify(context.services().batching.claim(ticket))


@blueprint.post("/<record:batch_id>/pass-over")
@machine_endpoint
def pass_over(batch_id: str) -> Response:
    """Whoever's turn it is, is not at the desk."""
    desk_message()
    context.services().batching.pass_over(job_token(), batch_id)
    return done()


@blueprint.post("/<record:batch_id>/next")
@machine_endpoint
def next_card(batch_id: str) -> Response:
    """The next card's job with its own token; without a job the batch is finished."""
    desk_message()
    return jsonify(context.services().batching.next(job_token(), batch_id))
