"""Access ends early, by somebody else's decision and by nobody's own, on each database."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from app.domain.actor import Actor
from app.domain.role_profile import AccessAlreadyEnded, CannotWithdrawOwnAccess
from app.errors import InvalidInput, NotFound, NotPermitted
from app.ra.organisation_scope import OutsideOrganisation
from tests.support.registration_authority import ELSEWHERE, PRACTICE, Office, another, registration


def clinician(office: Office) -> tuple[str, str]:
    """User id and role profile id of somebody with a position at the practice."""
    actor = office.person(registration(), office.position("GP", "R8000", at=PRACTICE))
    return actor.uid, str(actor.role_profile_id)


def agent(office: Office) -> Actor:
    return office.person(another(40), office.position("RA agent", "R5090", "B0274"))


def test_withdrawn_access_counts_no_more(office: Office) -> None:
    uid, role = clinician(office)
    assert office.ra.withdrawing.open_to(office.manager, uid) == {role}
    assert office.ra.withdrawing.held(office.manager, role).holder.name == "Amara Osei"
    office.ra.withdrawing.withdraw(office.manager, role, " Left the practice ")
    assert office.ra.actor(uid).role_profile_id is None
    assert office.ra.audited()[-1] == ("role_profile.withdrawn", "allowed", "")
    [details] = office.ra.details_of("role_profile.withdrawn")
    assert (details["role_profile"], details["reason_given"]) == (role, "Left the practice")
    assert office.ra.announced()[-1] == ("directory.person", uid)
    assert office.ra.withdrawing.open_to(office.manager, uid) == frozenset()
    with pytest.raises(AccessAlreadyEnded):
        office.ra.withdrawing.withdraw(office.manager, role, "Again")


def test_a_reason_is_needed_and_a_refusal_changes_nothing(office: Office) -> None:
    uid, role = clinician(office)
    with pytest.raises(InvalidInput):
        office.ra.withdrawing.withdraw(office.manager, role, " ")
    assert office.ra.actor(uid).role_profile_id == role
    assert office.ra.audited()[-1] == ("role_profile.withdrawn", "refused", "invalid_input")


def test_nobody_withdraws_their_own_access(office: Office) -> None:
    own = str(office.manager.role_profile_id)
    assert office.ra.withdrawing.open_to(office.manager, office.manager.uid) == frozenset()
    with pytest.raises(CannotWithdrawOwnAccess):
        office.ra.withdrawing.withdraw(office.manager, own, "Leaving")
    with pytest.raises(IntegrityError), office.ra.database.change() as work:
        work.role_profiles.withdraw(own, office.manager.uid, work.now)


def test_only_who_decides_requests_there_withdraws(office: Office) -> None:
    uid, role = clinician(office)
    for other in (office.sponsor, office.ra.actor(uid)):
        with pytest.raises(NotPermitted):
            office.ra.withdrawing.withdraw(other, role, "Why not")
    inside = agent(office)
    elsewhere = replace(inside, organisation_code=ELSEWHERE)
    assert office.ra.withdrawing.open_to(elsewhere, uid) == frozenset()
    with pytest.raises(OutsideOrganisation):
        office.ra.withdrawing.withdraw(elsewhere, role, "Why not")
    assert office.ra.withdrawing.open_to(inside, uid) == {role}


def test_what_is_not_there_cannot_be_withdrawn(office: Office) -> None:
    with pytest.raises(NotFound):
        office.ra.withdrawing.withdraw(office.manager, "999999999999", "Why not")
    with pytest.raises(NotFound):
        office.ra.withdrawing.held(office.manager, "999999999999")
