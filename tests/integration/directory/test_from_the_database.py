"""What the database holds, as other systems see it in the directory, on both databases."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import io
import threading
import tomllib
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files

import pytest
from sqlalchemy import update

from app.adapters.directory_entries import all_entries
from app.adapters.directory_publishing import DirectoryPublishing
from app.adapters.locking_out import LockingOutSystems
from app.adapters.person_entries import person_entry
from app.domain.founding import FoundingRecord
from app.domain.organisation import Organisation, OrganisationStatus
from app.domain.person import Person, PersonStatus
from app.domain.position import AccessProfile, Approval, Position, PositionStatus
from app.domain.professional_registration import ProfessionalBody, ProfessionalRegistration
from app.domain.rbac import Activity, AreaOfWork, JobRole, NationalRoles
from app.domain.read_right import ReadRight, with_included
from app.domain.role_profile import OrganisationPerson, RoleProfile
from app.domain.system import AccreditedSystem, FourEyes, MessageHandlingSystem, SystemStatus
from app.domain.system_certificate import SystemCertificate
from app.domain.system_password import hashed, new_password
from app.errors import Unavailable
from app.periodic_tasks import announce_begun_and_ended_roles
from app.ra.importing_ods_files import OdsFile
from app.storage.database import Database
from app.storage.outbox import OutboxRow
from app.storage.tables.access import role_profile
from app.storage.tables.people import person as person_table
from app.storage.tables.systems import accredited_system
from app.worker import Lane
from directory.client import DirectoryClient
from directory.locking import locked
from directory.rebuilding import rebuild

UID, ASID, MHS = "555000000017", "200000000149", "S200000000150"
NOW = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)
TODAY = NOW.date()
ROLE = RoleProfile(
    *("555000000033", "555000000025", UID, "A81001", "555000000090", "R8003", ("B0420",), ("DAY SHIFT",)),
    starts_on=date(2026, 6, 1),
    ends_on=date(2026, 6, 30),
)
NATIONAL = NationalRoles(
    "test",
    date(2020, 1, 1),
    job_roles={
        "R8003": JobRole(
            *("R8003", "Health Professional Access Role", "current", "Clinical", "S8000:G8000:R8003"),
            '"Clinical":"Clinical Provision":"Health Professional Access Role"',
        ),
        "R0010": JobRole("R0010", "Medical Director", "obsolete", "Medical"),
    },
    activities={code: Activity(code, f"Name of {code}", "", "") for code in ("B0420", "B0278", "B0085")}
    | {"B0005": Activity("B0005", "", "", "")},
    areas_of_work={
        "P0020:Q0300:T0640": AreaOfWork("P0020:Q0300:T0640", '"Pathology":"Pathology":"Phlebotomy"')
    },
    satisfies={"B0420": frozenset({"B0278"})},
    baseline={"R8003": frozenset({"B0085"})},
)
APPROVAL = FourEyes("555000000033", NOW, "555000000074", NOW)
PRACTICE = Organisation(
    *("A81001", "THE DENSHAM SURGERY", "GP practice", "PR", OrganisationStatus.ACTIVE),
    *(
        ("THE HEALTH CENTRE", "LAWSON STREET", "", "STOCKTON-ON-TEES", "CLEVELAND"),
        "TS18 1HU",
        "01642 672351",
    ),
    *(date(1974, 4, 1), None, "00K", "A81999", date(2013, 4, 1), None, "Y63", "Q74", "B", "epraccur"),
)
SYSTEM = AccreditedSystem(
    *(ASID, "A81001", "A81001-800001", "Prescribing", "Prescriber", "1.0", "YGM01"),
    *(("urn:nhs:names:services:mm:PORX_IN020101UK31", "urn:nhs:names:services:lrs:A"), SystemStatus.ACTIVE),
    APPROVAL,
    with_included([ReadRight.PROFESSIONAL_NUMBERS]),
)
HANDLING = MessageHandlingSystem(
    *(MHS, "A81001", "A81001-800001", "urn:nhs:names:services:mm:PORX_IN020101UK31", "EBXML"),
    *("https://densham.example/reliable", "densham.example", "Prescriber", "YGM01"),
    {"retries": "2", "retry_interval": "PT1M", "persist_duration": "PT5M", "actor": "urn:actor"},
    SystemStatus.ACTIVE,
    APPROVAL,
)


@pytest.fixture
def filled(database: Database) -> Database:
    """The database with one of each kind, its clock stopped."""
    filled = Database(database.engine.url.render_as_string(hide_password=False), clock=lambda: NOW)
    with filled.change() as work:
        _fill_reference(work)
        _fill_access(work)
        work.systems.add(SYSTEM)
        work.systems.add_message_handling_system(HANDLING)
    yield filled
    filled.close()


def _fill_reference(work):
    work.rbac.add(NATIONAL, "digest", NOW)
    work.organisations.save([PRACTICE], NOW, lambda done: None)


def _fill_access(work):
    doctor = Person(
        *(UID, "Dr", "Amara", "Ngozi", "Osei", "Dr A Osei", date(1985, 3, 2), "amara@private.example"),
        *("07700900123", PersonStatus.ACTIVE, NOW, "system:test"),
    )
    registrations = [ProfessionalRegistration(ProfessionalBody.GMC, "7654321")]
    work.people.add(doctor, b"photo", [], registrations)
    work.founding.record(FoundingRecord("0" * 64, "A81001", TODAY, ("Witness One", "Witness Two")), NOW)
    approval = Approval("Practice board", TODAY, "Minutes 1")
    profiles = (AccessProfile("R8003", ("B0420",), ("DAY SHIFT",), "A81001"),)
    position = (
        "555000000090",
        "A81001",
        "Prescriber",
        "",
        profiles,
        approval,
        PositionStatus.OPEN,
        "system:test",
        NOW,
    )
    work.positions.add(Position(*position))
    work.role_profiles.add_organisation_person(
        OrganisationPerson("555000000025", UID, "A81001", date(2026, 6, 1))
    )
    work.role_profiles.found(ROLE, NOW)


@pytest.fixture
def publishing(filled, fresh) -> DirectoryPublishing:
    return DirectoryPublishing(filled, fresh.publisher)


def announce(publishing, topic, key):
    assert errors_of(publishing, (topic, key)) == [None]


def errors_of(publishing, *announced):
    rows = [OutboxRow(number, *each, {}, NOW, 0) for number, each in enumerate(announced)]
    return [error for _, error in publishing.carry(rows)]


def announce_all(publishing):
    announce(publishing, "directory.organisation", "A81001")
    announce(publishing, "directory.system", ASID)
    announce(publishing, "directory.system", MHS)
    announce(publishing, "directory.person", UID)
    announce(publishing, "directory.reference", "")


def held(fresh, base):
    with fresh.session() as session:
        return [record.attributes for record in session.search(base)]


def test_a_granted_role_is_seen_by_a_system_with_what_it_resolves_to(publishing, fresh):
    announce_all(publishing)
    tls = fresh.directory.system(ASID)
    answer = fresh.search(f"uid={UID},ou=people,o=nhs", "(objectclass=*)", tls=tls)
    person, place, role = answer.entries.values()
    assert person["cn"] == ["Osei Amara Dr"]
    assert person["nhsGMC"] == ["7654321"]
    assert place["o"] == ["THE DENSHAM SURGERY"]
    assert role["nhsJobRoleCode"] == ["S8000:G8000:R8003"]
    assert role["spineActivity"] == ["B0420 Name of B0420"]
    assert role["nhsWorkGroups"] == ["DAY SHIFT"]
    assert role["nhsOrgCloseDate"] == ["20260701"]
    assert set(role["spineResolvedActivity"]) == {"B0420", "B0278", "B0085"}
    with closing(DirectoryClient(fresh.slapd.ldaps_url, tls)) as checker:
        assert all(checker.may(UID, activity, "A81001") for activity in ("B0420", "B0278", "B0085"))
        assert not checker.may(UID, "B9999", "A81001")


def test_nothing_private_is_published(publishing, fresh):
    announce_all(publishing)
    with fresh.session() as session:
        everything = str([record.attributes for record in session.search("o=nhs")])
    for private in ("1985", "amara@private", "07700900123", "photo", "Witness"):
        assert private not in everything


def test_systems_carry_who_asked_and_approved_and_how_they_are_reached(publishing, fresh):
    announce_all(publishing)
    (accredited,) = held(fresh, f"uniqueIdentifier={ASID},ou=Services,o=nhs")
    assert accredited["nhsRequestorURP"] == (
        f"uniqueIdentifier=555000000033,uniqueIdentifier=555000000025,uid={UID},ou=People,o=nhs",
    )
    assert accredited["nhsApproverURP"] == ("System",)
    assert accredited["nhsAsSvcIA"] == SYSTEM.interactions
    (handling,) = held(fresh, f"uniqueIdentifier={MHS},ou=Services,o=nhs")
    assert (handling["nhsMHSRetries"], handling["nhsMHSActor"]) == (("2",), ("urn:actor",))


def test_codes_are_published_in_their_three_lists(publishing, fresh):
    announce_all(publishing)
    (role,) = held(fresh, "uniqueIdentifier=R8003,ou=Job Roles,ou=ReferenceData,o=nhs")
    assert (role["nhsList1Code"], role["nhsList2Name"]) == (("S8000",), ("Clinical Provision",))
    (retired,) = held(fresh, "uniqueIdentifier=R0010,ou=Job Roles,ou=ReferenceData,o=nhs")
    assert (retired["nhsStatus"], retired["nhsList1Name"]) == (("retired",), ("Medical",))


def test_publishing_and_rebuilding_give_the_same_and_comparing_agrees(publishing, fresh):
    announce_all(publishing)
    assert list(publishing.compare(fresh.slapd.ldapi_url)) == []
    publishing.rebuild(fresh.slapd)
    assert list(publishing.compare(fresh.slapd.ldapi_url)) == []
    before = held(fresh, "o=nhs")
    announce_all(publishing)
    assert held(fresh, "o=nhs") == before


def test_an_emptied_directory_is_told_and_rebuilt(publishing, fresh):
    rebuild(fresh.slapd, [])
    assert len(list(publishing.compare(fresh.slapd.ldapi_url))) == 3 + 1 + 2 + 2 + 4 + 1 + 5
    publishing.rebuild(fresh.slapd)
    assert list(publishing.compare(fresh.slapd.ldapi_url)) == []


def test_what_is_gone_or_withdrawn_is_removed(publishing, filled, fresh):
    announce_all(publishing)
    with filled.change() as work:
        work.connection.execute(update(accredited_system).values(status="closed"))
    announce(publishing, "directory.system", ASID)
    announce(publishing, "directory.person", "555000000099")
    announce(publishing, "directory.organisation", "Z99999")
    assert held(fresh, f"uniqueIdentifier={ASID},ou=Services,o=nhs") == []
    assert list(publishing.compare(fresh.slapd.ldapi_url)) == []


@pytest.mark.parametrize(
    ("changes", "published", "right"),
    [
        ({"starts_on": date(2026, 6, 15)}, True, True),
        ({"starts_on": date(2026, 6, 16)}, False, False),
        ({"ends_on": date(2026, 6, 15)}, True, True),
        ({"ends_on": date(2026, 6, 14)}, True, False),
        ({"ends_on": None}, True, True),
        ({"withdrawn_at": NOW}, True, False),
    ],
)
def test_a_role_counts_from_its_first_to_its_last_day(filled, changes, published, right):
    with filled.change() as work:
        work.connection.execute(update(role_profile).values(**changes))
    with filled.read() as work:
        entry = person_entry(work, UID)
        (profile,) = work.role_profiles.of(UID)
    assert bool(entry.org_persons[0].roles) is published
    assert bool(entry.access) is right is profile.counts_on(TODAY)


def reference(fresh, branch):
    """The entries of a list, without the list itself."""
    return held(fresh, f"ou={branch},ou=ReferenceData,o=nhs")[1:]


def test_the_code_lists_are_published_in_their_classes(publishing, fresh):
    announce(publishing, "directory.reference", "")
    (area,) = reference(fresh, "Areas of Work")
    assert [area[f"nhsList{level}Code"][0] for level in (1, 2, 3)] == ["P0020", "Q0300", "T0640"]
    assert area["objectClass"] == ("top", "nhsRBACAoW")
    (baseline,) = reference(fresh, "Baselines")
    assert baseline["objectClass"] == ("top", "nhsRBACBL")
    assert (baseline["nhsJobRoleCode"], baseline["nhsBusinessFunctionsCodes"]) == (
        ("S8000:G8000:R8003",),
        ("B0085",),
    )
    (kind,) = reference(fresh, "Types")
    assert (kind["uniqueIdentifier"], kind["cn"]) == (("PR",), ("GP practice",))
    assert len(reference(fresh, "Work Group Types")) == 1


def test_a_work_group_of_a_position_is_published_with_its_organisation(publishing, fresh):
    announce(publishing, "directory.reference", "A81001")
    (group,) = reference(fresh, "Work Groups")
    assert (group["cn"], group["nhsIDCode"]) == (("DAY SHIFT",), ("A81001",))
    assert reference(fresh, "Job Roles") == [], "the code lists are another announcement"


def test_a_site_stands_below_its_organisation_and_without_one_beside_it(publishing, filled, fresh):
    site = dataclasses.replace(PRACTICE, code="A81001001", is_site=True, parent_code="A81001")
    lost = dataclasses.replace(site, code="Z99001", parent_code="Z99")
    with filled.change() as work:
        work.organisations.save([site, lost], NOW, lambda done: None)
    for code in ("A81001", "A81001001", "Z99001"):
        announce(publishing, "directory.organisation", code)
    (below,) = held(fresh, "uniqueIdentifier=A81001001,uniqueIdentifier=A81001,ou=Organisations,o=nhs")
    (beside,) = held(fresh, "uniqueIdentifier=Z99001,ou=Organisations,o=nhs")
    assert below["objectClass"] == beside["objectClass"] == ("top", "organizationalUnit", "nhsSite")
    assert below["ou"] == ("THE DENSHAM SURGERY",)
    publishing.rebuild(fresh.slapd)
    assert list(publishing.compare(fresh.slapd.ldapi_url)) == []


def certificate(serial_number: str, not_after: datetime) -> SystemCertificate:
    """A certificate of the system."""
    return SystemCertificate(
        *(serial_number, ASID, None, serial_number), NOW - timedelta(days=300), not_after, b""
    )


def reads(fresh) -> tuple[str, ...]:
    """What the directory says that the system may read."""
    (entry,) = held(fresh, f"uniqueIdentifier={ASID},ou=Services,o=nhs")
    return entry.get("spineReads", ())


def announce_locked_out(publishing, locking, filled) -> int:
    """Let the worker's task announce, and publish what it announced."""
    announced = locking.announce()
    announce(publishing, "directory.system", ASID)
    return announced


