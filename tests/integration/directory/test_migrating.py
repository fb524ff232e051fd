"""Migrating from another directory: its LDIF and its change log, on both databases and with a real slapd."""

from __future__ import annotations

import base64
import subprocess
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from app.adapters.directory_publishing import DirectoryPublishing
from app.adapters.old_directory_file import OldDirectoryFile, OldLogFile
from app.adapters.old_directory_log import LdifFragments, OldLogOverLdap, PresentEntries
from app.adapters.person_entries import person_entry
from app.data import shipped
from app.domain.actor import Actor
from app.domain.permission import Permission
from app.domain.person import Assurance, IdentityToBeVerified
from app.ra.following_old_directory import ChangesMissed, FollowingOldDirectory, WhereToBegin
from app.ra.importing import ImportNotPossible
from app.ra.importing_directory import CuttingOver, ImportingDirectory, MigrationEnded
from app.ra.importing_rbac import ImportingRbac
from app.ra.issuing import Issuing
from app.ra.old_entries import Kind
from app.storage.database import Database
from app.storage.outbox import OutboxRow
from app.storage.tables.access import role_profile
from bench.national.filling import fill, load_national_roles
from bench.national.nation import NOW, Nation
from directory.connection import open_session

ACTOR = Actor.system("cli")
UID, PLACE, ROLE, ASID = "555021935106", "555021936103", "555021937109", "200000000149"
PERSON_DN = f"uid={UID},ou=People,o=nhs"
ROLE_DN = f"uniqueIdentifier={ROLE},uniqueIdentifier={PLACE},{PERSON_DN}"
OLD = f"""version: 1

dn: o=nhs
objectClass: organization
o: nhs

dn: {ROLE_DN}
objectclass: TOP
objectclass: nhsorgpersonrole
UNIQUEIDENTIFIER: {ROLE}
nhsIDcode:  B82617
nhsJobRole: "Clinical":"Clinical Provision":"Health Professional Access Role"
nhsJobRoleCode: S8000:G8000:R8003
nhsBusinessFunctionsCodes: B0420
nhsBusinessFunctionsCodes: B9999
nhsAreaOfWorkCodes: P0020:Q0300:T0640

dn: uniqueIdentifier={PLACE}, {PERSON_DN.replace(",ou", ", ou")}
objectClass: nhsOrgPerson
uniqueIdentifier: {PLACE}
uid: {UID}
cn: Osei Amara Dr
sn: Osei
o: COXWOLD SURGERY
nhsIdCode: B82617
nhsOrgOpenDate: 20240419

dn: {PERSON_DN}
objectClass: nhsPerson
uid: {UID}
cn: Osei Amara Dr
SN: Osei
givenName: Amara
personalTitle: Dr
nhsPersonStatus: 1
nhsGMC: 7654321
nhsNMC: nonsense

dn: uniqueIdentifier=B82617,ou=Organisations,o=nhs
objectClass: nhsGPPractice
uniqueIdentifier: B82617
nhsIDCode: B82617
o: COXWOLD SURGERY
nhsOrgType: GP Practice
nhsOrgTypeCode: PR
nhsParentOrgCode: 5B8
nhsPCTCode: 5B8
postalAddress: COXWOLD$$$YORK$NORTH YORKSHIRE
l: NORTH YORKSHIRE
postalCode: YO61 4BB
nhsOrgOpenDate: 20080813

dn: uniqueIdentifier={ASID},ou=Services,o=nhs
objectClass: nhsAs
uniqueIdentifier: {ASID}
nhsIDCode: B82617
nhsMhsPartyKey: B82617-801234
nhsAsSvcIA: urn:nhs:names:services:mm:PORX_IN020101UK31
nhsRequestorURP: uniqueidentifier=977624345541,uniqueidentifier=883298590547,uid=977624345541,ou=People,o=nhs
nhsDateRequested: 20180102030405
nhsApproverURP: System
nhsDateApproved: 20180203040506

dn: uniqueIdentifier=472b35d4641b76454b13,ou=Services,o=nhs
objectClass: nhsMHS
uniqueIdentifier: 472b35d4641b76454b13
nhsIDCode: B82617
nhsMHSPartyKey: B82617-801234
nhsMhsSvcIA: urn:nhs:names:services:mm:PORX_IN020101UK31
nhsMHSEndPoint: https://coxwold.example/reliable
nhsMHSRetries: 2
nhsApproverURP: System

"""
REFUSED = f"""dn: uid=123,ou=People,o=nhs
objectClass: nhsPerson
uid: 123
sn: Short

dn: uniqueIdentifier=555021938106,{PERSON_DN}
objectClass: nhsOrgPerson
uniqueIdentifier: 555021938106
nhsIDCode: Z99999

dn: uniqueIdentifier=555021939102,uniqueIdentifier={PLACE},{PERSON_DN}
objectClass: nhsOrgPersonRole
uniqueIdentifier: 555021939102
nhsIDCode: B82617
nhsJobRoleCode: S8000:G8000:R9998

dn: uniqueIdentifier=555021940109,uniqueIdentifier={PLACE},{PERSON_DN}
objectClass: nhsOrgPersonRole
uniqueIdentifier: 555021940109
nhsIDCode: B82617
nhsJobRoleCode: R8003
nhsOrgCloseDate: whenever

dn: uid=555021941102,ou=People,o=nhs
objectClass: nhsPerson
uid:< file:///etc/passwd

"""


