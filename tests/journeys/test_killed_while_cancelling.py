"""Killed at any step, the end of a card goes on by itself, on everything that ./run starts.

The steps of an end: the operator asks; the move, its audit event and the announcements are recorded in one
transaction; the worker tells the certificate authority, which writes its audit event, revokes, and publishes
the CRL. Before the record there is nothing; after it, nothing can keep the revocation from being told.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx
import pytest

from app.service.visitor import NotDone, Visitor
from card_agent.driver import DriverRefused
from tests.support.afterwards import require_audit_verifies
from tests.support.killing import TRIES, Gate, Missed, Processes
from tests.support.office import Office
from tests.support.running_service import wait_until

# How a card ends, what its page asks, and what the card is then.
ENDS = {
    "report-lost": ({}, "lost"),
    "cancel": ({"reason": "misused"}, "cancelled"),
    "report-stolen": ({}, "stolen"),
    "report-faulty": ({"reason": "other_fault"}, "faulty"),
    "report-damaged": ({"reason": "chip_damaged"}, "damaged"),
}
KILLED = [
    ("web", "asked"),
    ("web", "recorded"),
    ("worker", "recorded"),
    ("directory", "recorded"),
    ("ca", "recorded"),
    ("worker", "audited"),
    ("ca", "audited"),
    ("worker", "revoked"),
    ("ca", "revoked"),
    ("worker", "published"),
    ("directory", "published"),
    ("status", "published"),
]


@pytest.fixture(scope="module")
def priya(office: Office) -> Iterator[Visitor]:
    """The RA agent's browser, signed in once: her session outlives every kill."""
    with office.desk() as desk, Visitor(office.layout, desk) as visitor:
        visitor.sign_in(office.priya.card_serial, office.priya.pin)
        yield visitor


@dataclass
class Ending:
    """Somebody's working card, the page on which it ends, and what the operator saw."""

    office: Office
    priya: Visitor
    verb: str
    uid: str = ""
    card: str = ""
    seen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.uid = self.office.register()
        self.card = self.office.issue_whole(self.uid)

    def ask(self) -> None:
        """Send the page's form; a web program that is killed meanwhile is what the operator sees."""
        page = f"/people/{self.uid}/cards/{self.card}/{self.verb}"
        try:
            self.priya.send(page, ENDS[self.verb][0])
            self.seen.append("done")
        except (httpx.TransportError, NotDone) as seen:
            self.seen.append(type(seen).__name__)

    def ask_in_background(self) -> threading.Thread:
        thread = threading.Thread(target=self.ask, daemon=True)
        thread.start()
        return thread

    @property
    def status(self) -> str:
        with self.office.database.read() as work:
            card = work.cards.get(self.card)
        assert card is not None
        return card.status.value


