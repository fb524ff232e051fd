"""The renewal cliff, for RA managers."""

from __future__ import annotations

from flask import Blueprint, Response, request

from app.domain.forecast import Grain
from app.ra.forecasting import WITHIN
from app.web import context
from app.web.pages import render_page
from app.web.presenters.forecast import ForecastPage

blueprint = Blueprint("forecast", __name__, url_prefix="/renewals")


@blueprint.get("")
def ahead() -> Response:
    """How many cards end when in the next 24 months, and whose end soon."""
    within = next((days for days in WITHIN if str(days) == request.args.get("within")), WITHIN[-1])
    grain = Grain.MONTH if request.args.get("by") == Grain.MONTH else Grain.WEEK
    found = context.services().renewals.forecasting.ahead(context.actor(), within)
    return render_page("renewals.html", "Renewals to come", page=ForecastPage.of(found, within, grain))