def test_a_system_whose_certificates_are_all_over_reads_nothing_until_it_has_another(
    publishing, filled, fresh
):
    locking = LockingOutSystems(filled)
    assert announce_locked_out(publishing, locking, filled) == 0
    assert "people" in reads(fresh), "no certificate of ours: another authority may have made one"
    with filled.change() as work:
        work.system_certificates.add(certificate("a1", NOW - timedelta(seconds=1)))
    assert announce_locked_out(publishing, locking, filled) == 1
    assert reads(fresh) == ()
    with filled.change() as work:
        work.system_certificates.add(certificate("a2", NOW + timedelta(days=1)))
    assert announce_locked_out(publishing, locking, filled) == 1
    assert "people" in reads(fresh)
    with filled.change() as work:
        work.system_certificates.revoke("a2", NOW, "system:test", "keyCompromise")
    assert announce_locked_out(publishing, locking, filled) == 1
    assert reads(fresh) == ()
    assert locking.announce() == 0


def test_a_system_with_a_password_reads_without_a_certificate(publishing, filled, fresh):
    password = new_password()
    with filled.change() as work:
        work.system_certificates.add(certificate("a1", NOW - timedelta(seconds=1)))
        work.system_passwords.put(ASID, hashed(password), NOW)
    announce(publishing, "directory.system", ASID)
    assert "people" in reads(fresh)
    plain = fresh.directory.anonymous()
    dn = f"uniqueIdentifier={ASID},ou=Services,o=nhs"
    assert fresh.tool("ldapwhoami", "-D", dn, "-w", password, tls=plain).status == 0
    publishing.rebuild(fresh.slapd)
    assert fresh.tool("ldapwhoami", "-D", dn, "-w", password, tls=plain).status == 0
    assert list(publishing.compare(fresh.slapd.ldapi_url)) == []