@pytest.fixture
def empty(database: Database) -> Database:
    ImportingRbac(database).run(ACTOR, shipped.shipped_rbac())
    return database


def take_over(database: Database, folder: Path, text: str, announce: bool = False):
    file = folder / "old.ldif"
    file.write_text(text)
    with closing(OldDirectoryFile(file)) as old:
        return ImportingDirectory(database, announce).run(ACTOR, old)


def findings(database: Database, kind: str) -> list[str]:
    with database.read() as work:
        return [each.reason for each in work.migrated.findings(kind, 100)]


def test_an_old_directorys_entries_are_taken_over_in_any_order_and_letter_case(empty, tmp_path):
    report = take_over(empty, tmp_path, OLD)
    assert {kind: counts["taken"] for kind, counts in report.counts.items()} == dict.fromkeys(Kind, 1)
    with empty.read() as work:
        person, (role,) = work.people.get(UID), work.role_profiles.of(UID)
        system = work.systems.accredited_system(ASID)
        endpoint = work.systems.message_handling_system("472b35d4641b76454b13")
        practice = work.organisations.get("B82617")
    assert (person.family_name, person.date_of_birth, person.assurance) == ("Osei", None, Assurance.MIGRATED)
    assert (role.id, role.organisation_person_id, role.organisation_code) == (ROLE, PLACE, "B82617")
    assert (role.job_role_code, role.activity_codes) == ("R8003", ("B0420",))
    # The role said nothing of its start: it began with the place.
    assert (role.starts_on, role.ends_on) == (date(2024, 4, 19), None)
    assert (system.approval.requested_by, system.approval.approved_by) == ("977624345541", "System")
    assert endpoint.reliability == {"retries": "2"}
    assert practice.address == ("COXWOLD", "", "", "YORK", "NORTH YORKSHIRE")
    reasons = " ".join(findings(empty, "reduced"))
    for told in ("no activity B9999", "Areas of work", "nhsnmc"):
        assert told in reasons


def test_what_cannot_be_mapped_is_told_with_its_reason_and_the_rest_is_taken_over(empty, tmp_path):
    report = take_over(empty, tmp_path, OLD + REFUSED)
    assert report.refused == 5
    reasons = " ".join(findings(empty, "refused"))
    for told in ("12 digits", "no organisation Z99999", "no job role R9998", "no day", "URL"):
        assert told in reasons
    with empty.read() as work:
        assert [role.id for role in work.role_profiles.of(UID)] == [ROLE]


def test_the_same_file_again_changes_nothing_but_what_was_reduced(empty, tmp_path):
    take_over(empty, tmp_path, OLD)
    report = take_over(empty, tmp_path, OLD)
    assert sum(counts["unchanged"] for counts in report.counts.values()) == 4
    assert len(findings(empty, "reduced")) == 4
    with empty.read() as work:
        assert len(work.role_profiles.of(UID)) == 1


def test_every_batch_is_an_event_of_the_audit_with_its_digest(empty, tmp_path):
    take_over(empty, tmp_path, OLD)
    with empty.read() as work:
        events = [each.event for each in work.audit.events_after(0)]
    batches = [each for each in events if each.event == "migration.batch_taken_over"]
    assert [each.details["kind"] for each in batches] == [kind.value for kind in Kind]
    assert all(len(each.details["digest"]) == 64 for each in batches)
    (begun,) = [each for each in events if each.event == "migration.import_begun"]
    assert len(begun.details["digest"]) == 64


