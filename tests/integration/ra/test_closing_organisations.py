"""An organisation closes while people have access there: nothing ends until a person says so, on both
databases.
"""

from __future__ import annotations

import io
import json
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.bootstrap.loads import carrying_loads, loading_organisations, reading_organisations
from app.domain.actor import Actor
from app.domain.organisation import OrganisationStatus
from app.domain.organisation_closing import ClosingAlreadyDecided
from app.domain.organisation_load import LoadKind
from app.domain.position import PositionStatus
from app.domain.role_profile import RoleProfile
from app.errors import InvalidInput, NotFound, NotPermitted
from app.ra.closing_organisations import ClosingOrganisations
from app.ra.loading_organisations import HandedIn
from app.ra.organisation_scope import OrganisationScope, OutsideOrganisation
from app.storage.tables.access import role_profile
from app.storage.tables.organisations import organisation
from tests.support.registration_authority import ELSEWHERE, PRACTICE, RA, Office, another, today

YESTERDAY = today() - timedelta(days=1)
SUCCESSOR = "L83003"


def practice(code: str, closes_on: date | None = None, **changes: Any) -> dict[str, Any]:
    dates = {"Type": "Operational", "Start": "1974-04-01"}
    under = {"id": "RE4", "Status": "Active", "Target": {"OrgId": {"extension": RA}}, "Date": [dates]}
    ended = {"End": closes_on.isoformat()} if closes_on else {}
    has_closed = closes_on is not None and closes_on < today()
    return {
        "OrgId": {"extension": code},
        "Name": f"PRACTICE {code}",
        "Status": "Inactive" if has_closed else "Active",
        "Date": [dates | ended],
        "Roles": {"Role": [{"id": "RO177", "primaryRole": True}, {"id": "RO76"}]},
        "Rels": {"Rel": [under]},
        **changes,
    }


class Closing:
    """An office whose practice closes."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.ra = office.ra
        self.closings = ClosingOrganisations(office.ra.database, OrganisationScope())
        self.position = office.position("General practitioner", "R8000", "B0420", at=PRACTICE)
        self.clinician = office.person(another(70), self.position)
        self.since(date(2020, 1, 1))

    def since(self, day: date) -> None:
        """Let the clinician's role have begun on that day."""
        with self.ra.database.change() as work:
            mine = role_profile.c.uid == self.clinician.uid
            work.connection.execute(update(role_profile).where(mine).values(starts_on=day))

    def load(self, *records: dict[str, Any]) -> None:
        loading = loading_organisations(self.ra.database)
        carrying = carrying_loads(self.ra.database)
        content = io.BytesIO(json.dumps(list(records)).encode())
        load_id = loading.hand_in(self.office.manager, HandedIn("x", LoadKind.DELTA, "", content, 10**6))
        carrying.carry_next()
        loading.apply(self.office.manager, load_id)
        carrying.carry_next()

    def close(self, on: date = YESTERDAY, *more: dict[str, Any]) -> str:
        self.load(practice(PRACTICE, on), *more)
        (waiting,) = self.closings.waiting(self.office.manager)
        return waiting.closing.id

    def profile(self) -> RoleProfile:
        with self.ra.database.read() as work:
            (profile,) = work.role_profiles.of(self.clinician.uid)
        return profile

    def announced_since(self, before: int) -> list[tuple[str, str]]:
        return self.ra.announced()[before:]


@pytest.fixture
def closing(office: Office) -> Closing:
    return Closing(office)


def test_closing_ends_nothing_and_raises_a_task(closing: Closing) -> None:
    closing.close()
    assert closing.profile().counts_on(today())
    (waiting,) = closing.closings.waiting(closing.office.manager)
    assert (waiting.closing.organisation_code, waiting.closing.closes_on) == (PRACTICE, YESTERDAY)
    assert (waiting.role_profiles, waiting.people, waiting.positions) == (1, 1, 1)
    record = closing.closings.closing(closing.office.manager, waiting.closing.id)
    assert [(each.holder.uid, each.position_name) for each in record.roles] == [
        (closing.clinician.uid, "General practitioner")
    ]
    assert ("directory.organisation", PRACTICE) in closing.ra.announced()