def test_the_followers_are_those_whose_systems_may_read_changes(publishing, filled, fresh):
    rights = with_included([ReadRight.CHANGES])
    follower = dataclasses.replace(SYSTEM, asid="200000000300", party_key="A81001-800003", read_rights=rights)
    with filled.change() as work:
        work.systems.add(follower)
        assert work.systems.accredited_system(follower.asid) == follower
    announce(publishing, "directory.system", follower.asid)
    (listed,) = held(fresh, "cn=Followers,o=nhs")
    assert listed["roleOccupant"] == ("uniqueIdentifier=200000000300,ou=Services,o=nhs",)
    with filled.change() as work:
        work.connection.execute(update(accredited_system).values(status="closed"))
    announce(publishing, "directory.system", follower.asid)
    (listed,) = held(fresh, "cn=Followers,o=nhs")
    assert "roleOccupant" not in listed


def test_a_right_vanishes_by_itself_on_the_day_after_the_roles_last(filled, fresh):
    """By the clock alone: nobody touches the database or the directory."""
    now = [NOW]
    filled._clock = lambda: now[0]
    publishing = DirectoryPublishing(filled, fresh.publisher)
    lane = Lane(filled, publishing, (), "directory")
    announce_all(publishing)
    announce_begun_and_ended_roles(filled)
    tls = fresh.directory.system(ASID)
    with closing(DirectoryClient(fresh.slapd.ldaps_url, tls)) as client:
        for day, right in ((29, True), (30, True), (31, False)):
            now[0] = datetime(2026, 6, 1, 0, 0, 1, tzinfo=UTC) + timedelta(days=day - 1)
            announce_begun_and_ended_roles(filled)
            while lane.publish_some():
                pass
            assert client.may(UID, "B0420", "A81001") is right
    role = held(fresh, f"uid={UID},ou=People,o=nhs")[-1]
    assert role["nhsOrgCloseDate"] == ("20260701",), "what has ended stays, with its end"


