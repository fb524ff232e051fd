"""How the service is, for those who operate it."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response, request

from app.web import context
from app.web.pages import render_page
from app.web.presenters.card_stock import stock_alarms
from app.web.presenters.operations import OperationsPage, Period

blueprint = Blueprint("operations", __name__, url_prefix="/operations")

PERIODS = {3: "3 hours", 24: "24 hours", 72: "3 days"}


@blueprint.get("")
def state() -> Response:
    """How it is now, and how it was over the chosen time."""
    chosen = _chosen_hours()
    back = timedelta(hours=chosen)
    found = context.services().operating.state(context.actor(), back)
    page = OperationsPage.of(found, back, stock_alarms(context.services().stock.stocking.counts()))
    periods = tuple(Period(hours, text, hours == chosen) for hours, text in PERIODS.items())
    return render_page("operations.html", "How the service is", page=page, periods=periods)


def _chosen_hours() -> int:
    """One of the choices; the shortest when the address says something else."""
    asked = request.args.get("hours", "")
    return next((hours for hours in PERIODS if str(hours) == asked), next(iter(PERIODS)))
