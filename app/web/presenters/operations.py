"""The operator's page: how the service is, in words first, then part by part, then over time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from app.domain import figures
from app.domain.figures import Sample, Waiting
from app.ra.operating import ServiceState
from app.web.presenters.plot import Plot, Points, plot
from app.web.presenters.wording import Cell, Row, TableOf, Tag, counted, moment

WORKER_IS_LATE_AFTER = timedelta(minutes=3)
CARRIED_WITHIN = timedelta(seconds=30)
"""The worker looks for changes ten times a second; what has waited longer than this is worth a word."""

_TARGETS = (
    ("The directory", "directory."),
    ("The certificate authority", "ca."),
    ("Relying parties", "openid."),
)
_UNITS = ((86_400, "day", "d"), (3600, "hour", "h"), (60, "minute", "min"), (1, "second", "s"))
_WELL, _NOT_WELL, _NOT_KNOWN = (
    Tag("Answers", "green"),
    Tag("Does not answer", "red"),
    Tag("Not known", "grey"),
)


@dataclass(frozen=True)
class Period:
    """A choice of how much time the plots show."""

    hours: int
    text: str
    is_chosen: bool


@dataclass(frozen=True)
class OperationsPage:
    """What the page shows.

    Attributes:
        sentences: how it stands, in words.
        warnings: what somebody should look at.
    """

    sentences: tuple[str, ...]
    warnings: tuple[str, ...]
    parts: tuple[Row, ...]
    publishing: TableOf
    plots: tuple[Plot, ...]

    @classmethod
    def of(cls, state: ServiceState, back: timedelta, alarms: Sequence[str] = ()) -> OperationsPage:
        """The page for a state whose samples go ``back`` from now, with alarms about the stock of cards."""
        return cls(
            sentences=(_directory_sentence(state),),
            warnings=(*_warnings(state), *alarms),
            parts=tuple(_parts(state)),
            publishing=_publishing(state),
            plots=tuple(_plots(state, back)),
        )


def _directory_sentence(state: ServiceState) -> str:
    number, oldest, _ = _of_target(state.waiting, "directory.")
    if not number or oldest is None:
        return "The directory is up to date."
    are = "change is" if number == 1 else "changes are"
    since = duration((state.at - oldest).total_seconds())
    return f"{number:,} {are} waiting for the directory, the oldest for {since}."


def _of_target(waiting: Sequence[Waiting], prefix: str) -> tuple[int, datetime | None, int]:
    """How many changes wait, since when, and how many have failed, of the topics with this beginning."""
    found = [each for each in waiting if each.topic.startswith(prefix)]
    oldest = min((each.oldest_at for each in found), default=None)
    return sum(each.waiting for each in found), oldest, sum(each.failing for each in found)


def _warnings(state: ServiceState) -> Iterator[str]:
    if state.newest is None:
        yield "The worker has not said anything yet. Is it running?"
    elif state.at - state.newest.at > WORKER_IS_LATE_AFTER:
        silent = duration((state.at - state.newest.at).total_seconds())
        yield f"The worker has been silent for {silent}. Start it again: what waits is kept, in order."
    for target, prefix in _TARGETS:
        number, _, failed = _of_target(state.waiting, prefix)
        if failed:
            failures = counted(failed, "change")
            yield f"{target}: {failures} of {number:,} failed and will be tried again. See spine-ra health."


def _parts(state: ServiceState) -> Iterator[Row]:
    yield Row("Database", tag=_WELL)
    yield Row("Certificate authority", tag=_answers(state.authority_answers))
    newest = state.newest
    if newest is None:
        yield Row("Worker", tag=_NOT_KNOWN)
        yield Row("Directory", tag=_NOT_KNOWN)
        return
    is_late = state.at - newest.at > WORKER_IS_LATE_AFTER
    yield Row("Worker", f"Last at work {moment(newest.at)}", Tag("Silent", "red") if is_late else _WELL)
    up = newest.by_labels(figures.PART_UP).get(("directory",), 0.0)
    yield Row(
        "Directory", f"As the worker saw it {moment(newest.at)}", _NOT_KNOWN if is_late else _answers(up > 0)
    )
    yield from _content(newest)
    yield from _replicas(newest)


def _content(newest: Sample) -> Iterator[Row]:
    """Whether the directory holds what the database says, by the comparison that the worker never stops."""
    ended_at, strangers = newest.total(figures.COMPARED_AT), newest.total(figures.STRANGERS) or 0
    if ended_at is None:
        yield Row("Directory's content", "Not compared with the database yet", _NOT_KNOWN)
        return
    mended = f"{counted(int(newest.total(figures.MENDED) or 0), 'entry', 'entries')} mended"
    compared = moment(datetime.fromtimestamp(ended_at, UTC))
    tag = (
        Tag(f"{counted(int(strangers), 'entry', 'entries')} of nobody", "red")
        if strangers
        else Tag("Equal", "green")
    )
    yield Row("Directory's content", f"Compared with the database {compared}, {mended}", tag)


def _replicas(newest: Sample) -> Iterator[Row]:
    lags = newest.by_labels(figures.REPLICA_LAG)
    for (replica,), up in newest.by_labels(figures.REPLICA_UP).items():
        lag = lags.get((replica,))
        behind = "Has every change" if not lag else f"{duration(lag)} behind"
        yield Row(f"Replica {replica}", behind if lag is not None else "", _answers(up > 0))


def _answers(answers: bool) -> Tag:
    return _WELL if answers else _NOT_WELL


def _publishing(state: ServiceState) -> TableOf:
    rows = tuple(_target_row(state, target, prefix) for target, prefix in _TARGETS)
    return TableOf("Changes that are not published yet", ("For", "Waiting", "The oldest for", "Failed"), rows)


def _target_row(state: ServiceState, target: str, prefix: str) -> tuple[Cell, ...]:
    number, oldest, failed = _of_target(state.waiting, prefix)
    if oldest is None:
        return (Cell(target), Cell("0", tag=Tag("Up to date", "green")), Cell(""), Cell("0"))
    age = state.at - oldest
    tag = Tag("Behind", "red") if age > CARRIED_WITHIN else None
    return (
        Cell(target),
        Cell(f"{number:,}", tag=tag),
        Cell(duration(age.total_seconds())),
        Cell(f"{failed:,}"),
    )


Reading = Callable[[Sample], float | None]


def _plots(state: ServiceState, back: timedelta) -> Iterator[Plot]:
    begin, end, samples = state.at - back, state.at, state.samples

    def drawn(name: str, title: str, points: Points, said: Callable[[float], str]) -> Plot:
        return plot(name, title, points, begin, end, said, _short if said is duration else None)

    yield drawn(
        "waiting", "Changes waiting to be published", _as_is(samples, _total(figures.WAITING)), _number
    )
    yield drawn(
        "oldest", "Age of the oldest waiting change", _as_is(samples, _most(figures.OLDEST)), duration
    )
    yield drawn("operations", "Directory operations a minute", _a_minute(samples, _operations), _number)
    yield drawn(
        "connections", "Connections to the directory", _as_is(samples, _total(figures.CONNECTIONS)), _number
    )
    yield drawn("map", "Space in use in the directory's database", _as_is(samples, _map_in_use), _percent)
    yield drawn(
        "mended",
        "Differences mended by the last comparison",
        _as_is(samples, _total(figures.MENDED)),
        _number,
    )
    yield drawn("sign-ins", "Sign-ins a minute", _a_minute(samples, _event("signin.succeeded")), _number)
    yield drawn("refused", "Refused sign-ins a minute", _a_minute(samples, _event("signin.refused")), _number)
    if any(sample.total(figures.REPLICA_UP) is not None for sample in samples):
        lag = _as_is(samples, _most(figures.REPLICA_LAG))
        yield drawn("replicas", "How far the slowest replica is behind", lag, duration)


def _as_is(samples: Sequence[Sample], read: Reading) -> Points:
    return [(sample.at, read(sample)) for sample in samples]


def _a_minute(samples: Sequence[Sample], read: Reading) -> Points:
    """How fast a counter has grown before each sample; not known where it has begun anew."""
    return [(after.at, _growth(before, after, read)) for before, after in pairwise(samples)]


def _growth(before: Sample, after: Sample, read: Reading) -> float | None:
    first, second = read(before), read(after)
    if first is None or second is None or second < first:
        return None
    return (second - first) / ((after.at - before.at) / timedelta(minutes=1))


def _total(name: str) -> Reading:
    return lambda sample: sample.total(name)


def _most(name: str) -> Reading:
    return lambda sample: max(sample.by_labels(name).values(), default=None)


def _operations(sample: Sample) -> float | None:
    return sample.total(figures.OPERATIONS)


def _event(name: str) -> Reading:
    """How often an event has happened; none of it yet is 0, not unknown."""

    def read(sample: Sample) -> float:
        return sum(value for labels, value in sample.by_labels(figures.EVENTS).items() if labels[0] == name)

    return read


def _map_in_use(sample: Sample) -> float | None:
    maximum = sample.by_labels(figures.MAP_MAXIMUM)
    used = sample.by_labels(figures.MAP_USED)
    return max((100 * used[labels] / maximum[labels] for labels in used if maximum.get(labels)), default=None)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")


def _percent(value: float) -> str:
    return f"{_number(value)}%"


def duration(seconds: float) -> str:
    """How long, in the largest unit that fits: ``40 seconds``, ``3 minutes``, ``2 hours``, ``5 days``."""
    if 0 < seconds < 1:
        return "less than a second"
    length, unit, _ = _unit_of(seconds)
    return counted(int(seconds // length), unit)


def _short(seconds: float) -> str:
    """How long, as short as an axis needs it: ``7.5 min``."""
    length, _, short = _unit_of(seconds)
    return f"{_number(seconds / length)} {short}"


def _unit_of(seconds: float) -> tuple[int, str, str]:
    return next((each for each in _UNITS if seconds >= each[0]), _UNITS[-1])