def test_a_closed_person_has_no_rights(filled):
    with filled.change() as work:
        work.connection.execute(update(person_table).values(status="closed"))
    with filled.read() as work:
        assert person_entry(work, UID).access == ()


def test_what_cannot_be_published_does_not_hold_up_what_is_announced_with_it(publishing, fresh):
    person, code = ("directory.person", UID), ("directory.organisation", "A81001")
    errors = errors_of(publishing, ("directory.person", "no uid"), person, ("directory.system", "ü"), code)
    assert [bool(error) for error in errors] == [True, False, True, False]
    assert "InvalidIdentifier" in errors[0]
    assert held(fresh, f"uid={UID},ou=People,o=nhs")
    assert held(fresh, "uniqueIdentifier=A81001,ou=Organisations,o=nhs")


def test_what_was_read_before_another_wrote_is_not_published_after(publishing, filled, fresh):
    """The worker waits while everything is rebuilt; then it must not bring back what it read before."""
    announce_all(publishing)
    row = OutboxRow(1, "directory.person", UID, {}, NOW, 0)
    carrying = threading.Thread(target=lambda: list(publishing.carry([row])))
    with locked(fresh.slapd.publishing_lock, wait=True):
        carrying.start()
        carrying.join(0.2)
        with filled.change() as work:
            work.connection.execute(update(person_table).values(family_name="Married"))
    carrying.join()
    assert held(fresh, f"uid={UID},ou=People,o=nhs")[0]["sn"] == ("Married",)


