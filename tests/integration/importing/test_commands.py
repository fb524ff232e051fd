"""The commands that import and migrate, as an operator gives them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from app.storage.database import Database
from bench import ods_xml


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "settings.toml"
    file.write_text(f'[data]\nfolder = "{tmp_path / "data"}"')
    return file


def spine_ra(settings: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--settings", str(settings), *arguments])


def test_an_operator_migrates_and_imports_everything(settings: Path) -> None:
    assert spine_ra(settings, "migrate").output == "The database is up to date.\n"
    organisations = spine_ra(settings, "organisations", "import", "--no-announce")
    assert organisations.exit_code == 0, organisations.output
    assert "organisations: 14643 new, 0 changed, 0 as before" in organisations.output
    assert "memberships: 47822 new, 0 changed, 0 as before" in organisations.output
    assert "0 rows refused" in organisations.output
    tables = spine_ra(settings, "rbac", "import")
    assert "457 job roles, 103 activities, imported" in tables.output
    assert "in force already" in spine_ra(settings, "rbac", "import").output
    profiles = ("--requested-by", "555254239107", "--approved-by", "563476650108")
    systems = spine_ra(settings, "systems", "register", *profiles)
    assert systems.exit_code == 0, systems.output
    assert "none is new" in spine_ra(settings, "systems", "register", *profiles).output


def test_refusals_are_told_as_sentences(settings: Path, tmp_path: Path) -> None:
    spine_ra(settings, "migrate")
    empty = spine_ra(settings, "organisations", "import", "--folder", str(tmp_path))
    assert empty.exit_code == 1
    assert "Error: There is none of epraccur.csv" in empty.output
    same = ("--requested-by", "1", "--approved-by", "1")
    (tmp_path / "epraccur.csv").write_text("x\n")
    wrong = spine_ra(settings, "organisations", "import", "--folder", str(tmp_path))
    assert "Not one row of epraccur.csv can be used" in wrong.output
    assert (
        "Error: There is no organisation L83002." in spine_ra(settings, "systems", "register", *same).output
    )
    assert spine_ra(settings, "rbac", "import", "--folder", str(tmp_path)).exit_code == 2


def test_refused_rows_are_listed(settings: Path, tmp_path: Path) -> None:
    spine_ra(settings, "migrate")
    good = '"A81001","THE DENSHAM SURGERY"' + ',""' * 8 + ',"19740401","","A"' + ',""' * 12 + ',"4",""'
    (tmp_path / "epraccur.csv").write_text("\n".join([good, *["x"] * 30]))
    result = spine_ra(settings, "organisations", "import", "--folder", str(tmp_path))
    assert "30 rows refused" in result.output
    assert "refused: epraccur.csv line 2: It has 1 columns; there must be 27." in result.output
    assert "and 10 more, all kept in the table import_refusal." in result.output


def test_bad_settings_are_told_before_anything_happens(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("[servce]")
    result = spine_ra(file, "migrate")
    assert result.exit_code == 1
    assert "[servce]: no such section." in result.output


def test_announced_changes_reach_the_outbox(settings: Path, tmp_path: Path) -> None:
    spine_ra(settings, "migrate")
    good = '"A81001","THE DENSHAM SURGERY"' + ',""' * 8 + ',"19740401","","A"' + ',""' * 12 + ',"4",""'
    (tmp_path / "epraccur.csv").write_text(good)
    spine_ra(settings, "organisations", "import", "--folder", str(tmp_path))
    database = Database(f"sqlite:///{tmp_path / 'data' / 'spine.db'}")
    with database.read() as work:
        assert [row.key for row in work.outbox.due(["directory.organisation"])] == ["A81001"]
    database.close()


def test_an_operator_previews_a_file_and_applies_it(settings: Path, tmp_path: Path) -> None:
    spine_ra(settings, "migrate")
    file = tmp_path / "HSCOrgRefData_Full_20261120.xml"
    file.write_bytes(ods_xml.as_bytes(30))
    seen = spine_ra(settings, "organisations", "preview", str(file), "--full")
    assert seen.exit_code == 0, seen.output
    assert "30 read, 0 refused, 1 only mentioned" in seen.output
    assert "new: 30" in seen.output
    load_id = seen.output.split()[-1]
    assert load_id in spine_ra(settings, "organisations", "loads").output
    applied = spine_ra(settings, "organisations", "apply", load_id)
    assert "30 organisations changed." in applied.output
    again = spine_ra(settings, "organisations", "apply", load_id)
    assert (again.exit_code, "This load is applied" in again.output) == (1, True)
    assert "as before: 0" in spine_ra(settings, "organisations", "show", load_id).output
    file.write_text("<html>404</html>")
    wrong = spine_ra(settings, "organisations", "preview", str(file), "--full")
    assert (wrong.exit_code, "web page" in wrong.output) == (1, True)


OLD = """dn: uid=555021935106,ou=People,o=nhs
objectClass: nhsPerson
uid: 555021935106
sn: Osei
nhsPersonStatus: 1

dn: uid=5,ou=People,o=nhs
objectClass: nhsPerson
uid: 5
sn: Short

dn: cn=Changelog,o=nhs
objectClass: nhsExternalChangelog
lastchangenumber: 540382
"""


def test_an_operator_migrates_from_another_directory(settings: Path, tmp_path: Path) -> None:
    spine_ra(settings, "migrate")
    spine_ra(settings, "rbac", "import")
    file = tmp_path / "old.ldif"
    file.write_text(OLD)
    taken = spine_ra(settings, "directory", "import", str(file))
    assert taken.exit_code == 0, taken.output
    assert "persons: 1 taken over (1 of them reduced), 0 as before, 1 refused" in taken.output
    assert "follow with --since 540382" in taken.output
    report = spine_ra(settings, "directory", "import-report").output
    assert "old.ldif 7: uid=5,ou=People,o=nhs: uid '5' has not 12 digits." in report
    log = tmp_path / "log.ldif"
    log.write_text(
        "dn: changenumber=540383,cn=changelog,o=nhs\nchangenumber: 540383\nchangeType: delete\n"
        "targetDN: uid=555021935106,ou=People,o=nhs\n"
    )
    follow = ("directory", "follow-import", "--log-file", str(log))
    unknown = spine_ra(settings, *follow)
    assert (unknown.exit_code, "Say with --since" in unknown.output) == (2, True)
    assert "Followed to change 540383 (1 changes)." in spine_ra(settings, *follow, "--since", "540382").output
    assert spine_ra(settings, *follow).output == ""
    assert "taken over is 540383" in spine_ra(settings, "directory", "cut-over", "--yes").output
    assert "Following has ended. The cut-over was on" in spine_ra(settings, *follow).output
    again = spine_ra(settings, "directory", "import", str(file))
    assert (again.exit_code, "nothing more is taken over" in again.output) == (2, True)


def test_a_file_that_is_no_directory_is_refused_and_nothing_begins(settings: Path, tmp_path: Path) -> None:
    spine_ra(settings, "migrate")
    file = tmp_path / "wrong.ldif"
    file.write_bytes(b"\x00\xff not LDIF\n\n" * 5)
    refused = spine_ra(settings, "directory", "import", str(file))
    assert (refused.exit_code, "Is it the LDIF?" in refused.output) == (2, True)
    nothing = spine_ra(settings, "directory", "cut-over", "--yes")
    assert (nothing.exit_code, "Nothing was taken over" in nothing.output) == (2, True)
