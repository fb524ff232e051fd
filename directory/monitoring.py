"""What a slapd says of itself: ``cn=Monitor`` (slapd-monitor(5)), which the publisher alone may read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from resource import getpagesize

import ldap3

from directory.connection import Session
from directory.entries import Record
from directory.names import SUFFIX

MONITOR = "cn=Monitor"
OPERATIONS = (
    "Bind",
    "Unbind",
    "Search",
    "Compare",
    "Modify",
    "Modrdn",
    "Add",
    "Delete",
    "Abandon",
    "Extended",
)

_SUFFIX_ATTRIBUTE = "namingContexts"


@dataclass(frozen=True)
class DatabaseFigures:
    """One LMDB database.

    Attributes:
        suffix: the branch that it holds, in small letters, e.g. ``o=nhs``.
        entries: how many it holds.
        used_bytes, maximum_bytes: of its memory map. A full map refuses writes, deletes too.
    """

    suffix: str
    entries: int
    used_bytes: int
    maximum_bytes: int


@dataclass(frozen=True)
class ServerFigures:
    """A server's counters since it started, and what is so now.

    Attributes:
        operations: completed, by kind (``OPERATIONS``), those of other parts of the product included.
        connections_total, entries_sent, bytes_sent: since the start.
        threads_waiting: operations that no thread has time for.
    """

    started_at: datetime
    operations: Mapping[str, int]
    connections_total: int
    connections_now: int
    entries_sent: int
    bytes_sent: int
    threads: int
    threads_active: int
    threads_waiting: int
    databases: tuple[DatabaseFigures, ...]


def read_figures(session: Session) -> ServerFigures:
    """Ask a server for its figures.

    Args:
        session: the publisher's.

    Raises:
        DirectoryUnavailable: no answer.
        DirectoryRefused: we are not the publisher.
    """
    operations = _below(session, "cn=Operations")
    statistics = _counters(session, "cn=Statistics")
    threads = {name: record.attributes["monitoredInfo"][0] for name, record in _threads(session).items()}
    return ServerFigures(
        started_at=_time(_below(session, "cn=Time")["Start"]),
        operations={name: _number(operations[name], "monitorOpCompleted") for name in OPERATIONS},
        connections_total=_counter(session, "cn=Total,cn=Connections"),
        connections_now=_counter(session, "cn=Current,cn=Connections"),
        entries_sent=statistics["Entries"],
        bytes_sent=statistics["Bytes"],
        threads=int(threads["Max"]),
        threads_active=int(threads["Active"]),
        threads_waiting=int(threads["Pending"]),
        databases=tuple(_databases(session)),
    )


def _below(session: Session, parent: str) -> dict[str, Record]:
    """The entries just below one of the monitor's containers, by their common name."""
    found = session.search(f"{parent},{MONITOR}", scope=ldap3.LEVEL, attributes=("*", "+"))
    return {_common_name(record): record for record in found}


def _threads(session: Session) -> dict[str, Record]:
    found = _below(session, "cn=Threads")
    return {name: found[name] for name in ("Max", "Active", "Pending")}


def _counters(session: Session, parent: str) -> dict[str, int]:
    return {name: _number(record, "monitorCounter") for name, record in _below(session, parent).items()}


def _counter(session: Session, name: str) -> int:
    """One counter, read by its name: its neighbours may be thousands of connections."""
    (record,) = session.search(f"{name},{MONITOR}", scope=ldap3.BASE, attributes=("*", "+"))
    return _number(record, "monitorCounter")


def _databases(session: Session) -> list[DatabaseFigures]:
    found = session.search(
        f"cn=Databases,{MONITOR}", "(objectClass=olmMDBDatabase)", scope=ldap3.LEVEL, attributes=("*", "+")
    )
    return [_database(record) for record in found]


def _database(record: Record) -> DatabaseFigures:
    # LMDB's pages are the system's, and slapd runs on this machine: we have reached its Unix socket.
    page = getpagesize()
    return DatabaseFigures(
        record.attributes.get(_SUFFIX_ATTRIBUTE, (SUFFIX,))[0].lower(),
        _number(record, "olmMDBEntries"),
        _number(record, "olmMDBPagesUsed") * page,
        _number(record, "olmMDBPagesMax") * page,
    )


def _common_name(record: Record) -> str:
    return record.dn.split(",", 1)[0].partition("=")[2]


def _number(record: Record, attribute: str) -> int:
    return int(record.attributes[attribute][0])


def _time(record: Record) -> datetime:
    return datetime.strptime(record.attributes["monitorTimestamp"][0], "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
