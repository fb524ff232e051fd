"""``spine-ra stock``: a list looked at, taken in, and the report of what is where."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import main
from app.domain.stock import DESK
from app.storage.database import Database
from tests.support.registration_authority import Office

LIST = "serial,card_profile,back_number\n77000001,softhsm,1234 1234 1234\n77000002,softhsm,12\n"


@pytest.fixture
def database(sqlite_database: Database) -> Database:
    return sqlite_database


def stock(office: Office, folder: Path, *arguments: str) -> Result:
    settings = folder / "settings.toml"
    settings.write_text(f'[database]\nurl = "{office.ra.database.engine.url}"\n')
    return CliRunner().invoke(main, ["--settings", str(settings), "stock", *arguments])


def test_a_list_is_looked_at_and_taken_in_and_the_report_says_what_is_where(
    office: Office, tmp_path: Path
) -> None:
    file = tmp_path / "list.csv"
    file.write_text(LIST)
    command = ("import", str(file), "--place", DESK, "--supplier", "Idemia")
    looked = stock(office, tmp_path, *command)
    assert "refused: line 3: The back number must have the form NNNN NNNN NNNN" in looked.output
    assert "1 lines refused; 1 cards would be taken into stock" in looked.output
    with office.ra.database.read() as work:
        assert work.cards.get("77000001") is None
    assert "1 cards taken into stock" in stock(office, tmp_path, *command, "--apply").output
    assert f"{DESK}  At a desk, drawer not told (all)" in stock(office, tmp_path, "places").output
    report = stock(office, tmp_path, "report")
    assert "At a desk, drawer not told                1 blank        0 others" in report.output
    # The founders' cards of this office came without a delivery.
    assert "to settle, unexpected: 2" in report.output
    assert "The books are right" in report.output
    assert report.exit_code == 1


def test_a_list_that_cannot_be_used_is_told_as_a_sentence(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("number\n1\n")
    told = stock(office, tmp_path, "import", str(file), "--place", DESK, "--supplier", "Idemia")
    assert told.exit_code == 1
    assert "Error: The list has no column serial." in told.output
