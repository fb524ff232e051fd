"""May this person do this there? One operation; never False because something failed."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from datetime import UTC, date, datetime

import pytest

from directory.errors import DirectoryRefused, DirectoryUnavailable, InvalidIdentifier
from directory.role_check import RoleChecker

UID = "555000000017"
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


@pytest.fixture
def checker(served):
    with closing(RoleChecker(served.slapd.ldaps_url, served.system)) as one:
        yield one


@pytest.mark.parametrize("activity", ["B0420", "B0278", "B0570"])
def test_granted_and_included_activities_are_held(checker, activity):
    assert checker.may(UID, activity, "A81001") is True
    assert checker.may_at(UID, activity, "A81001", NOW) is True


@pytest.mark.parametrize(
    ("uid", "activity", "organisation"),
    [(UID, "B9999", "A81001"), (UID, "B0420", "T1431"), ("555000000099", "B0420", "A81001")],
)
def test_another_activity_place_or_person_is_not(checker, uid, activity, organisation):
    assert checker.may(uid, activity, organisation) is False
    assert checker.may_at(uid, activity, organisation, NOW) is False


@pytest.mark.parametrize(
    ("moment", "held"),
    [
        (datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 1, 1, tzinfo=UTC), True),
        (datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC), True),
        (datetime(2026, 3, 1, tzinfo=UTC), False),
    ],
)
def test_the_dated_form_decides_by_start_and_end(served, checker, make_person, moment, held):
    place = make_person().org_persons[0]
    role = dataclasses.replace(place.roles[0], opened_on=date(2026, 1, 1), closed_on=date(2026, 3, 1))
    dated = make_person(org_persons=(dataclasses.replace(place, roles=(role,)),))
    served.publisher.publish(dated)
    try:
        assert checker.may_at(UID, "B0420", "A81001", moment) is held
    finally:
        served.publisher.publish(make_person())


def test_a_person_without_any_right_holds_none(served, checker, make_person):
    served.publisher.publish(make_person(active=False))
    try:
        assert checker.may(UID, "B0420", "A81001") is False
        assert checker.may_at(UID, "B0420", "A81001", NOW) is False
    finally:
        served.publisher.publish(make_person())


def test_a_moment_needs_a_time_zone(checker):
    with pytest.raises(ValueError, match="time zone"):
        checker.may_at(UID, "B0420", "A81001", datetime(2026, 6, 15))  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize("attack", ["*", "B0420)(uid=*", "B0420:x", "", "B0420\x00", "A81001,o=nhs"])
def test_nothing_can_be_smuggled_in(checker, attack):
    for call in (checker.may, lambda *values: checker.may_at(*values, NOW)):
        with pytest.raises(InvalidIdentifier):
            call(UID, attack, "A81001")
        with pytest.raises(InvalidIdentifier):
            call(UID, "B0420", attack)
        with pytest.raises(InvalidIdentifier):
            call(attack, "B0420", "A81001")


def test_a_system_that_may_see_nobody_is_told_so_and_never_no(served):
    for tls in (served.directory.system("299999999999"), served.directory.anonymous()):
        with closing(RoleChecker(served.slapd.ldaps_url, tls)) as one:
            for ask in (one.may, lambda *values, one=one: one.may_at(*values, NOW)):
                with pytest.raises(DirectoryRefused):
                    ask(UID, "B0420", "A81001")


def test_no_answer_is_an_error_and_never_no(fresh, make_person, samples):
    fresh.publisher.publish(*samples())
    with closing(RoleChecker(fresh.slapd.ldaps_url, fresh.system)) as one:
        assert one.may(UID, "B0420", "A81001")
        fresh.kill()
        with pytest.raises(DirectoryUnavailable):
            one.may(UID, "B0420", "A81001")
        fresh.slapd.start()
        assert one.may(UID, "B0420", "A81001")


def test_it_connects_again_when_the_server_was_started_anew(fresh, samples):
    fresh.publisher.publish(*samples())
    with closing(RoleChecker(fresh.slapd.ldaps_url, fresh.system)) as one:
        assert one.may(UID, "B0420", "A81001")
        fresh.slapd.stop()
        fresh.slapd.start()
        assert one.may(UID, "B0420", "A81001")


def test_one_operation_with_ldapcompare_answers_too(served):
    person = f"uid={UID},ou=People,o=nhs"
    assert served.tool("ldapcompare", person, "spineAccess:A81001:B0420").status == 6  # compareTrue
    assert served.tool("ldapcompare", person, "spineAccess:A81001:B9999").status == 5  # compareFalse


def test_the_walk_with_ldapsearch_shows_person_org_person_and_role(served):
    answer = served.search(f"uid={UID},ou=people,o=nhs", "(objectclass=*)")
    person, place, role = answer.entries.values()
    assert person["nhsGMC"] == ["7654321"]
    assert place["nhsIDCode"] == ["A81001"]
    assert role["nhsJobRoleCode"] == ["S8000:G8000:R8003"]
    assert role["nhsBusinessFunctionsCodes"] == ["B0420", "B0572"]
    assert role["spineActivity"] == ["B0420 Prepare a prescription", "B0572 Manage records"]
    assert set(role["spineResolvedActivity"]) == {"B0420", "B0278", "B0572", "B0570"}