def test_confirmed_access_ends_on_the_last_day_and_the_directory_is_told(closing: Closing) -> None:
    closing_id, before = closing.close(), len(closing.ra.announced())
    closing.closings.end_access(closing.office.manager, closing_id)
    assert closing.profile().ends_on == YESTERDAY
    assert not closing.profile().counts_on(today())
    assert closing.announced_since(before) == [("directory.person", closing.clinician.uid)]
    assert closing.ra.positions.position(closing.position).status is PositionStatus.CLOSED
    assert closing.ra.audited()[-1] == ("organisation.access_ended", "allowed", "")
    assert closing.closings.waiting(closing.office.manager) == []
    with pytest.raises(ClosingAlreadyDecided):
        closing.closings.end_access(closing.office.manager, closing_id)


def test_a_role_that_began_after_the_last_day_is_withdrawn(closing: Closing) -> None:
    closing.since(today())
    closing.closings.end_access(closing.office.manager, closing.close())
    assert closing.profile().withdrawn_at is not None
    assert not closing.profile().counts_on(today())


def test_a_day_in_the_future_ends_access_on_that_day(closing: Closing) -> None:
    last_day = today() + timedelta(days=10)
    closing_id = closing.close(last_day)
    closing.closings.end_access(closing.office.manager, closing_id)
    assert closing.profile().ends_on == last_day
    assert closing.profile().counts_on(last_day)


def test_the_last_day_may_change_until_it_is_decided(closing: Closing) -> None:
    closing.close(today() + timedelta(days=10))
    closing.load(practice(PRACTICE))
    closing.load(practice(PRACTICE, YESTERDAY))
    (waiting,) = closing.closings.waiting(closing.office.manager)
    assert waiting.closing.closes_on == YESTERDAY


def test_an_organisation_that_opens_again_needs_no_decision(closing: Closing) -> None:
    closing_id = closing.close()
    closing.load(practice(PRACTICE))
    assert closing.closings.waiting(closing.office.manager) == []
    with pytest.raises(ClosingAlreadyDecided):
        closing.closings.end_access(closing.office.manager, closing_id)
    assert closing.profile().counts_on(today())


def test_an_organisation_where_nobody_has_access_raises_no_task(closing: Closing) -> None:
    closing.load(practice(SUCCESSOR))
    closing.load(practice(SUCCESSOR, YESTERDAY))
    assert closing.closings.waiting(closing.office.manager) == []


def test_postponed_it_stays_on_the_list_with_its_day(closing: Closing) -> None:
    closing_id, manager = closing.close(), closing.office.manager
    until = today() + timedelta(days=30)
    for bad_until, bad_reason in ((today(), "x"), (until, " ")):
        with pytest.raises(InvalidInput):
            closing.closings.postpone(manager, closing_id, bad_until, bad_reason)
    closing.closings.postpone(manager, closing_id, until, "The merger is late.")
    (waiting,) = closing.closings.waiting(manager)
    assert (waiting.closing.not_before, waiting.closing.note) == (until, "The merger is late.")
    assert not waiting.closing.waits_on(today())
    assert waiting.closing.waits_on(until)
    assert closing.profile().counts_on(today())


def test_handed_on_access_is_asked_for_at_the_successor_and_granted_by_another(closing: Closing) -> None:
    closing_id, ra, manager = (
        closing.close(YESTERDAY, practice(SUCCESSOR)),
        closing.ra,
        closing.office.manager,
    )
    closing.closings.hand_on(manager, closing_id, SUCCESSOR)
    assert not closing.profile().counts_on(today())
    (position,) = ra.positions.at(SUCCESSOR)
    assert (position.name, position.access_profiles[0].organisation_code) == (
        "General practitioner",
        SUCCESSOR,
    )
    assert position.approval.reference == f"Minutes 7 (from {PRACTICE})"
    (asked,) = ra.deciding.open_requests(manager)
    assert (asked.subject.uid, asked.organisation_code) == (closing.clinician.uid, SUCCESSOR)
    with pytest.raises(NotPermitted):
        ra.deciding.grant(manager, asked.id, "")
    agent = closing.office.person(another(71), closing.office.position("Agent", "R5090", "B0274"))
    ra.deciding.grant(agent, asked.id, "")
    actor = ra.actor(closing.clinician.uid)
    assert actor.organisation_code == SUCCESSOR