def test_somebody_registered_here_is_never_overwritten(empty, tmp_path):
    take_over(empty, tmp_path, OLD)
    with empty.change() as work:
        work.connection.exec_driver_sql("DELETE FROM migrated_record")
    report = take_over(empty, tmp_path, OLD.replace("SN: Osei", "SN: Changed"))
    assert report.refused == 6
    with empty.read() as work:
        assert work.people.get(UID).family_name == "Osei"


def test_a_professional_number_stays_with_whom_had_it_first(empty, tmp_path):
    other = PERSON_DN.replace(UID, "555021942109")
    take_over(
        empty,
        tmp_path,
        f"{OLD}dn: {other}\nobjectClass: nhsPerson\nuid: 555021942109\nsn: B\nnhsGMC: 7654321\n",
    )
    with empty.read() as work:
        assert work.people.registrations("555021942109") == ()
        assert len(work.people.registrations(UID)) == 1
    assert any("belongs to" in each for each in findings(empty, "reduced"))


def test_no_card_is_issued_to_somebody_whose_identity_nobody_here_has_seen(empty, tmp_path):
    take_over(empty, tmp_path, OLD)
    agent = Actor("555000000017", "Agent", permissions=frozenset({Permission.ISSUE_CARD}))
    with pytest.raises(IdentityToBeVerified):
        Issuing(empty).begin(agent, UID)


def test_a_file_that_holds_nothing_to_take_over_is_refused(tmp_path):
    file = tmp_path / "wrong.ldif"
    file.write_text("dn: o=nhs\nobjectClass: organization\no: nhs\n")
    with pytest.raises(ImportNotPossible):
        OldDirectoryFile(file)


def test_ids_that_were_taken_over_are_never_given_out_again(empty, tmp_path):
    ours = "710000005108"
    take_over(empty, tmp_path, OLD.replace(UID, ours))
    with empty.change() as work:
        assert work.sequences.next("asid") == 150
        assert work.sequences.next("party_key") == 1235
        # The closed position of the organisation took the next one already.
        assert work.sequences.next("spine_id") >= 6


def log_of(folder: Path, *changes: tuple[int, str, str, str]) -> OldLogFile:
    file = folder / "log.ldif"
    file.write_text(
        "".join(
            f"dn: changenumber={number},cn=changelog,o=nhs\nobjectClass: changeLogEntry\n"
            f"changenumber: {number}\nchangeType: {kind}\ntargetDN: {dn}\n"
            + (f"changes:: {_base64(fragment)}\n" if fragment else "")
            + "\n"
            for number, kind, dn, fragment in changes
        )
    )
    return OldLogFile(file)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def following(database: Database, log) -> FollowingOldDirectory:
    return FollowingOldDirectory(database, log, PresentEntries(), LdifFragments())


def test_changes_are_followed_in_their_order_until_the_cut_over(empty, tmp_path):
    take_over(empty, tmp_path, OLD)
    second = f"uniqueIdentifier=555021943105,uniqueIdentifier={PLACE},{PERSON_DN}"
    role = "objectClass: nhsOrgPersonRole\nuniqueIdentifier: 555021943105\nnhsIDCode: B82617\n"
    log = log_of(
        tmp_path,
        (101, "add", second, role + "nhsJobRoleCode: R8000\nnhsOrgOpenDate: 20240501\n"),
        (102, "modify", second, "replace: nhsOrgCloseDate\nnhsOrgCloseDate: 20300101\n-\n"),
        (103, "modify", PERSON_DN, "replace: sn\nsn: Osei-Mensah\n-\ndelete: nhsGMC\n-\n"),
        (104, "modify", "ou=People,o=nhs", "replace: description\ndescription: x\n-\n"),
        (105, "delete", ROLE_DN, ""),
        (106, "modrdn", PERSON_DN, ""),
    )
    followed = following(empty, log).catch_up(ACTOR, since=100)
    assert (followed.number, followed.changes) == (106, 6)
    with empty.read() as work:
        person, roles = work.people.get(UID), {each.id: each for each in work.role_profiles.of(UID)}
        assert work.people.registrations(UID) == ()
        waiting = {row.key for row in work.outbox.due(["directory.person"])}
    assert person.family_name == "Osei-Mensah"
    assert roles["555021943105"].ends_on == date(2029, 12, 31)
    assert roles[ROLE].withdrawn_at is not None
    assert waiting == {UID}
    assert any("modrdn" in each for each in findings(empty, "refused"))
    assert following(empty, log).catch_up(ACTOR).changes == 0
    assert CuttingOver(empty).run(ACTOR) == 106
    for ended in (lambda: following(empty, log).catch_up(ACTOR), lambda: take_over(empty, tmp_path, OLD)):
        with pytest.raises(MigrationEnded):
            ended()


