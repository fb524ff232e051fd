"""The desk API of batches: collect one, and ask for one card after another; each is an issuance's job."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response, jsonify

from app.web import context
from app.web.access import machine_endpoint
from app.web.desk_messages import desk_message, job_token

blueprint = Blueprint("batch_desk_api", __name__, url_prefix="/desk/batches")

_MOST_CLAIMS, _CLAIMS_WINDOW = 60, timedelta(minutes=1)


@blueprint.post("/claim")
@machine_endpoint
def claim() -> Response:
    """Exchange a one-time ticket for the batch and the token that its further calls carry."""
    context.services().limiting.require_not_too_often(
        "desk.claim", context.client_address(), _MOST_CLAIMS, _CLAIMS_WINDOW
    )
    ticket = desk_message("ticket").text("ticket", 200)
    return jsonify(context.services().batching.claim(ticket))


@blueprint.post("/<record:batch_id>/next")
@machine_endpoint
def next_card(batch_id: str) -> Response:
    """The next card's job with its own token; without a job the batch is finished."""
    desk_message()
    return jsonify(context.services().batching.next(job_token(), batch_id))
