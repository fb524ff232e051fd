"""What entries consist of."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta

import pytest

from directory.entries import NOT_KNOWN, OrganisationEntry, Record, postal_address, tree
from directory.errors import InvalidIdentifier
from directory.ldif import ldif, ldif_line
from directory.people import OrgPersonEntry, PersonEntry, RoleEntry
from directory.reference_data import JobRoleEntry
from directory.services import AccreditedSystemEntry, Approval, MessageHandlingSystemEntry

TODAY = date(2026, 6, 15)
NOW = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)
ROLE = RoleEntry(
    "555000000033",
    "S8000:G8000:R8003",
    '"Clinical":"Clinical Provision":"Health Professional Access Role"',
    "R8003 Health Professional Access Role",
    activities=(("B0420", "Prepare a prescription"), ("B0572", "Manage records")),
    resolved_activities=("B0420", "B0278"),
    opened_on=date(2026, 6, 1),
    closed_on=date(2026, 7, 1),
)


def person(role: RoleEntry = ROLE, **changes) -> PersonEntry:
    place = OrgPersonEntry("555000000025", "A81001", "THE DENSHAM SURGERY", date(2026, 6, 1), None, (role,))
    entry = PersonEntry(
        "555000000017", "Osei Amara Dr", "Osei", TODAY, given_name="Amara", org_persons=(place,)
    )
    return dataclasses.replace(entry, **changes)


def attributes(entry, level=0):
    return list(entry.records())[level].attributes


def test_a_person_has_three_levels_parents_first():
    assert [record.dn for record in person().records()] == [
        "uid=555000000017,ou=People,o=nhs",
        "uniqueIdentifier=555000000025,uid=555000000017,ou=People,o=nhs",
        "uniqueIdentifier=555000000033,uniqueIdentifier=555000000025,uid=555000000017,ou=People,o=nhs",
    ]


def test_rights_are_organisation_and_resolved_activity():
    assert attributes(person())["spineAccess"] == ("A81001:B0278", "A81001:B0420")


@pytest.mark.parametrize(
    ("day", "held"),
    [
        (date(2026, 5, 31), False),
        (date(2026, 6, 1), True),
        (date(2026, 6, 30), True),
        (date(2026, 7, 1), False),
    ],
)
def test_rights_are_those_of_the_day(day, held):
    assert bool(person(on_day=day).access) is held


def test_an_inactive_person_has_no_rights_at_either_level():
    closed = person(active=False)
    assert "spineAccess" not in attributes(closed)
    assert "spineResolvedActivity" not in attributes(closed, 2)
    assert attributes(closed)["nhsPersonStatus"] == ("0",)


def test_code_and_name_stand_in_one_value():
    assert attributes(person(), 2)["spineActivity"] == (
        "B0420 Prepare a prescription",
        "B0572 Manage records",
    )
    assert attributes(person(), 2)["nhsBusinessFunctionsCodes"] == ("B0420", "B0572")


def test_an_open_end_can_be_asked_for_like_a_set_one():
    assert attributes(person(dataclasses.replace(ROLE, closed_on=None)), 2)["spineEnd"] == (
        "99991231235959Z",
    )
    assert attributes(person(), 2)["spineEnd"] == ("20260701000000Z",)
    assert attributes(person(), 2)["nhsOrgCloseDate"] == ("20260701",)


def test_an_id_that_is_none_is_refused():
    with pytest.raises(InvalidIdentifier, match="role profile id"):
        list(person(dataclasses.replace(ROLE, id="1,uid=2")).records())


def test_a_practice_without_a_known_commissioner_is_a_plain_organisation():
    practice = OrganisationEntry("A81001", "SURGERY", "GP Practice", "PR", commissioner_code="00K")
    assert "nhsGPPractice" in attributes(practice)["objectClass"]
    assert "nhsOrg" in attributes(dataclasses.replace(practice, commissioner_code=""))["objectClass"]


def test_what_the_schema_demands_and_nobody_knows_is_said_so():
    bare = attributes(OrganisationEntry("X26", "NHS ENGLAND", "", ""))
    assert {bare[name] for name in ("l", "postalCode", "postalAddress", "nhsOrgType")} == {(NOT_KNOWN,)}


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        (("COXWOLD", "", "YORK", "", ""), "COXWOLD$$YORK"),
        (("A $ sign", "B\\C"), "A \\24 sign$B\\5CC"),
        ((), NOT_KNOWN),
    ],
)
def test_an_address_is_one_value_with_its_empty_lines(lines, value):
    assert postal_address(lines) == value


def test_interactions_keep_their_order():
    approval = Approval(NOW, NOW + timedelta(hours=1))
    system = AccreditedSystemEntry("200000000149", "A81001", "A81001-1", ("urn:b", "urn:a"), approval)
    assert attributes(system)["nhsAsSvcIA"] == ("urn:b", "urn:a")
    assert attributes(system)["nhsDateApproved"] == ("20260615103000",)


def test_an_interaction_is_also_published_in_its_two_parts():
    approval = Approval(NOW, NOW)
    interaction = "urn:nhs:names:services:gp2gp:RCMR_IN010000UK05"
    system = MessageHandlingSystemEntry(
        "S20001A000182", "A81001", "A81001-1", interaction, "https://a/", "a", approval
    )
    assert attributes(system)["nhsMHsSN"] == ("urn:nhs:names:services:gp2gp",)
    assert attributes(system)["nhsMHsIN"] == ("RCMR_IN010000UK05",)


def test_a_job_role_stands_in_the_third_list():
    assert attributes(JobRoleEntry("R8003", "Clinician", "current", TODAY))["nhsList3Code"] == ("R8003",)


def test_the_branches_come_parents_first():
    dns = [record.dn for record in tree()]
    assert dns[0] == "o=nhs"
    assert all(dn.split(",", 1)[1] in dns[:place] for place, dn in enumerate(dns) if place)


def test_ldif_hides_nothing_and_cannot_be_broken_out_of():
    text = ldif(next(person(sn="O'Néill\ndn: o=evil", cn=" leading").records()))
    assert "dn: o=evil" not in text
    assert "sn:: " in text
    assert "cn: leading" in text


def test_what_records_share_is_written_like_what_each_has_alone():
    """Shared parts are made and written once for all: no faster way may say anything else."""
    group, area = ("555000000041", "Équipe de jour"), ("P0020:Q0300:T0640", '"Pathology":"Phlebotomy"')
    role = dataclasses.replace(ROLE, workgroups=(group,), areas_of_work=(area,))
    somebody = person(
        role, cn=" leading", sn="Müller", title="Dr", professional_numbers={"nhsGMC": "7654321"}
    )
    for record in (*somebody.records(), *tree()):
        names = [name for part in record.parts for name in part]
        assert len(names) == len(set(names)), "an attribute stands in one part"
        every_value = [(name, value) for name, values in record.attributes.items() for value in values]
        lines = sorted(ldif_line(*each) for each in [("dn", record.dn), *every_value])
        text = ldif(record)
        assert sorted(text.removesuffix("\n\n").split("\n")) == lines
        assert text.startswith(ldif_line("dn", record.dn))
        assert sorted(ldif(Record(record.dn, record.attributes)).split("\n")) == sorted(text.split("\n"))
