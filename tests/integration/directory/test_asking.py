"""What the client library answers, in both its forms; never a no because something failed."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from datetime import UTC, date, datetime

import pytest

from directory.access_rules import ANONYMOUS_SIZE_LIMIT
from directory.client import Coded, Endpoint
from directory.errors import DirectoryRefused, InvalidIdentifier, SeveralAnswers
from directory.publishing import Publisher
from directory.services import Approval, MessageHandlingSystemEntry
from directory.slapd import Slapd
from tests.support.directory_clients import FORMS, directory_client
from tests.support.slapd import free_port

UID = "555000000017"
GPC = "urn:nhs:names:services:gpconnect"
SIZE_LIMIT_EXCEEDED = 4
APPROVED = Approval(datetime(2018, 1, 2, tzinfo=UTC), datetime(2018, 2, 3, tzinfo=UTC))
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


@pytest.fixture(params=FORMS)
def form(request):
    return request.param


@pytest.fixture
def client(form, served):
    with directory_client(form, served.slapd.ldaps_url, served.system) as one:
        yield one


@pytest.mark.parametrize("activity", ["B0420", "B0278", "B0570"])
def test_granted_and_included_activities_are_held(client, activity):
    assert client.may(UID, activity, "A81001") is True
    assert client.may_at(UID, activity, "A81001", NOW) is True


@pytest.mark.parametrize(
    ("uid", "activity", "organisation"),
    [(UID, "B9999", "A81001"), (UID, "B0420", "T1431"), ("555000000099", "B0420", "A81001")],
)
def test_another_activity_place_or_person_is_not(client, uid, activity, organisation):
    assert client.may(uid, activity, organisation) is False
    assert client.may_at(uid, activity, organisation, NOW) is False


@pytest.mark.parametrize(
    ("moment", "held"),
    [
        (datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 1, 1, tzinfo=UTC), True),
        (datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC), True),
        (datetime(2026, 3, 1, tzinfo=UTC), False),
    ],
)
def test_the_dated_form_decides_by_start_and_end(served, client, make_person, moment, held):
    place = make_person().org_persons[0]
    role = dataclasses.replace(place.roles[0], opened_on=date(2026, 1, 1), closed_on=date(2026, 3, 1))
    dated = make_person(org_persons=(dataclasses.replace(place, roles=(role,)),))
    served.publisher.publish(dated)
    try:
        assert client.may_at(UID, "B0420", "A81001", moment) is held
    finally:
        served.publisher.publish(make_person())


def test_a_person_without_any_right_holds_none(served, client, make_person):
    served.publisher.publish(make_person(active=False))
    try:
        assert client.may(UID, "B0420", "A81001") is False
        assert client.may_at(UID, "B0420", "A81001", NOW) is False
    finally:
        served.publisher.publish(make_person())


def test_a_moment_needs_a_time_zone(client):
    with pytest.raises(ValueError, match="time zone"):
        client.may_at(UID, "B0420", "A81001", datetime(2026, 6, 15))  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize("attack", ["*", "B0420)(uid=*", "B0420:x", "", "B0420\x00", "A81001,o=nhs"])
def test_nothing_can_be_smuggled_in(client, attack):
    for call in (client.may, lambda *values: client.may_at(*values, NOW)):
        with pytest.raises(InvalidIdentifier):
            call(UID, attack, "A81001")
        with pytest.raises(InvalidIdentifier):
            call(UID, "B0420", attack)
        with pytest.raises(InvalidIdentifier):
            call(attack, "B0420", "A81001")


def test_roles_are_told_with_codes_names_and_dates(client):
    (role,) = client.roles(UID)
    assert role.id == "555000000033"
    assert role.organisation == Coded("A81001", "THE DENSHAM SURGERY")
    assert role.job_role == Coded("R8003", "Health Professional Access Role")
    assert role.job_role_code == "S8000:G8000:R8003"
    assert role.activities == {"B0420", "B0278", "B0572", "B0570"}
    assert role.granted == (Coded("B0420", "Prepare a prescription"), Coded("B0572", "Manage records"))
    assert role.workgroups == (Coded("555000000041", "DAY SHIFT"),)
    assert (role.starts_at, role.ends_at) == (datetime(2024, 1, 1, tzinfo=UTC), None)
    assert role.is_held(NOW)
    assert not role.is_held(datetime(2023, 12, 31, 23, 59, 59, tzinfo=UTC))


def test_an_ended_role_is_told_with_its_end_and_is_not_held(served, client, make_person):
    place = make_person().org_persons[0]
    ended = dataclasses.replace(place.roles[0], closed_on=date(2026, 3, 1))
    served.publisher.publish(make_person(org_persons=(dataclasses.replace(place, roles=(ended,)),)))
    try:
        (role,) = client.roles(UID)
        assert role.ends_at == datetime(2026, 3, 1, tzinfo=UTC)
        assert not role.is_held(NOW)
    finally:
        served.publisher.publish(make_person())


def test_somebody_unknown_or_inactive_has_no_roles(served, client, make_person):
    assert client.roles("555000000099") == ()
    served.publisher.publish(make_person(active=False))
    try:
        assert client.roles(UID) == ()
    finally:
        served.publisher.publish(make_person())


def test_an_endpoint_is_found_by_organisation_and_interaction(client):
    found = client.endpoint("A91342", f"{GPC}:fhir:rest:read:metadata-1")
    assert isinstance(found, Endpoint)
    assert (found.address, found.party_key) == ("https://meta.example/fhir", "A91342-9199203")
    assert (found.id, found.fqdn, found.retries) == ("S20001A000184", "meta.example", "2")
    assert found == client.endpoint("A91342", f"{GPC}:fhir:rest:read:metadata-1", "A91342-9199203")


def test_no_endpoint_is_a_definite_answer(client):
    assert client.endpoint("A91342", f"{GPC}:unheard-of") is None
    assert client.endpoint("A91342", f"{GPC}:fhir:rest:read:metadata-1", "A91342-1") is None


def test_several_endpoints_are_told_apart_by_party_key(served, client):
    more = MessageHandlingSystemEntry(
        *("S20001A000199", "A91342", "A91342-2", f"{GPC}:fhir:rest:read:metadata-1"),
        *("https://second.example/fhir", "second.example", APPROVED),
    )
    served.publisher.publish(more)
    try:
        with pytest.raises(SeveralAnswers, match="A91342-2, A91342-9199203"):
            client.endpoint("A91342", more.interaction)
        assert client.endpoint("A91342", more.interaction, "A91342-2").address == more.endpoint
    finally:
        served.publisher.remove_system(more.id)


def test_anybody_may_look_up_an_endpoint_and_nobody_unknown_a_person(form, served):
    with directory_client(form, served.slapd.ldaps_url, served.directory.anonymous()) as one:
        assert one.endpoint("A91342", f"{GPC}:fhir:rest:read:metadata-1") is not None
        with pytest.raises(DirectoryRefused):
            one.may(UID, "B0420", "A81001")


def test_where_look_ups_are_off_nobody_anonymous_is_told_that_there_is_no_endpoint(
    form, served, samples, tmp_path
):
    tls = served.directory.server_tls
    slapd = Slapd(tmp_path / "d", free_port(), tls, anonymous_endpoint_lookup=False)
    slapd.start()
    try:
        with closing(Publisher(slapd.ldapi_url, slapd.publishing_lock)) as publisher:
            publisher.publish(*samples())
        with directory_client(form, slapd.ldaps_url, served.directory.anonymous()) as nobody:
            for interaction in (f"{GPC}:fhir:rest:read:metadata-1", f"{GPC}:unheard-of"):
                with pytest.raises(DirectoryRefused):
                    nobody.endpoint("A91342", interaction)
        with directory_client(form, slapd.ldaps_url, served.system) as system:
            assert system.endpoint("A91342", f"{GPC}:fhir:rest:read:metadata-1") is not None
            assert system.endpoint("A91342", f"{GPC}:unheard-of") is None
    finally:
        slapd.stop()


@pytest.mark.parametrize("attack", ["*", "urn:x)(uid=*", "", "urn:a b", "urn:\x00", "x" * 300])
def test_nothing_can_be_smuggled_into_a_look_up(client, attack):
    with pytest.raises(InvalidIdentifier):
        client.endpoint("A91342", attack)
    with pytest.raises(InvalidIdentifier):
        client.endpoint(attack, f"{GPC}:fhir:rest:read:metadata-1")
    with pytest.raises(InvalidIdentifier):
        client.roles(attack)


def test_a_system_that_may_see_nobody_is_told_so_and_never_no(form, served):
    for tls in (served.directory.system("299999999999"), served.directory.anonymous()):
        with directory_client(form, served.slapd.ldaps_url, tls) as one:
            for ask in (one.may, lambda *values, one=one: one.may_at(*values, NOW)):
                with pytest.raises(DirectoryRefused):
                    ask(UID, "B0420", "A81001")
            with pytest.raises(DirectoryRefused):
                one.roles(UID)


def test_an_answer_cut_short_by_a_limit_is_an_error(form, served):
    """Somebody anonymous may see 20 entries; 21 fit."""
    crowd = [
        MessageHandlingSystemEntry(
            *(f"S2000{number:07}", "A91342", f"A91342-{number}", f"{GPC}:crowded"),
            *("https://crowd.example/fhir", "crowd.example", APPROVED),
        )
        for number in range(ANONYMOUS_SIZE_LIMIT + 1)
    ]
    served.publisher.publish(*crowd)
    try:
        with directory_client(form, served.slapd.ldaps_url, served.directory.anonymous()) as one:
            with pytest.raises(DirectoryRefused) as refused:
                one.endpoint("A91342", f"{GPC}:crowded")
            assert refused.value.result_code == SIZE_LIMIT_EXCEEDED
            assert one.endpoint("A91342", f"{GPC}:crowded", "A91342-7").id == "S20000000007"
    finally:
        for one in crowd:
            served.publisher.remove_system(one.id)


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
