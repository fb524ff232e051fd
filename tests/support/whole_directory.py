"""What the directory holds when everything in the database is published, against the database's own rows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, select

from app.adapters.directory_publishing import DirectoryPublishing
from app.storage.database import Database
from app.storage.tables.organisations import organisation
from app.storage.tables.people import person
from app.storage.tables.systems import accredited_system, message_handling_system
from app.worker import Lane
from directory.connection import open_session
from directory.names import ORGANISATIONS, PEOPLE, SERVICES
from directory.publishing import Publisher
from directory.slapd import Slapd

_NAMED: tuple[tuple[str, str, tuple[Column[Any], ...]], ...] = (
    (PEOPLE, "uid", (person.c.uid,)),
    (ORGANISATIONS, "uniqueIdentifier", (organisation.c.code,)),
    (SERVICES, "uniqueIdentifier", (accredited_system.c.asid, message_handling_system.c.id)),
)


def publish_all(database: Database, slapd: Slapd, publisher: Publisher) -> None:
    """Carry every announcement, one write after the other; then make everything anew by bulk load.

    Both times the directory holds what the database says, and no entry besides.
    """
    publishing = DirectoryPublishing(database, publisher)
    publishing.rebuild(slapd)
    lane = Lane(database, publishing, (), "directory")
    while lane.publish_some():
        pass
    with database.read() as work:
        assert work.outbox.progress("directory.").waiting == 0, work.outbox.progress("directory.").last_error
    _assert_holds_that_alone(database, publishing, slapd)
    publishing.rebuild(slapd)
    _assert_holds_that_alone(database, publishing, slapd)


def _assert_holds_that_alone(database: Database, publishing: DirectoryPublishing, slapd: Slapd) -> None:
    assert list(publishing.compare(slapd.ldapi_url)) == []
    for base, attribute, columns in _NAMED:
        assert names_below(slapd, base, attribute) <= _known(database, columns)


def names_below(slapd: Slapd, base: str, attribute: str) -> set[str]:
    """What the entries right below ``base`` are named."""
    with open_session(slapd.ldapi_url) as session:
        found = session.search(base, scope="LEVEL", attributes=(attribute,))
    return {record.attributes[attribute][0] for record in found}


def _known(database: Database, columns: tuple[Column[Any], ...]) -> set[str]:
    with database.read() as work:
        return {name for column in columns for name in work.connection.scalars(select(column))}
