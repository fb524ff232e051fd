"""Passwords of systems: given to standing ones, kept as a hash alone, on record, announced."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.data import shipped
from app.domain.actor import Actor
from app.domain.system_details import SystemDetails
from app.domain.system_request import SystemInOtherState
from app.errors import NotFound
from app.ra.giving_system_passwords import GivingSystemPasswords
from app.ra.loading_systems import LoadingSystems, Signatories
from tests.support.registration_authority import PRACTICE

CLI = Actor.system("cli")
PRESCRIBE = "urn:nhs:names:services:mm:PORX_IN020101UK31"
DETAILS = SystemDetails(PRACTICE, "Old system", "1", "Without a certificate", (PRESCRIBE,))


@pytest.fixture
def register(office):
    return office.ra.database


@pytest.fixture
def giving(register) -> GivingSystemPasswords:
    return GivingSystemPasswords(register)


@pytest.fixture
def asid(office, register) -> str:
    """A standing system."""
    signatories = Signatories(office.sponsor.role_profile_id, office.manager.role_profile_id)
    (asid,) = LoadingSystems(register, shipped.interactions()).run(CLI, [DETAILS], signatories)
    return asid


def rows(database, statement: str) -> list[tuple[object, ...]]:
    with database.read() as work:
        return [tuple(row) for row in work.connection.execute(text(statement))]


def test_only_the_hash_of_the_newest_password_is_kept_and_the_directory_told(register, giving, asid):
    first, second = giving.give(CLI, asid), giving.give(CLI, asid)
    ((kept,),) = rows(register, "SELECT password_hash FROM system_password")
    assert first != second
    assert kept.startswith("{SSHA512}")
    announced = rows(register, "SELECT key FROM outbox WHERE topic = 'directory.system'")
    assert announced.count((asid,)) >= 2


def test_giving_and_taking_away_are_on_record_without_the_password(register, giving, asid):
    password = giving.give(CLI, asid)
    giving.take_away(CLI, asid)
    events = rows(register, "SELECT * FROM audit_event")
    assert [event for event in events if "system.password_given" in event]
    assert [event for event in events if "system.password_taken_away" in event]
    assert password not in repr(events)
    assert rows(register, "SELECT * FROM system_password") == []


def test_a_system_that_has_no_password_loses_none(giving, asid):
    with pytest.raises(NotFound):
        giving.take_away(CLI, asid)


@pytest.mark.parametrize("status", ["suspended", "closed"])
def test_a_system_out_of_use_gets_no_password(register, giving, asid, status):
    with register.change() as work:
        work.connection.execute(text(f"UPDATE accredited_system SET status = '{status}'"))
    with pytest.raises(SystemInOtherState):
        giving.give(CLI, asid)
    with pytest.raises(NotFound):
        giving.give(CLI, "299999999999")
