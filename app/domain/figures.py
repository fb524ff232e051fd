"""The figures that say how the service is: one list for Prometheus, the operator's page and the documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property


class Kind(StrEnum):
    """How a figure is read: as it is now, or by how fast it grows. A counter begins anew at a restart."""

    GAUGE = "gauge"
    COUNTER = "counter"


@dataclass(frozen=True)
class Described:
    """What a figure is.

    Attributes:
        name: without the prefix ``spine_ra_``; units after Prometheus's rules, a counter without ``_total``.
        labels: what it is told apart by.
    """

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Figure:
    """A figure's value at a moment, with its labels' values in the order of its description."""

    name: str
    value: float
    labels: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The figure as one text: ``name`` or ``name:label``."""
        return ":".join((self.name, *self.labels))


PART_UP = "part_up"
WAITING, OLDEST, FAILING = "announcements_waiting", "announcements_oldest_seconds", "announcements_failing"
EVENTS = "events"
WORKER_SEEN = "worker_last_sample_timestamp_seconds"
OPERATIONS = "directory_operations"
CONNECTIONS = "directory_connections"
MAP_USED = "directory_map_used_bytes"
MAP_MAXIMUM = "directory_map_maximum_bytes"
ENTRIES = "directory_entries"
THREADS_WAITING = "directory_threads_waiting"
COMPARED_AT = "directory_compared_timestamp_seconds"
MENDED = "directory_differences_mended"
STRANGERS = "directory_strangers"
REPLICA_LAG = "directory_replica_lag_seconds"
REPLICA_UP = "directory_replica_up"
ROOT_LIST_ENDS = "root_revocation_list_ends_timestamp_seconds"
AUTHORITY_REVOKED = "authority_revoked"
AUDIT_WAITS = "authority_audit_oldest_seconds"
ISSUES_UNTIL = "authority_issues_until_timestamp_seconds"
STOCK_BLANK, STOCK_LOW, STOCK_FINDINGS = "card_stock_blank", "card_stock_low", "card_stock_findings"

TOPICS = (
    "ca.revoke",
    "ca.revoke_issuance",
    "ca.seal",
    "directory.organisation",
    "directory.person",
    "directory.reference",
    "directory.system",
    "openid.logout",
)
"""Every topic of the outbox, so that one of which nothing waits reads as 0."""

_GAUGE, _COUNTER = Kind.GAUGE, Kind.COUNTER

DESCRIBED: Mapping[str, Described] = {
    each.name: each
    for each in (
        Described(PART_UP, _GAUGE, "1 when the part answers, else 0", ("part",)),
        Described(WORKER_SEEN, _GAUGE, "When the worker last took a sample"),
        Described(WAITING, _GAUGE, "Changes that are not published yet", ("topic",)),
        Described(OLDEST, _GAUGE, "Age of the oldest change that is not published", ("topic",)),
        Described(FAILING, _GAUGE, "Waiting changes whose publishing has failed at least once", ("topic",)),
        Described(EVENTS, _COUNTER, "Audit events, up to the last sample", ("event", "outcome")),
        Described(OPERATIONS, _COUNTER, "Operations that slapd has completed", ("operation",)),
        Described(CONNECTIONS, _GAUGE, "Connections that are open now"),
        Described("directory_connections_opened", _COUNTER, "Connections since slapd started"),
        Described("directory_entries_sent", _COUNTER, "Entries in answers"),
        Described("directory_bytes_sent", _COUNTER, "Bytes of answers"),
        Described("directory_threads", _GAUGE, "Threads that slapd has"),
        Described("directory_threads_active", _GAUGE, "Threads that are at work"),
        Described(THREADS_WAITING, _GAUGE, "Operations that wait for a thread"),
        Described("directory_start_timestamp_seconds", _GAUGE, "When slapd was started"),
        Described(ENTRIES, _GAUGE, "Entries of a database", ("suffix",)),
        Described(MAP_USED, _GAUGE, "Bytes in use of a database's memory map", ("suffix",)),
        Described(MAP_MAXIMUM, _GAUGE, "Size of a database's memory map", ("suffix",)),
        Described(COMPARED_AT, _GAUGE, "When the last comparison of directory and database ended"),
        Described(MENDED, _GAUGE, "Entries that the last comparison found different, and mended"),
        Described(STRANGERS, _GAUGE, "Entries that the last comparison found and nobody published"),
        Described(REPLICA_UP, _GAUGE, "1 when the replica answers, else 0", ("replica",)),
        Described(ROOT_LIST_ENDS, _GAUGE, "Until when the root's revocation list is believed; 0: not now"),
        Described(AUTHORITY_REVOKED, _GAUGE, "1 when the root has revoked the issuing CA", ("authority",)),
        Described(AUDIT_WAITS, _GAUGE, "Age of the oldest order that the CA recorded and has not audited"),
        Described(ISSUES_UNTIL, _GAUGE, "Until when the issuing CA can issue", ("authority",)),
        Described(STOCK_BLANK, _GAUGE, "Blank cards at a store or desk", ("place",)),
        Described(STOCK_LOW, _GAUGE, "1 when a store or desk has too few blank cards", ("place",)),
        Described(STOCK_FINDINGS, _GAUGE, "Cards missing or unexpected that nobody has settled", ("kind",)),
        Described(REPLICA_LAG, _GAUGE, "How far the replica's newest change is behind", ("replica",)),
    )
}
"""Every figure by its name."""


@dataclass(frozen=True)
class Sample:
    """All figures of one moment, by their keys, as the worker has kept them.

    Attributes:
        audit_seq: the last audit event that is counted in it.
    """

    at: datetime
    figures: Mapping[str, float]
    audit_seq: int = 0

    @classmethod
    def of(cls, at: datetime, figures: Iterable[Figure], audit_seq: int) -> Sample:
        """A sample of these figures."""
        return cls(at, {figure.key: figure.value for figure in figures}, audit_seq)

    def total(self, name: str) -> float | None:
        """The sum of the figure over its labels; None when it was not to be had."""
        found = self.by_labels(name).values()
        return sum(found) if found else None

    def by_labels(self, name: str) -> Mapping[tuple[str, ...], float]:
        """The figure's values by their labels."""
        return self._by_name.get(name, {})

    @cached_property
    def _by_name(self) -> Mapping[str, Mapping[tuple[str, ...], float]]:
        """Taken apart once: a page of plots reads thousands of samples, each for several figures."""
        named: dict[str, dict[tuple[str, ...], float]] = {}
        for key, value in self.figures.items():
            name, *labels = key.split(":")
            named.setdefault(name, {})[tuple(labels)] = value
        return named


@dataclass(frozen=True)
class Waiting:
    """What of one topic is not published yet.

    Attributes:
        oldest_at: when the first of it was announced.
        failing: how many of them have failed at least once.
    """

    topic: str
    waiting: int
    oldest_at: datetime
    failing: int