@pytest.mark.parametrize("successor", [PRACTICE, "", "NOWHERE"])
def test_only_another_open_organisation_is_a_successor(closing: Closing, successor: str) -> None:
    closing_id = closing.close()
    with pytest.raises(InvalidInput, match="no open organisation"):
        closing.closings.hand_on(closing.office.manager, closing_id, successor)
    assert closing.profile().counts_on(today())


def test_positions_are_not_handed_to_somebody_elses_organisation(closing: Closing) -> None:
    closing_id = closing.close()
    with pytest.raises(OutsideOrganisation):
        closing.closings.hand_on(closing.office.manager, closing_id, ELSEWHERE)


def test_who_left_with_the_closing_is_still_its_registration_authoritys(closing: Closing) -> None:
    dates = [{"Type": "Operational", "Start": "1974-04-01", "End": YESTERDAY.isoformat()}]
    over = {"id": "RE4", "Status": "Inactive", "Target": {"OrgId": {"extension": RA}}, "Date": dates}
    closing.load(practice(PRACTICE, YESTERDAY, Rels={"Rel": [over]}))
    with closing.ra.database.change() as work:
        work.connection.execute(
            update(organisation).where(organisation.c.code == PRACTICE).values(parent_code=None)
        )
    assert len(closing.closings.waiting(closing.office.manager)) == 1


def test_nobody_else_sees_or_decides_it(closing: Closing) -> None:
    closing_id, manager = closing.close(), closing.office.manager
    stranger = Actor("555000000017", "X", "1", ELSEWHERE, manager.permissions)
    without = Actor("555000000017", "X", "1", RA)
    assert closing.closings.waiting(stranger) == []
    with pytest.raises(NotFound):
        closing.closings.closing(stranger, closing_id)
    for actor, refusal in ((stranger, OutsideOrganisation), (without, NotPermitted)):
        for decide in (
            lambda who: closing.closings.end_access(who, closing_id),
            lambda who: closing.closings.hand_on(who, closing_id, RA),
            lambda who: closing.closings.postpone(who, closing_id, today() + timedelta(days=1), "x"),
        ):
            with pytest.raises(refusal):
                decide(actor)
    for look in (closing.closings.waiting, lambda who: closing.closings.closing(who, closing_id)):
        with pytest.raises(NotPermitted):
            look(without)
    assert [each[1] for each in closing.ra.audited()[-6:]] == ["refused"] * 6
    assert closing.profile().counts_on(today())


def test_an_import_without_preview_raises_the_task_too(closing: Closing) -> None:
    from app.ra.importing import SourceFile
    from app.ra.importing_organisations import ImportingOrganisations, OdsFiles

    row = (
        f'"{PRACTICE}","HONITON SURGERY"' + ',""' * 8 + f',"19740401","{YESTERDAY:%Y%m%d}","C","B","{RA}"'
        + ',""' * 10 + ',"4",""'
    )  # fmt: skip
    (report, *_) = reading_organisations().reports
    files = OdsFiles("a test", [(report, SourceFile("epraccur.csv", row.encode()))], None)
    ImportingOrganisations(closing.ra.database).run(Actor.system("cli"), files)
    with closing.ra.database.read() as work:
        found = work.organisations.get(PRACTICE)
    assert found is not None
    assert found.status is OrganisationStatus.CLOSED
    assert len(closing.closings.waiting(closing.office.manager)) == 1