def test_while_slapd_is_down_the_worker_is_told_to_come_again(publishing, fresh):
    fresh.kill()
    with pytest.raises(Unavailable, match="will be published"):
        announce(publishing, "directory.person", UID)
    with pytest.raises(Unavailable):
        list(publishing.compare(fresh.slapd.ldapi_url))
    fresh.slapd.start()
    announce(publishing, "directory.person", UID)
    assert held(fresh, f"uid={UID},ou=People,o=nhs")


def test_every_shipped_organisation_can_be_published(sqlite_database, fresh):
    organisations = shipped_organisations()
    with sqlite_database.change() as work:
        work.rbac.add(dataclasses.replace(NATIONAL, version="shipped"), "other digest", NOW)
        work.organisations.save(organisations, NOW, lambda done: None)
    publishing = DirectoryPublishing(sqlite_database, fresh.publisher)
    publishing.rebuild(fresh.slapd)
    with sqlite_database.read() as work:
        entries = sum(1 for _ in all_entries(work))
    assert entries == len(organisations) + len({each.kind_code for each in organisations} - {""}) + 10
    assert list(publishing.compare(fresh.slapd.ldapi_url)) == []


def shipped_organisations() -> list[Organisation]:
    """Those of the shipped files that can be read."""
    folder = files("app.data").joinpath("ods")
    found = {}
    for table in tomllib.loads(folder.joinpath("files.toml").read_text())["file"]:
        file = OdsFile.of(table)
        text = gzip.decompress(folder.joinpath(f"{file.name}.csv.gz").read_bytes()).decode()
        for columns in csv.reader(io.StringIO(text)):
            organisation = file.organisation(columns, TODAY)
            found[organisation.code] = organisation
    assert len(found) > 14_000
    return list(found.values())
