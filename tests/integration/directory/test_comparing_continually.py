"""The worker compares directory and database all the time: it mends what is its own and raises the rest."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from app.adapters.directory_comparing import ContinualComparing
from app.adapters.directory_publishing import DirectoryPublishing
from app.domain.organisation import Organisation, OrganisationStatus
from app.domain.person import Person, PersonStatus
from app.domain.rbac import NationalRoles
from app.errors import Unavailable
from app.periodic_tasks import announce_begun_and_ended_roles
from app.storage.database import Database
from app.storage.tables.audit import audit_event
from app.storage.tables.outbox import outbox
from app.storage.tables.people import person as person_table
from app.worker import Lane
from directory.connection import open_session
from directory.entries import OrganisationEntry, Record
from directory.people import PersonEntry

PEOPLE = [f"{number:012d}" for number in range(555000000000, 555000000010)]
PERSON = f"uid={PEOPLE[3]},ou=People,o=nhs"


@pytest.fixture
def filled(database: Database):
    with database.change() as work:
        national = NationalRoles("test", work.now.date(), {}, {}, {}, {}, {})
        work.rbac.add(national, "digest", work.now)
        work.organisations.save([organisation("A81001"), organisation("A81002")], work.now, lambda done: None)
        for uid in PEOPLE:
            work.people.add(somebody(uid, work.now), b"photo", [], [])
            work.outbox.add("directory.person", uid)
        for code in ("A81001", "A81002"):
            work.outbox.add("directory.organisation", code)
        work.outbox.add("directory.reference", "")
    announce_begun_and_ended_roles(database)
    return database


def somebody(uid, now):
    names = ("Dr", "Amara", "", f"Osei {uid}", "Dr A Osei")
    born = now.date().replace(year=1980, day=1)
    contact = (f"{uid}@private.example", "07700900123")
    return Person(uid, *names, born, *contact, PersonStatus.ACTIVE, now, "system:test")


def organisation(code):
    kind = ("NAME", "GP practice", "PR", OrganisationStatus.ACTIVE)
    place = (("STREET", "", "", "TOWN", ""), "TS18 1HU", "")
    return Organisation(code, *kind, *place, None, None, None, None, None, None, "", "", "", "test")


@pytest.fixture
def lane(filled, fresh):
    return Lane(filled, DirectoryPublishing(filled, fresh.publisher), (), "directory")


@pytest.fixture
def equal(filled, lane, fresh):
    """A directory that is equal to the database, some while after."""
    while lane.publish_some():
        pass
    settle(filled)
    return ContinualComparing(filled, lambda: open_session(fresh.slapd.ldapi_url))


def settle(database):
    """Let what was carried be long ago."""
    with database.change() as work:
        work.connection.execute(update(outbox).values(published_at=work.now.replace(year=2020)))


def events(database):
    with database.read() as work:
        chosen = select(audit_event.c.event, audit_event.c.details).order_by(audit_event.c.seq)
        return [tuple(row) for row in work.connection.execute(chosen)]


def announced(database):
    with database.read() as work:
        return [
            (row.topic, row.key) for row in work.outbox.due(["directory.person", "directory.organisation"])
        ]


def test_nothing_is_found_where_nothing_differs(filled, equal):
    found = equal.compare_all()
    assert (found.mended, found.strangers) == (0, 0)
    assert found.compared == len(PEOPLE) + 2 + 1
    assert events(filled) == []
    assert announced(filled) == []


def test_what_was_changed_removed_or_added_is_mended(filled, equal, lane, fresh):
    with fresh.session() as session:
        session.replace(PERSON, {"sn": ("Mallory",), "spineAccess": ("A81001:B0420",)})
        session.delete(f"uid={PEOPLE[5]},ou=People,o=nhs")
        session.add(next(PersonEntry("555000009999", "Nobody", "Nobody", filled._clock().date()).records()))
        session.add(next(OrganisationEntry("Z99999", "NOT OURS", "x", "x").records()))
    found = equal.compare_all()
    assert (found.mended, found.strangers) == (4, 0)
    ((event, details), *others) = events(filled)
    assert event == "directory.difference_mended"
    assert details["named"] == [f"directory.person {PEOPLE[3]}", f"directory.person {PEOPLE[5]}"]
    assert sum(each["entries"] for _, each in [(event, details), *others]) == 4
    while lane.publish_some():
        pass
    with fresh.session() as session:
        assert session.search("uid=555000009999,ou=People,o=nhs") == []
        assert session.search("uniqueIdentifier=Z99999,ou=Organisations,o=nhs") == []
    settle(filled)
    assert equal.compare_all().mended == 0


def test_what_no_announcement_can_mend_is_raised_and_left(filled, equal, fresh):
    stranger = "ou=Somebody's,ou=People,o=nhs"
    with fresh.session() as session:
        session.add(Record(stranger, {"objectClass": ("organizationalUnit",), "ou": ("Somebody's",)}))
    found = equal.compare_all()
    assert (found.mended, found.strangers, list(found.named)) == (0, 1, [stranger])
    assert [event for event, _ in events(filled)] == ["directory.stranger_found"]
    with fresh.session() as session:
        assert session.search(stranger)
        session.delete(stranger)
    assert equal.compare_all().strangers == 0


def test_what_is_announced_and_not_carried_yet_is_no_difference(filled, equal):
    with filled.change() as work:
        work.connection.execute(update(person_table).values(family_name="Married"))
        for uid in PEOPLE:
            work.outbox.add("directory.person", uid)
    assert equal.compare_all().mended == 0
    assert events(filled) == []


def test_a_change_that_nobody_announced_is_found_and_mended(filled, equal, lane, fresh):
    with filled.change() as work:
        work.connection.execute(update(person_table).values(family_name="Married"))
    assert equal.compare_all().mended == len(PEOPLE)
    while lane.publish_some():
        pass
    with fresh.session() as session:
        assert session.search(PERSON)[0].attributes["sn"] == ("Married",)


def test_a_round_goes_in_slices_and_begins_anew_after_an_outage(filled, equal, fresh, monkeypatch):
    monkeypatch.setattr("app.adapters.directory_comparing.AT_ONCE", 4)
    equal.compare_some()
    fresh.kill()
    with pytest.raises(Unavailable):
        equal.compare_some()
    fresh.slapd.start()
    with fresh.session() as session:
        session.replace(PERSON, {"sn": ("Mallory",)})
    for _ in range(40):
        equal.compare_some()
    assert len(announced(filled)) == 1
    with filled.read() as work:
        assert work.comparisons.newest().mended >= 0


def test_while_the_days_changes_are_not_announced_nothing_is_compared(filled, equal, fresh, monkeypatch):
    with fresh.session() as session:
        session.replace(PERSON, {"sn": ("Mallory",)})
    monkeypatch.setattr("app.storage.sweeps.Sweeps.is_current", lambda self: False)
    for _ in range(20):
        equal.compare_some()
    assert announced(filled) == []