def test_a_gap_in_the_log_is_never_passed_over(empty, tmp_path):
    take_over(empty, tmp_path, OLD)
    log = log_of(tmp_path, *((n, "delete", f"uid={n},ou=x,o=nhs", "") for n in (101, 103)))
    with pytest.raises(WhereToBegin):
        following(empty, log).catch_up(ACTOR)
    with pytest.raises(ChangesMissed, match="begins with 101"):
        following(empty, log).catch_up(ACTOR, since=99)
    with pytest.raises(ChangesMissed, match="Change 102"):
        following(empty, log).catch_up(ACTOR, since=100)
    with empty.read() as work:
        assert work.migrated.state().followed_to == 101


def test_a_role_that_has_not_begun_can_be_changed_by_the_log(empty, tmp_path):
    later = OLD.replace("nhsAreaOfWorkCodes: P0020:Q0300:T0640", "nhsOrgOpenDate: 29990101")
    take_over(empty, tmp_path, later)
    with empty.read() as work:
        assert person_entry(work, UID).org_persons[0].roles == ()
    log = log_of(tmp_path, (1, "modify", ROLE_DN, "replace: nhsOrgOpenDate\nnhsOrgOpenDate: 20250101\n-\n"))
    following(empty, log).catch_up(ACTOR, since=0)
    with empty.read() as work:
        assert work.role_profiles.of(UID)[0].starts_on == date(2025, 1, 1)


def slapcat(slapd) -> str:
    done = subprocess.run(
        ["/usr/sbin/slapcat", "-F", str(slapd.folder / "slapd.d"), "-b", "o=nhs"],
        capture_output=True,
        text=True,
        check=True,
        **slapd.account.process_options(),
    )
    return done.stdout


def test_our_own_directory_goes_into_an_empty_database_and_comes_out_the_same(
    sqlite_database, fresh, tmp_path
):
    source = Database(f"sqlite:///{tmp_path / 'source.db'}", clock=lambda: NOW)
    fill(source, Nation(300, load_national_roles(source)), lambda _: None)
    target = Database(sqlite_database.engine.url.render_as_string(), clock=lambda: NOW)
    with closing(source), closing(target):
        DirectoryPublishing(source, fresh.publisher).rebuild(fresh.slapd)
        ImportingRbac(target).run(ACTOR, shipped.shipped_rbac())
        report = take_over(target, tmp_path, slapcat(fresh.slapd))
        assert report.refused == 0
        assert report.counts[Kind.PERSON]["taken"] == 300
        publishing = DirectoryPublishing(target, fresh.publisher)
        assert list(publishing.compare(fresh.slapd.ldapi_url)) == []
        publishing.rebuild(fresh.slapd)
        assert list(publishing.compare(fresh.slapd.ldapi_url)) == []


def test_the_log_of_a_directory_that_answers_is_followed(sqlite_database, fresh, tmp_path):
    source = Database(f"sqlite:///{tmp_path / 'source.db'}", clock=lambda: NOW)
    fill(source, Nation(60, load_national_roles(source)), lambda _: None)
    target = Database(sqlite_database.engine.url.render_as_string(), clock=lambda: NOW)
    with closing(source), closing(target):
        publishing = DirectoryPublishing(source, fresh.publisher)
        publishing.rebuild(fresh.slapd)
        ImportingRbac(target).run(ACTOR, shipped.shipped_rbac())
        take_over(target, tmp_path, slapcat(fresh.slapd))
        log = OldLogOverLdap(lambda: open_session(fresh.slapd.ldapi_url), "the old one")
        with closing(log):
            since = log.held()[1]
            withdrawn = withdraw_one(source)
            publish(publishing, withdrawn)
            assert following(target, log).catch_up(ACTOR, since).changes >= 1
        assert list(DirectoryPublishing(target, fresh.publisher).compare(fresh.slapd.ldapi_url)) == []


def withdraw_one(source: Database) -> str:
    with source.change() as work:
        found = work.connection.execute(select(role_profile.c.id, role_profile.c.uid).limit(1)).one()
        work.connection.execute(
            role_profile.update().where(role_profile.c.id == found.id).values(ends_on=date(2026, 6, 1))
        )
    return str(found.uid)


def publish(publishing: DirectoryPublishing, uid: str) -> None:
    row = OutboxRow(1, "directory.person", uid, {}, NOW, 0)
    assert [error for _, error in publishing.carry([row])] == [None]
