"""The founding ceremony: once, whole, and only for two sound founders."""

from __future__ import annotations

import pytest

from app.domain.founding import AlreadyFounded
from app.domain.issuance import IssuanceStatus
from app.errors import InvalidInput, NotPermitted
from app.ra.issuing import FOUNDING
from tests.support.registration_authority import (
    FOUNDING_FILE,
    FOUNDING_PHOTOS,
    Desk,
    DeskCard,
    Office,
    RegistrationAuthority,
    registration,
)


def test_the_ceremony_leaves_two_people_with_roles_and_open_issuances(
    unfounded: RegistrationAuthority,
) -> None:
    assert not unfounded.founding.is_founded()
    manager, sponsor = unfounded.founding.hold(FOUNDING_FILE, FOUNDING_PHOTOS)
    assert unfounded.founding.is_founded()
    assert [each.person.name for each in (manager, sponsor)] == ["Margaret Whitcombe", "Daniel Okafor"]
    assert unfounded.founding.founders() == [manager, sponsor]
    record = unfounded.finding.own(unfounded.actor(manager.person.uid))
    assert record.roles[0].profile.job_role_code == "R5080"
    assert record.open_issuance is not None
    assert record.open_issuance.status is IssuanceStatus.APPROVED
    assert record.open_issuance.operator is None


def test_it_is_one_audit_event_with_its_digest_and_witnesses(unfounded: RegistrationAuthority) -> None:
    unfounded.founding.hold(FOUNDING_FILE, FOUNDING_PHOTOS)
    assert unfounded.audited() == [("registration_authority.founded", "allowed", "")]


def test_it_cannot_be_repeated(office: Office) -> None:
    with pytest.raises(AlreadyFounded):
        office.ra.founding.hold(FOUNDING_FILE, FOUNDING_PHOTOS)
    assert office.ra.audited()[-1] == ("registration_authority.founded", "refused", "already_founded")


def test_an_interrupted_ceremony_goes_on_where_it_was(unfounded: RegistrationAuthority) -> None:
    first, second = unfounded.founding.hold(FOUNDING_FILE, FOUNDING_PHOTOS)
    Desk(unfounded.desk_jobs, unfounded.issuing.ticket(FOUNDING, first.issuance_id)).found(DeskCard("1"))
    assert unfounded.founding.founders() == [second]


def test_the_desk_is_told_that_no_operator_is_needed(unfounded: RegistrationAuthority) -> None:
    founder = unfounded.founding.hold(FOUNDING_FILE, FOUNDING_PHOTOS)[0]
    desk = Desk(unfounded.desk_jobs, unfounded.issuing.ticket(FOUNDING, founder.issuance_id))
    assert (desk.job["founding"], desk.job["operator"], desk.job["state"]) == (True, None, "approved")


def test_the_ceremony_gets_no_ticket_for_anybody_else(office: Office) -> None:
    clinician = office.person(registration())
    issuance_id = office.ra.issuing.begin(office.manager, clinician.uid)
    with pytest.raises(NotPermitted):
        office.ra.issuing.ticket(FOUNDING, issuance_id)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ((b'["Helen Prior", "Samir Rahman"]', b'["Helen Prior", "Helen Prior"]'), "witnesses"),
        ((b'["Helen Prior", "Samir Rahman"]', b'["Helen Prior", "Daniel Okafor"]'), "witnesses"),
        ((b'"R5080"', b'"R8000"'), "founders"),
        ((b'["B1300"]', b'["B0267"]'), "founders"),
        ((b"held_on = 2025-06-02", b"held_on = 2925-06-02"), "held_on"),
        ((b"held_on = 2025-06-02", b'held_on = "soon"'), "founding"),
        ((b"held_on = 2025-06-02", b""), "founding"),
        ((b"2031-03-08", b"2024-03-08"), "evidence.0.expires_on"),
        ((b'"uk_passport"', b'"library_card"'), "founding"),
        ((b'organisation_code = "15N"', b'organisation_code = "ZZZ"'), "organisation_code"),
        ((b"founding/daniel-okafor.jpg", b"../../etc/passwd"), "photo"),
    ],
)
def test_an_unsound_file_founds_nothing(
    unfounded: RegistrationAuthority, change: tuple[bytes, bytes], problem: str
) -> None:
    assert change[0] in FOUNDING_FILE
    with pytest.raises(InvalidInput) as refused:
        unfounded.founding.hold(FOUNDING_FILE.replace(*change), FOUNDING_PHOTOS)
    assert set(refused.value.problems) == {problem}
    assert not unfounded.founding.is_founded()
    with unfounded.database.read() as work:
        assert work.people.search("whitcombe", 1) == []


@pytest.mark.parametrize("document", [b"", b"\xff", b"[ceremony]", b"ceremony = 1"])
def test_what_is_no_founding_file_is_refused(unfounded: RegistrationAuthority, document: bytes) -> None:
    with pytest.raises(InvalidInput):
        unfounded.founding.hold(document, {})
