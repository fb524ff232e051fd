"""The data that travels with the program, imported whole on both databases."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from app.data import shipped
from app.domain.actor import Actor
from app.domain.organisation import Organisation, OrganisationStatus
from app.domain.system import ApprovedByRequester
from app.domain.system_details import SystemDetails
from app.errors import InvalidInput
from app.ra.importing import ImportNotPossible, SourceFile
from app.ra.importing_organisations import ImportingOrganisations, OdsFiles
from app.ra.importing_rbac import ImportingRbac
from app.ra.loading_systems import LoadingSystems, Signatories
from app.storage.database import Database
from app.storage.tables.organisations import organisation_membership
from app.storage.tables.systems import accredited_system

IMPORTER = Actor.system("import")
FOUNDERS = Signatories("555254239107", "563476650108")
ROOT = Path(__file__).parents[3]


def events(database: Database) -> list[tuple[str, str]]:
    with database.read() as work:
        return [(each.event.event, each.event.outcome) for each in work.audit.events_after(0)]


def waiting(database: Database, topic: str) -> list[str]:
    with database.read() as work:
        return [row.key for row in work.outbox.due([topic], limit=20000)]


def organisation(database: Database, code: str) -> Organisation:
    with database.read() as work:
        found = work.organisations.get(code)
    assert found
    return found


def some_organisations() -> OdsFiles:
    """A few of the shipped rows, so that a test does not take seconds."""
    whole = shipped.shipped_organisations()
    chosen = (b'"A81', b'"L83', b'"RH8', b'"15N')

    def few(file: SourceFile) -> SourceFile:
        return SourceFile(
            file.name, b"".join(row for row in file.content.splitlines(True) if row.startswith(chosen))
        )

    assert whole.memberships
    files = [(kind, few(file)) for kind, file in whole.organisations]
    return OdsFiles("a part", files, few(whole.memberships))


@pytest.fixture
def with_organisations(database: Database) -> Database:
    ImportingOrganisations(database, announce=False).run(IMPORTER, some_organisations())
    return database


def test_every_organisation_and_membership_is_imported_once(database: Database) -> None:
    ImportingOrganisations(database, announce=False).run(IMPORTER, shipped.shipped_organisations())
    with database.read() as work:
        assert work.organisations.count() == 14_643
        assert work.connection.scalar(select(func.count()).select_from(organisation_membership)) == 47_822
    again = ImportingOrganisations(database).run(IMPORTER, shipped.shipped_organisations())
    assert (again.organisations.added, again.organisations.changed) == (0, 0)
    assert (again.organisations.unchanged, again.memberships.unchanged) == (14_643, 47_822)
    assert again.members_not_listed > 0
    assert again.refused == ()
    assert events(database) == [("organisations.imported", "allowed")] * 2
    assert waiting(database, "directory.organisation") == []


def test_an_organisation_keeps_dates_status_kind_and_parent(with_organisations: Database) -> None:
    victoria = organisation(with_organisations, "A81003")
    assert victoria.name == "VICTORIA MEDICAL PRACTICE"
    assert victoria.kind == "GP practice"
    assert (victoria.kind_code, victoria.status, victoria.is_open) == ("PR", OrganisationStatus.CLOSED, False)
    assert (victoria.opened_on, victoria.closed_on) == (date(1974, 4, 1), date(2017, 10, 31))
    assert (victoria.parent_code, victoria.successor_code) == ("00K", None)
    assert victoria.address == ("THE HEALTH CENTRE", "VICTORIA ROAD", "HARTLEPOOL", "CLEVELAND", "")
    assert organisation(with_organisations, "RH8").kind == "NHS trust"
    assert organisation(with_organisations, "15N").kind == "Sub-ICB location"


def test_organisations_are_found_by_code_name_and_postcode(with_organisations: Database) -> None:
    def found(text: str, **more: int) -> list[str]:
        with with_organisations.read() as work:
            return [each.code for each in work.organisations.search(text, limit=5, **more)]

    assert found("l83002") == ["L83002"]
    assert all(code.startswith("L8300") for code in found("L8300"))
    assert found("honiton surg") == ["L83002"]
    assert found("EX14 2NY")[0] == found("ex142ny")[0]
    assert "L83002" in found("ex142ny")
    assert found("queen's medical barnstaple") == found("queens medical barnstaple")
    assert found("%") == found("_") == found("  ") == []
    assert found("no such practice anywhere") == []
    assert found("surgery", offset=0) != found("surgery", offset=5)


def test_open_organisations_come_before_closed_ones(with_organisations: Database) -> None:
    with with_organisations.read() as work:
        states = [each.is_open for each in work.organisations.search("hartlepool", limit=200)]
    assert states == sorted(states, reverse=True)
    assert len(set(states)) == 2


def test_a_practice_is_under_its_commissioner_and_what_that_is_under(with_organisations: Database) -> None:
    today = date(2026, 11, 22)
    with with_organisations.read() as work:
        assert work.organisations.is_under("L83002", "15N", today)
        assert work.organisations.is_under("L83002", "QJK", today)
        assert not work.organisations.is_under("15N", "L83002", today)
        assert not work.organisations.is_under("L83002", "L83002", today)
        assert not work.organisations.is_under("L83002", "00K", today)


def changed(files: OdsFiles, old: bytes, new: bytes) -> OdsFiles:
    (kind, file), *others = files.organisations
    assert old in file.content
    edited = SourceFile(file.name, file.content.replace(old, new))
    return OdsFiles("a test", [(kind, edited), *others], files.memberships)


def test_a_changed_organisation_alone_is_stored_and_announced(with_organisations: Database) -> None:
    files = changed(some_organisations(), b"HONITON SURGERY", b"HONITON NEW SURGERY")
    report = ImportingOrganisations(with_organisations).run(IMPORTER, files)
    assert (report.organisations.added, report.organisations.changed) == (0, 1)
    assert waiting(with_organisations, "directory.organisation") == ["L83002"]
    assert organisation(with_organisations, "L83002").name == "HONITON NEW SURGERY"


def test_progress_ends_at_the_whole(sqlite_database: Database) -> None:
    told: list[tuple[str, int, int]] = []
    ImportingOrganisations(sqlite_database).run(
        IMPORTER, shipped.shipped_organisations(), lambda *each: told.append(each)
    )
    assert ("organisations", 14_643, 14_643) in told
    assert told[-1] == ("memberships", 47_822, 47_822)


def test_bad_rows_are_refused_with_a_reason_and_the_rest_is_stored(
    database: Database, tmp_path: Path
) -> None:
    good = b'"A81001","THE DENSHAM SURGERY"' + b',""' * 8 + b',"19740401","","A"' + b',""' * 12 + b',"4",""'
    rows = [
        good,
        b'"A81001","TWICE"' + good[len(b'"A81001","THE DENSHAM SURGERY"') :],
        b'"A81002","SHORT"',
        good.replace(b"A81001", b"a1").replace(b"DENSHAM", b"X"),
        good.replace(b"A81001", b"A81004").replace(b"19740401", b"19740431"),
        good.replace(b"A81001", b"A81005").replace(b'""', b'"19700101"', 9).replace(b'"19700101"', b'""', 8),
        good.replace(b"A81001", b"A81006").replace(b'"A"', b'"Q"'),
        good.replace(b"A81001", b"A81007").replace(b'"4"', b'"99"'),
        good.replace(b"A81001", b"A81008").replace(b"DENSHAM", b"\xff\x81"),
        good.replace(b"A81001", b"A81009").replace(b"DENSHAM", b'DEN"SHAM'),
        good.replace(b"A81001", b"A81010").replace(b"DENSHAM", b"DEN\x00SHAM"),
        good.replace(b"A81001", b"A81011").replace(b"THE DENSHAM SURGERY", b""),
        b"",
        good.replace(b"A81001", b"A81012"),
    ]
    (tmp_path / "epraccur.csv").write_bytes(b"\r\n".join(rows))
    report = ImportingOrganisations(database).run(IMPORTER, shipped.organisations_in(tmp_path))
    assert report.organisations.added == 2
    assert {row.line: row.reason for row in report.refused} == {
        2: "The code A81001 stands further up already.",
        3: "It has 2 columns; there must be 27.",
        4: "The code 'a1' is not 3 to 12 capital letters and digits.",
        5: "The opening date '19740431' is no date of the form YYYYMMDD.",
        6: "The closing date 19700101 is before the opening date 19740401.",
        7: "The status 'Q' is not A, C, D or P.",
        8: "Column 26 has '99', which names no kind of organisation.",
        9: "It is written neither in UTF-8 nor in Windows-1252.",
        10: "It is no row of a CSV file: ',' expected after '\"'.",
        11: "It contains control characters.",
        12: "It has no name.",
    }
    with database.read() as work:
        assert work.import_runs.refused_lately("organisations") == list(report.refused)


def test_a_wrong_file_changes_nothing(database: Database, tmp_path: Path) -> None:
    (tmp_path / "epraccur.csv").write_text("<html>404</html>\n")
    with pytest.raises(ImportNotPossible, match=r"Line 1: It has 1 columns; there must be 27\."):
        ImportingOrganisations(database).run(IMPORTER, shipped.organisations_in(tmp_path))
    assert events(database) == [("organisations.imported", "refused")]


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportNotPossible, match=r"epraccur\.csv"):
        shipped.organisations_in(tmp_path)


def test_the_national_tables_are_imported_once(database: Database) -> None:
    first = ImportingRbac(database).run(IMPORTER, shipped.shipped_rbac())
    assert (first.is_new, first.job_roles, first.activities, first.refused) == (True, 457, 103, ())
    assert not ImportingRbac(database).run(IMPORTER, shipped.shipped_rbac()).is_new
    with database.read() as work:
        roles = work.rbac.current()
        assert (len(roles.job_roles), len(roles.activities), len(roles.areas_of_work)) == (457, 103, 4)
        assert sum(map(len, roles.baseline.values())) == 184
        assert sum(map(len, roles.satisfies.values())) == 23
    assert events(database) == [("rbac.imported", "allowed")] * 2


def test_a_general_practitioner_satisfies_what_prescribing_includes(database: Database) -> None:
    ImportingRbac(database).run(IMPORTER, shipped.shipped_rbac())
    with database.read() as work:
        held = work.rbac.resolve("R8000", ["B0825"])
        assert {"B0420", "B0278", "B0422", "B8029", "B8028", "B0380", "B0360"} <= set(held)
        assert {"B0825", "B0820"} <= set(held)
        assert "B0570" not in held
        assert work.rbac.resolve("R9999", ["B0820"]) == ("B0820",)


def test_a_later_version_is_in_force_from_its_day(database: Database) -> None:
    files = shipped.shipped_rbac()
    ImportingRbac(database).run(IMPORTER, files)
    edited = SourceFile("baseline.csv", files.files["baseline"].content + b"R8003,B0420\r\n")
    later = type(files)("26", date(2026, 1, 1), {**files.files, "baseline": edited})
    assert ImportingRbac(database).run(IMPORTER, later).is_new
    with database.read() as work:
        assert "B0420" in work.rbac.on(date(2026, 1, 1)).resolve("R8003", [])
        assert "B0420" not in work.rbac.on(date(2025, 12, 31)).resolve("R8003", [])


def test_a_version_is_never_changed(database: Database) -> None:
    files = shipped.shipped_rbac()
    ImportingRbac(database).run(IMPORTER, files)
    edited = SourceFile("baseline.csv", files.files["baseline"].content + b"R8003,B0420\r\n")
    other = type(files)("26", files.effective_from, {**files.files, "baseline": edited})
    with pytest.raises(ImportNotPossible, match="a version is never changed"):
        ImportingRbac(database).run(IMPORTER, other)


def test_unknown_codes_in_the_tables_are_refused_row_by_row(database: Database) -> None:
    files = shipped.shipped_rbac()
    edited = SourceFile("baseline.csv", files.files["baseline"].content + b"R8003,B9999\r\nR8003\r\n")
    report = ImportingRbac(database).run(
        IMPORTER, type(files)("x", date(2026, 1, 1), {**files.files, "baseline": edited})
    )
    assert {row.reason for row in report.refused} == {
        "There is no 'B9999'.",
        "It has 1 columns; there must be 2.",
    }


def systems_of_the_project() -> list[SystemDetails]:
    tables = tomllib.loads((ROOT / "config" / "systems.toml").read_text())["system"]
    return [SystemDetails.of(table) for table in tables]


def test_the_starting_systems_are_registered_once(with_organisations: Database) -> None:
    loading = LoadingSystems(with_organisations, shipped.interactions())
    new = loading.run(IMPORTER, systems_of_the_project(), FOUNDERS)
    assert loading.run(IMPORTER, systems_of_the_project(), FOUNDERS) == []
    with with_organisations.read() as work:
        accredited = work.systems.all_accredited_systems()
        reached = work.systems.all_message_handling_systems()
    assert sorted(new) == sorted([*(each.asid for each in accredited), *(each.id for each in reached)])
    assert {len(each.asid) for each in accredited} == {12}
    assert len({each.party_key for each in accredited}) == len(accredited) == 8
    assert {each.party_key for each in reached} <= {each.party_key for each in accredited}
    assert accredited[0].approval.requested_by != accredited[0].approval.approved_by
    assert sorted(waiting(with_organisations, "directory.system")) == sorted(new)
    assert events(with_organisations)[1:] == [("system.registered", "allowed")] * len(new)


def test_a_system_with_an_unknown_interaction_or_organisation_is_refused(
    with_organisations: Database,
) -> None:
    loading = LoadingSystems(with_organisations, shipped.interactions())
    good = systems_of_the_project()[0]
    for field, value in (("interactions", ("urn:nhs:names:services:mm:NO_SUCH",)), ("organisation", "ZZZZZ")):
        wrong = SystemDetails(**{**vars(good), field: value})
        with pytest.raises(InvalidInput, match="There is no"):
            loading.run(IMPORTER, [wrong], FOUNDERS)
    with with_organisations.read() as work:
        assert work.systems.all_accredited_systems() == []


def test_nobody_approves_the_system_they_asked_for(with_organisations: Database) -> None:
    loading = LoadingSystems(with_organisations, shipped.interactions())
    with pytest.raises(ApprovedByRequester):
        loading.run(IMPORTER, systems_of_the_project(), Signatories("555254239107", "555254239107"))
    assert events(with_organisations)[-1] == ("system.registered", "refused")


def test_the_database_refuses_it_too(with_organisations: Database) -> None:
    loading = LoadingSystems(with_organisations, shipped.interactions())
    loading.run(IMPORTER, systems_of_the_project()[:1], FOUNDERS)
    same = accredited_system.update().values(approved_by=accredited_system.c.requested_by)
    with pytest.raises(DBAPIError, match="approved_by_another"), with_organisations.change() as work:
        work.connection.execute(same)
