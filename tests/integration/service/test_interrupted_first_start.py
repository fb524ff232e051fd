"""A first start that is killed again and again goes on, and ends as if nothing had happened."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.running_service import (
    MARK,
    Service,
    begin_start,
    processes_of_run,
    running_service,
    said_until,
    wait_until,
)

PORT_OFFSET = 3300
STEPS = (
    "Database tables",
    "Key ceremony",
    "OpenID signing keys",
    "Organisations",
    "National role tables",
    "Founding ceremony",
    "Accredited systems",
    "Delivering 12 blank cards",
    "Certificates of the accredited systems",
    "Directory, built",
    "Starting directory",
    "Starting status",
    "Starting card-agent",
    "Issuing Margaret",
    "Issuing Daniel",
)
# Inside the step that takes in the RA agent, and inside the issuing of each card.
# Each question stays true once it is: a moment that passes between two looks is not waited for in vain.
MOMENTS = {
    "a founder's card is being personalised": (
        "SELECT 1 FROM card_issuance WHERE status IN ('personalising', 'certified', 'active')"
    ),
    "a founder's card has its certificates": (
        "SELECT 1 FROM card_issuance WHERE status IN ('certified', 'active')"
    ),
    "the first position": "SELECT 1 FROM position WHERE name = 'RA agent'",
    "the RA agent is registered": "SELECT 1 FROM person WHERE family_name = 'Nair'",
    "the sponsor has asked": "SELECT 1 FROM access_request",
    "the RA manager has granted": "SELECT 1 FROM access_request WHERE status = 'granted'",
    "the agent's card is begun": "SELECT 1 FROM card_issuance WHERE operator_uid IS NOT NULL",
    "the agent's card has its certificates": (
        "SELECT 1 FROM card_issuance WHERE operator_uid IS NOT NULL AND status IN ('certified', 'active')"
    ),
}


def ask(folder: Path, question: str) -> list[tuple[object, ...]]:
    file = folder / "spine.db"
    if not file.exists():
        return []
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            return connection.execute(question).fetchall()
    except sqlite3.OperationalError as fault:
        if "no such table" not in str(fault):
            raise
        return []


def killed_when(folder: Path, is_time: Callable[[str], bool], mark: str) -> str:
    """Kill the supervisor with SIGKILL when a line is said; answers what was said until then."""
    process = begin_start(folder, PORT_OFFSET, environment={MARK: mark})
    try:
        return said_until(process, is_time)
    finally:
        process.kill()
        process.communicate()
        wait_until(lambda: not processes_of_run(mark), "the end of every child")


def killed_at(folder: Path, question: str, mark: str) -> bool:
    """Kill the supervisor when the database answers; False when the start was over before."""
    process = begin_start(folder, PORT_OFFSET, environment={MARK: mark})
    try:
        wait_until(lambda: ask(folder, question) or process.poll() is not None, question, 90)
        return process.poll() is None
    finally:
        process.kill()
        process.communicate()
        wait_until(lambda: not processes_of_run(mark), "the end of every child")


def require_complete(service: Service) -> None:
    """Three people, three cards, four positions with the founders' two more, nothing twice, nothing open."""
    people = ask(service.folder, "SELECT family_name FROM person ORDER BY uid")
    assert people == [("Whitcombe",), ("Okafor",), ("Nair",)]
    cards = ask(service.folder, "SELECT serial, holder_uid, status FROM card WHERE status <> 'stock'")
    assert sorted(cards) == sorted((h.card_serial, h.uid, "active") for h in service.people().values())
    places = ask(service.folder, "SELECT place_id, count(*) FROM stock_card GROUP BY 1 ORDER BY 2")
    assert [count for _, count in places] == [3, 9]
    assert places[0][0] == "holders"
    assert ask(service.folder, "SELECT count(*) FROM stock_finding") == [(0,)]
    assert ask(service.folder, "SELECT count(*) FROM position") == [(5,)]
    assert ask(service.folder, "SELECT status FROM access_request") == [("granted",)]
    assert ask(service.folder, "SELECT DISTINCT status FROM card_issuance") == [("active",)]
    assert ask(service.folder, "SELECT count(*) FROM card_issuance") == [(3,)]
    live = ask(service.folder, "SELECT count(*) FROM certificate WHERE status = 'active'")
    assert live == [(6,)]
    assert json.loads((service.folder / "service.json").read_text())["state"] == "complete"
    for command in (("audit", "verify"), ("directory", "compare"), ("stock", "report")):
        done = service.spine_ra(*command)
        assert done.returncode == 0, done


@pytest.mark.timeout(900)
def test_killed_after_each_step(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    for number, step in enumerate(STEPS):
        killed_when(folder, lambda line, step=step: f"✓ {step}" in line, f"step {number}")  # type: ignore[misc]
    with running_service(folder, PORT_OFFSET) as service:
        require_complete(service)


@pytest.mark.timeout(900)
def test_killed_in_the_middle_of_the_first_working_day(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    for number, (moment, question) in enumerate(MOMENTS.items()):
        was_killed = killed_at(folder, question, f"moment {number}")
        print(f"\nkilled when {moment}" if was_killed else f"\nwas too late for: {moment}")
    with running_service(folder, PORT_OFFSET) as service:
        require_complete(service)
