"""Asks the parts of the service for the figures that say how they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from app.domain import figures
from app.domain.figures import Figure, Waiting
from app.errors import SpineError
from app.storage.comparisons import Comparison
from directory.connection import Session
from directory.csn import State, lag_seconds, state_of
from directory.errors import DirectoryError
from directory.monitoring import ServerFigures, read_figures

DIRECTORY, CERTIFICATE_AUTHORITY, DATABASE = "directory", "ca", "database"


class Authority(Protocol):
    """The certificate authority's process."""

    def health(self) -> None:
        """Return when it is ready. Raises Unavailable."""

    def audit_waits_seconds(self) -> float:
        """How long the oldest order that it recorded waits to be audited. Raises Unavailable."""


Connect = Callable[[], Session]


@dataclass(frozen=True)
class RootListFigures:
    """The root's revocation list.

    Attributes:
        ends: until when sign-in believes it; None: it does not.
        revoked: whether it revokes each issuing CA, by name; empty while it is not believed.
    """

    ends: datetime | None
    revoked: Mapping[str, bool] = field(default_factory=dict)


class MonitoredParts:
    """The parts that are asked over their sockets.

    Args:
        connect: opens a session with the directory as its publisher, who alone may read its monitor.
        authority: the certificate authority's process.
        replicas: answers how to open a session with each replica that there is now, by its name.
        root_list: answers what the root's revocation list says.
        issues_until: answers until when each CA that issues now may.
    """

    def __init__(
        self,
        connect: Connect,
        authority: Authority,
        replicas: Callable[[], Mapping[str, Connect]] = dict,
        root_list: Callable[[], RootListFigures] = lambda: RootListFigures(None),
        issues_until: Callable[[], Mapping[str, datetime]] = dict,
    ) -> None:
        self._connect = connect
        self._authority = authority
        self._replicas = replicas
        self._root_list = root_list
        self._issues_until = issues_until

    def figures(self) -> Iterator[Figure]:
        """What can be had now. A part that does not answer says so by its figure ``part_up``."""
        yield from self._of_authority()
        yield from _root_list_figures(self._root_list())
        for name, moment in self._issues_until().items():
            yield Figure(figures.ISSUES_UNTIL, moment.timestamp(), (name,))
        found, state = self._directory()
        yield _up(DIRECTORY, found is not None)
        if found is not None:
            yield from directory_figures(found)
        for name, connect in self._replicas().items():
            yield from _replica_figures(name, connect, state)

    def _of_authority(self) -> Iterator[Figure]:
        """An unwell one tells how long its audit waits; of a silent one that is not said to be 0."""
        is_well = False
        with suppress(SpineError):
            yield Figure(figures.AUDIT_WAITS, self._authority.audit_waits_seconds())
            self._authority.health()
            is_well = True
        yield _up(CERTIFICATE_AUTHORITY, is_well)

    def _directory(self) -> tuple[ServerFigures | None, State]:
        """Its figures, and which changes it has; None and nothing when it does not answer."""
        try:
            with self._connect() as session:
                return read_figures(session), state_of(session)
        except DirectoryError:
            return None, {}


def directory_figures(found: ServerFigures) -> Iterator[Figure]:
    """A slapd's figures by our names."""
    for name, completed in found.operations.items():
        yield Figure(figures.OPERATIONS, completed, (name,))
    yield Figure(figures.CONNECTIONS, found.connections_now)
    yield Figure("directory_connections_opened", found.connections_total)
    yield Figure("directory_entries_sent", found.entries_sent)
    yield Figure("directory_bytes_sent", found.bytes_sent)
    yield Figure("directory_threads", found.threads)
    yield Figure("directory_threads_active", found.threads_active)
    yield Figure(figures.THREADS_WAITING, found.threads_waiting)
    yield Figure("directory_start_timestamp_seconds", found.started_at.timestamp())
    for database in found.databases:
        yield Figure(figures.ENTRIES, database.entries, (database.suffix,))
        yield Figure(figures.MAP_USED, database.used_bytes, (database.suffix,))
        yield Figure(figures.MAP_MAXIMUM, database.maximum_bytes, (database.suffix,))


def _root_list_figures(said: RootListFigures) -> Iterator[Figure]:
    yield Figure(figures.ROOT_LIST_ENDS, said.ends.timestamp() if said.ends else 0.0)
    for name, revoked in said.revoked.items():
        yield Figure(figures.AUTHORITY_REVOKED, float(revoked), (name,))


def _replica_figures(name: str, connect: Connect, provider: State) -> Iterator[Figure]:
    """Whether a replica answers, and how far it is behind, when the provider has said what it has."""
    try:
        with connect() as session:
            state = state_of(session)
    except DirectoryError:
        yield Figure(figures.REPLICA_UP, 0.0, (name,))
        return
    yield Figure(figures.REPLICA_UP, 1.0, (name,))
    if provider and state:
        yield Figure(figures.REPLICA_LAG, lag_seconds(provider, state), (name,))


def publishing_figures(waiting: Sequence[Waiting], topics: Iterable[str], now: datetime) -> Iterator[Figure]:
    """What is not published, for every topic that there is, so that nothing waiting reads as 0."""
    by_topic = {each.topic: each for each in waiting}
    for topic in sorted({*topics, *by_topic}):
        found = by_topic.get(topic)
        age = max(0.0, (now - found.oldest_at).total_seconds()) if found else 0.0
        yield Figure(figures.WAITING, found.waiting if found else 0, (topic,))
        yield Figure(figures.OLDEST, age, (topic,))
        yield Figure(figures.FAILING, found.failing if found else 0, (topic,))


def comparison_figures(last: Comparison | None) -> Iterator[Figure]:
    """What came of comparing the directory with the database; nothing before the first comparison ended."""
    if last is not None:
        yield Figure(figures.COMPARED_AT, last.ended_at.timestamp())
        yield Figure(figures.MENDED, last.mended)
        yield Figure(figures.STRANGERS, last.strangers)


def database_up(answers: bool) -> Figure:
    """Whether the database answers."""
    return _up(DATABASE, answers)


def _up(part: str, answers: bool) -> Figure:
    return Figure(figures.PART_UP, float(answers), (part,))
