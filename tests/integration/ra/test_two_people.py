"""Nobody acts for themselves: the pages' rules, the direct call, and the database."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from app.domain.actor import Actor
from app.domain.permission import Permission
from app.domain.request import (
    CannotDecideAboutOneself,
    CannotDecideOwnRequest,
    CannotRequestForOneself,
    RequestAlreadyDecided,
    RequestAlreadyOpen,
    RequestTakenByAnother,
)
from app.errors import InvalidInput, NotFound, NotPermitted, Refusal
from app.ra.organisation_scope import OutsideOrganisation
from app.storage.tables.access import access_request, founding, role_profile
from tests.support.registration_authority import (
    ELSEWHERE,
    PRACTICE,
    RA,
    Office,
    another,
    new_position,
    registration,
    today,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def everything(actor: Actor) -> Actor:
    """The actor as if the role carried every permission: only the rules of two people are left."""
    return replace(actor, permissions=frozenset(Permission))


@pytest.fixture
def position(office: Office) -> str:
    return office.position("GP partner", "R8000", at=PRACTICE)


@pytest.fixture
def clinician(office: Office) -> Actor:
    return office.person(registration())


@pytest.fixture
def open_request(office: Office, position: str, clinician: Actor) -> str:
    return office.ra.requesting.request_position(
        office.sponsor, clinician.uid, position, today(), None, "New"
    )


def test_nobody_asks_for_themselves(office: Office, position: str) -> None:
    with pytest.raises(CannotRequestForOneself):
        office.ra.requesting.request_position(
            office.sponsor, office.sponsor.uid, position, today(), None, "Me"
        )
    assert office.ra.audited()[-1] == (
        "access_request.raised",
        "refused",
        "cannot_request_for_oneself",
    )


def test_nobody_grants_their_own_request(office: Office, open_request: str) -> None:
    with pytest.raises(CannotDecideOwnRequest):
        office.ra.deciding.grant(everything(office.sponsor), open_request, "")
    assert office.ra.audited()[-1] == (
        "access_request.granted",
        "refused",
        "cannot_decide_own_request",
    )


def test_nobody_grants_to_themselves(office: Office, open_request: str, clinician: Actor) -> None:
    with pytest.raises(CannotDecideAboutOneself):
        office.ra.deciding.grant(replace(everything(clinician), organisation_code=RA), open_request, "")


@pytest.mark.parametrize("who", ["requested_by", "subject_uid"])
def test_the_database_refuses_a_decision_by_the_asker_or_the_subject(
    office: Office, open_request: str, who: str
) -> None:
    decided = {"status": "granted", "decided_at": NOW, "decided_by": access_request.c[who]}
    with pytest.raises(IntegrityError), office.ra.database.change() as work:
        work.connection.execute(
            update(access_request).where(access_request.c.id == open_request).values(decided)
        )


def test_the_database_refuses_a_request_for_oneself(office: Office, position: str) -> None:
    with pytest.raises(IntegrityError), office.ra.database.change() as work:
        work.connection.execute(
            insert(access_request).values(
                id="x",
                subject_uid=office.sponsor.uid,
                requested_by=office.sponsor.uid,
                position_id=position,
                organisation_code=PRACTICE,
                starts_on=today(),
                reason="",
                status="open",
                requested_at=NOW,
            )
        )


@pytest.mark.parametrize(
    "origin",
    [
        {},
        {"request_id": "OPEN", "request_status": "granted"},
        {"request_id": "OPEN", "request_status": "open"},
        {"request_id": "OPEN"},
    ],
)
def test_the_database_refuses_a_role_profile_without_a_granted_request(
    office: Office, open_request: str, clinician: Actor, position: str, origin: dict[str, str]
) -> None:
    origin = {name: open_request if value == "OPEN" else value for name, value in origin.items()}
    [place] = _places(office, office.manager.uid)
    with pytest.raises(IntegrityError), office.ra.database.change() as work:
        work.connection.execute(
            insert(role_profile).values(
                id="710999999109",
                organisation_person_id=place,
                uid=office.manager.uid,
                organisation_code=RA,
                position_id=position,
                job_role_code="R5080",
                activity_codes=["B0274"],
                workgroups=[],
                starts_on=today(),
                granted_at=NOW,
                **origin,
            )
        )


def _places(office: Office, uid: str) -> list[str]:
    with office.ra.database.read() as work:
        return [place.id for place in work.role_profiles.organisation_persons(uid)]


def test_the_database_refuses_a_role_profile_on_somebody_elses_request(
    office: Office, open_request: str, position: str
) -> None:
    office.ra.deciding.grant(office.manager, open_request, "")
    [place] = _places(office, office.manager.uid)
    with pytest.raises(IntegrityError), office.ra.database.change() as work:
        work.connection.execute(
            insert(role_profile).values(
                id="710999999109",
                organisation_person_id=place,
                uid=office.manager.uid,
                organisation_code=RA,
                position_id=position,
                request_id=open_request,
                request_status="granted",
                job_role_code="R5080",
                activity_codes=[],
                workgroups=[],
                starts_on=today(),
                granted_at=NOW,
            )
        )


def test_of_two_grants_at_one_moment_one_is_refused(
    office: Office, open_request: str, clinician: Actor
) -> None:
    outcomes: list[str] = []
    ready = threading.Barrier(2)

    def grant() -> None:
        ready.wait()
        try:
            office.ra.deciding.grant(office.manager, open_request, "")
            outcomes.append("granted")
        except Refusal as refusal:
            outcomes.append(refusal.code)

    threads = [threading.Thread(target=grant) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["granted", RequestAlreadyDecided.code]
    assert len(office.ra.finding.person(office.manager, clinician.uid).roles) == 1


def test_a_request_is_decided_once(office: Office, open_request: str) -> None:
    office.ra.deciding.reject(office.manager, open_request, "Not at this practice")
    with pytest.raises(RequestAlreadyDecided):
        office.ra.deciding.grant(office.manager, open_request, "")
    record = office.ra.deciding.request(office.sponsor, open_request)
    assert record.decision_note == "Not at this practice"
    assert record.decided_by is not None
    assert record.decided_by.name == "Margaret Whitcombe"


def test_a_request_taken_by_a_colleague_waits(office: Office, open_request: str) -> None:
    agent = office.person(another(7), office.position("RA agent", "R5090", "B0274"))
    office.ra.deciding.take(agent, open_request)
    with pytest.raises(RequestTakenByAnother):
        office.ra.deciding.grant(office.manager, open_request, "")
    [summary] = office.ra.deciding.open_requests(office.manager)
    assert summary.taken_by is not None
    assert summary.taken_by.uid == agent.uid
    office.ra.deciding.grant(agent, open_request, "")


def test_the_same_position_is_asked_for_once_at_a_time(
    office: Office, open_request: str, clinician: Actor, position: str
) -> None:
    with pytest.raises(RequestAlreadyOpen):
        office.ra.requesting.request_position(office.sponsor, clinician.uid, position, today(), None, "Again")


def test_a_sponsor_sees_only_their_own_requests(office: Office, open_request: str) -> None:
    other = office.person(another(8), office.position("Practice sponsor", "R8010", "B1300", at=PRACTICE))
    assert office.ra.deciding.open_requests(other) == []
    with pytest.raises(NotFound):
        office.ra.deciding.request(other, open_request)
    assert [each.id for each in office.ra.deciding.open_requests(office.sponsor)] == [open_request]


def test_a_sponsor_of_a_practice_does_not_ask_for_the_commissioner(office: Office, clinician: Actor) -> None:
    sponsor = office.person(another(9), office.position("Practice sponsor", "R8010", "B1300", at=PRACTICE))
    above = office.position("Clerk", "R8010", at=RA)
    with pytest.raises(OutsideOrganisation):
        office.ra.requesting.request_position(sponsor, clinician.uid, above, today(), None, "Up")
    own = office.position("Receptionist", "R8010", at=PRACTICE)
    office.ra.requesting.request_position(sponsor, clinician.uid, own, today(), None, "Down")


def test_an_ra_manager_does_not_act_for_organisations_that_are_not_under_theirs(office: Office) -> None:
    with pytest.raises(OutsideOrganisation):
        office.position("GP", "R8000", at=ELSEWHERE)


def test_a_position_at_one_organisation_does_not_carry_a_profile_of_another(office: Office) -> None:
    new = new_position(PRACTICE, "GP", "R8000")
    [profile] = new.access_profiles
    smuggled = replace(new, access_profiles=(profile, replace(profile, organisation_code=ELSEWHERE)))
    with pytest.raises(OutsideOrganisation):
        office.ra.positions.create(office.manager, smuggled)


def test_positions_use_current_codes_and_carry_their_approval(office: Office) -> None:
    for job_role, activities in (("R9999", ()), ("R0020", ()), ("R8000", ("B9999",))):
        with pytest.raises(InvalidInput):
            office.position("GP", job_role, *activities)
    new = new_position(RA, "GP", "R8000")
    with pytest.raises(InvalidInput) as refused:
        office.ra.positions.create(
            office.manager, replace(new, approval=replace(new.approval, approved_by=" ", reference=""))
        )
    assert set(refused.value.problems) == {"approved_by", "reference"}


def test_an_open_positions_name_is_unique_at_its_organisation(office: Office, position: str) -> None:
    with pytest.raises(InvalidInput):
        office.position("GP partner", "R8000", at=PRACTICE)
    office.position("GP partner", "R8000", at=RA)


def test_permissions_are_asked_for_first(office: Office, position: str, clinician: Actor) -> None:
    with pytest.raises(NotPermitted):
        office.ra.positions.create(office.sponsor, new_position(RA, "X", "R8000"))
    with pytest.raises(NotPermitted):
        office.ra.requesting.request_position(
            office.manager, clinician.uid, position, today(), None, "Managers do not ask"
        )
    with pytest.raises(NotPermitted):
        office.ra.registering.register(office.sponsor, another(3))
    with pytest.raises(NotPermitted):
        office.ra.deciding.open_requests(clinician)


def test_the_ceremony_has_one_row(office: Office) -> None:
    with pytest.raises(IntegrityError), office.ra.database.change() as work:
        work.connection.execute(
            insert(founding).values(
                id=2, digest="0" * 64, organisation_code=RA, held_on=today(), witnesses=[], at=NOW
            )
        )