class Moments:
    """Makes everything stand still at one moment of a card's end."""

    def __init__(self, processes: Processes, ending: Ending) -> None:
        folder = processes.layout.folder
        self._processes, self._ending = processes, ending
        self._record, self._ledger = Gate(folder / "spine.db"), Gate(folder / "ca" / "ca.db")
        self._record_seen, self._ledger_seen = (
            _reading(folder / "spine.db"),
            _reading(folder / "ca" / "ca.db"),
        )

    def stand_still(self, moment: str) -> None:
        """Begin the end, and return when it has come to the moment."""
        if moment == "asked":
            return self._asked()
        if moment == "audited":
            return self._when_audited()
        self._ending.ask_in_background()
        come: dict[str, Callable[[], bool]] = {
            "recorded": lambda: self._ending.status != "active",
            "revoked": lambda: self._revoked() and not self._published(),
            "published": lambda: self._published() and self._waiting() > 0,
        }
        return self._record.close_when(lambda _: self._come_or_missed(come[moment]))

    def leave(self) -> None:
        """Let everything go on."""
        for each in (self._record, self._ledger):
            each.leave()
        for reading in (self._record_seen, self._ledger_seen):
            reading.close()

    def _asked(self) -> None:
        self._record.close_when(lambda _: True)
        before = self._processes.calls_to_web()
        self._ending.ask_in_background()
        wait_until(lambda: self._processes.calls_to_web() - before or self._ending.seen, "the page is sent")

    def _when_audited(self) -> None:
        """The authority writes its audit event and then its own ledger, which it cannot."""
        wait_until(self._nothing_waits, "that the card was issued is audited, which comes before")
        self._ledger.close_when(lambda _: True)
        self._ending.ask_in_background()
        wait_until(self._audited, "the revocation is audited")

    def _come_or_missed(self, has_come: Callable[[], bool]) -> bool:
        if has_come():
            return True
        if self._ending.seen and self._published() and not self._waiting():
            raise Missed
        return False

    def _numbers(self) -> list[str]:
        chosen = "SELECT serial_number FROM certificate WHERE card_serial = ?"
        return [row[0] for row in self._record_seen.execute(chosen, [self._ending.card])]

    def _nothing_waits(self) -> bool:
        chosen = "SELECT count(*) FROM certificate WHERE der IS NOT NULL AND audited_at IS NULL"
        return not self._ledger_seen.execute(chosen).fetchone()[0]

    def _audited(self) -> bool:
        chosen = (
            "SELECT count(*) FROM audit_event WHERE event = 'certificate.revoked' AND outcome = 'allowed'"
            " AND json_extract(details, '$.serial_number') = ?"
        )
        return any(self._record_seen.execute(chosen, [each]).fetchone()[0] for each in self._numbers())

    def _revoked(self) -> bool:
        chosen = "SELECT count(*) FROM revocation WHERE serial_number = ?"
        return any(self._ledger_seen.execute(chosen, [each]).fetchone()[0] for each in self._numbers())

    def _published(self) -> bool:
        chosen = "SELECT count(crl_number) FROM revocation WHERE serial_number = ?"
        return any(self._ledger_seen.execute(chosen, [each]).fetchone()[0] for each in self._numbers())

    def _waiting(self) -> int:
        chosen = "SELECT count(*) FROM outbox WHERE topic = 'ca.revoke' AND published_at IS NULL"
        return int(self._record_seen.execute(chosen).fetchone()[0])


def _reading(file) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{file}?mode=ro", uri=True, check_same_thread=False)


def revocations_told(office: Office, uid: str) -> list[str]:
    """The serial numbers of the revocations in the audit."""
    numbers = [each.serial_number for each in office.certificates(uid)]
    connection = _reading(office.layout.folder / "spine.db")
    try:
        chosen = (
            "SELECT json_extract(details, '$.serial_number') FROM audit_event"
            " WHERE event = 'certificate.revoked' AND outcome = 'allowed'"
        )
        told = [row[0] for row in connection.execute(chosen)]
    finally:
        connection.close()
    return [number for number in told if number in numbers]


def killed_at(
    office: Office, priya: Visitor, processes: Processes, verb: str, program: str, moment: str
) -> Ending:
    """End somebody's card and kill the program at the moment; one that was missed is tried with another's."""
    for _ in range(TRIES):
        ending = Ending(office, priya, verb)
        moments = Moments(processes, ending)
        try:
            moments.stand_still(moment)
            processes.kill(program)
            return ending
        except Missed:
            office.throw_away(ending.card)
        finally:
            moments.leave()
    raise AssertionError(f"the moment {moment} was missed again and again")


@pytest.mark.parametrize("verb", ENDS)
@pytest.mark.parametrize(("program", "moment"), KILLED)
def test_killed_and_ended(
    program: str, moment: str, verb: str, office: Office, priya: Visitor, processes: Processes
) -> None:
    ending = killed_at(office, priya, processes, verb, program, moment)
    processes.wait_until_back(program)
    wait_until(lambda: ending.seen, "the operator's page answers")
    if ending.status == "active":
        ending.ask()
    assert ending.status == ENDS[verb][1]
    office.require_nothing_live(ending.uid)
    with pytest.raises((NotDone, DriverRefused)):
        office.sign_in(ending.card)
    numbers = [each.serial_number for each in office.certificates(ending.uid)]
    assert sorted(revocations_told(office, ending.uid)) == sorted(numbers)
    office.throw_away(ending.card)


def test_afterwards_the_audit_verifies(office: Office) -> None:
    require_audit_verifies(office)
