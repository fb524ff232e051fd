"""What the page of the renewal cliff shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from app.domain.forecast import Forecast, Grain
from app.ra.forecasting import MOST_SHOWN, WITHIN, RenewalForecast
from app.ra.records import EndingCard
from app.web.presenters.plot import Plot, plot
from app.web.presenters.states import card_tag
from app.web.presenters.wording import Cell, TableOf, counted, day, day_cell


@dataclass(frozen=True)
class Choice:
    """One of several addresses of the same page."""

    text: str
    href: str
    is_chosen: bool


@dataclass(frozen=True)
class ForecastPage:
    """Two plots, how levelling stands, and the cards that end soon."""

    sentences: tuple[str, ...]
    plots: tuple[Plot, ...]
    months: TableOf
    soon: TableOf
    periods: tuple[Choice, ...]
    grains: tuple[Choice, ...]

    @classmethod
    def of(cls, ahead: RenewalForecast, within_days: int, grain: Grain) -> ForecastPage:
        """The page with its list for one period and its plots by week or month."""
        with_levelling = f"With ends levelled over {counted(ahead.window.days, 'day')}"
        return cls(
            sentences=_sentences(ahead, grain),
            plots=(
                _plot("as-it-is", f"Cards that end each {grain}", ahead.forecast, grain),
                _plot("levelled", f"{with_levelling}: cards that end each {grain}", ahead.levelled, grain),
            ),
            months=_months(ahead, with_levelling),
            soon=_soon(ahead, within_days),
            periods=tuple(
                Choice(f"{days} days", f"/renewals?within={days}&by={grain}", days == within_days)
                for days in WITHIN
            ),
            grains=tuple(
                Choice(f"By {each}", f"/renewals?within={within_days}&by={each}", each is grain)
                for each in Grain
            ),
        )


def _sentences(ahead: RenewalForecast, grain: Grain) -> tuple[str, ...]:
    forecast = ahead.forecast
    counts = ", ".join(f"{forecast.within(days)} within {days} days" for days in WITHIN)
    ends = f"The certificates of {counted(forecast.total, 'card')} end in the next 24 months: {counts}."
    if not forecast.total:
        return ("No card's certificates end in the next 24 months.",)
    return (ends, _peaks(ahead, grain), _setting(ahead))


def _peaks(ahead: RenewalForecast, grain: Grain) -> str:
    by = ahead.forecast.by(grain)
    begins, highest = max(by.items(), key=lambda item: item[1])
    levelled = max(ahead.levelled.by(grain).values())
    return (
        f"Most end in the {grain} that begins on {day(max(begins, ahead.forecast.first))}: {highest}. "
        f"Had the ends been levelled over {counted(ahead.window.days, 'day')}, it would be {levelled}."
    )


def _setting(ahead: RenewalForecast) -> str:
    if ahead.is_levelled:
        return (
            "Levelling is on: new certificates end on the day of the window on which fewest others do, and "
            "never later than their profile says."
        )
    return (
        "Levelling is off. It is turned on by levelling_days in certificate_profiles.toml, and applies to "
        "certificates that are issued from then on."
    )


def _plot(name: str, title: str, forecast: Forecast, grain: Grain) -> Plot:
    """Each day has the count of its week or month, so that the line stands at that height for as long."""
    by = forecast.by(grain)
    days = [forecast.first + timedelta(days=number) for number in range(forecast.days)]
    points = [(_moment(each), float(by[grain.first_of(each)])) for each in days]
    begin, end = points[0][0], points[-1][0]
    return plot(name, title, points, begin, end, lambda value: counted(round(value), "card"), _short)


def _short(value: float) -> str:
    return f"{round(value):,}"


def _moment(each: object) -> datetime:
    return datetime.combine(each, time(12), UTC)  # type: ignore[arg-type]  # a date


def _months(ahead: RenewalForecast, with_levelling: str) -> TableOf:
    as_it_is, levelled = ahead.forecast.by(Grain.MONTH), ahead.levelled.by(Grain.MONTH)
    return TableOf(
        "Cards that end, by month",
        ("Month", "As it is", with_levelling),
        tuple(
            (Cell(f"{month:%B %Y}"), Cell(f"{count:,}"), Cell(f"{levelled[month]:,}"))
            for month, count in as_it_is.items()
        ),
        size="s",
    )


def _soon(ahead: RenewalForecast, within_days: int) -> TableOf:
    total = ahead.forecast.within(within_days)
    caption = f"Cards that end within {within_days} days"
    if total > MOST_SHOWN:
        caption += f" (the first {MOST_SHOWN} of {total:,})"
    return TableOf(
        caption,
        ("Holder", "Card", "Ends on", "State"),
        tuple(_row(each) for each in ahead.soon),
        when_empty="There is none.",
    )


def _row(each: EndingCard) -> tuple[Cell, ...]:
    return (
        Cell(each.holder.name, href=f"/people/{each.holder.uid}"),
        Cell(each.card_serial),
        day_cell(each.ends_at.date()),
        Cell(tag=card_tag(each.status)),
    )
