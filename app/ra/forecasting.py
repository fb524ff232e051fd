"""The renewal cliff: how many cards end when, and whose end soon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from app.domain.actor import Actor
from app.domain.forecast import Forecast
from app.domain.permission import Permission
from app.domain.renewal import RenewalRules
from app.ra.ports import Database
from app.ra.records import EndingCard

#: How far the forecast looks: 24 months.
AHEAD = timedelta(days=730)
#: The filters of the list of cards that end soon, in days.
WITHIN = (7, 30, 60, 90)
#: What is shown beside the forecast while levelling is off.
TRIED = timedelta(days=60)
MOST_SHOWN = 200


@dataclass(frozen=True)
class RenewalForecast:
    """What is to come.

    Attributes:
        forecast: cards by the day on which they end.
        levelled: the same cards with their ends levelled over ``window``.
        is_levelled: whether new certificates are levelled now.
        soon: the cards that end within the asked days, the first first, at most ``MOST_SHOWN``.
    """

    forecast: Forecast
    levelled: Forecast
    window: timedelta
    is_levelled: bool
    soon: Sequence[EndingCard]


class Forecasting:
    """Looks ahead."""

    def __init__(self, database: Database, rules: RenewalRules) -> None:
        self._database = database
        self._rules = rules

    def ahead(self, actor: Actor, within_days: int) -> RenewalForecast:
        """The next 24 months, and whose cards end within so many days.

        Raises:
            NotPermitted
        """
        window = self._rules.levelling or TRIED
        with self._database.audited(actor, "renewals.forecast_read", "all", within=within_days) as work:
            actor.require(Permission.FORECAST_RENEWALS)
            today = work.now.date()
            ending = work.certificates.ending(work.now, work.now + AHEAD)
            soon = work.certificates.ending_soon(work.now + timedelta(days=within_days), MOST_SHOWN)
            work.audit.details(shown=len(soon))
        forecast = Forecast(today, today + AHEAD, ending)
        return RenewalForecast(forecast, forecast.levelled(window), window, bool(self._rules.levelling), soon)
