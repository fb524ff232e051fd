"""Moments of what a desk works off, at which everything is made to stand still.

A moment is a number: how far the system of record or the certificate authority's ledger has got.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from tests.support.killing import Gate, Missed, Processes, wait_until


class Recorded(IntEnum):
    """How far an issuance is in the system of record."""

    BEGUN = 0
    CLAIMED = 1
    PERSONALISING = 2
    KEYS_PRESENTED = 3
    CERTIFIED = 4
    ACTIVE = 5


class Signed(IntEnum):
    """How far an order is in the certificate authority's ledger."""

    NOTHING = 0
    INTENDED = 1
    SIGNED = 2
    AUDITED = 3


def recorded(connection: sqlite3.Connection, issuance_id: str) -> Recorded:
    """How far the issuance is."""
    status, job_token, csr = connection.execute(
        "SELECT status, job_token_hash, authentication_csr FROM card_issuance WHERE id = ?", [issuance_id]
    ).fetchone()
    if status == "begun":
        return Recorded.CLAIMED if job_token else Recorded.BEGUN
    if status == "personalising":
        return Recorded.KEYS_PRESENTED if csr else Recorded.PERSONALISING
    return Recorded[status.upper()]


def signed(connection: sqlite3.Connection, issuance_id: str) -> Signed:
    """How far the order is; an order has two certificates, which go step by step together."""
    rows = connection.execute(
        "SELECT der IS NOT NULL, audited_at IS NOT NULL FROM certificate WHERE order_id = ?", [issuance_id]
    ).fetchall()
    return min((Signed.INTENDED + is_signed + audited for is_signed, audited in rows), default=Signed.NOTHING)


class Watched(Protocol):
    """What a desk works off, as the system of record sees it.

    Attributes:
        order_id: by which the certificate authority's ledger knows it.
        certified: how far it is when its certificates are on record; one less, and they can be ordered.
    """

    @property
    def order_id(self) -> str: ...

    @property
    def certified(self) -> int: ...

    def how_far(self, connection: sqlite3.Connection) -> int:
        """Rises with each call of the desk that is on record."""

    def before(self, moment: int) -> int:
        """How far it is on record when the desk makes the call that records ``moment``."""


@dataclass(frozen=True)
class WatchedIssuance:
    """A card issuance, as far as ``Recorded`` says."""

    order_id: str
    certified: int = Recorded.CERTIFIED

    def how_far(self, connection: sqlite3.Connection) -> int:
        return recorded(connection, self.order_id)

    def before(self, moment: int) -> int:
        return Recorded.PERSONALISING if moment == Recorded.CERTIFIED else moment - 1


@dataclass(frozen=True)
class WatchedJob:
    """A card job: how many of ``steps`` are done, named as its calls are recorded and in their order."""

    order_id: str
    steps: tuple[str, ...]
    certified: int = 0

    def how_far(self, connection: sqlite3.Connection) -> int:
        (told,) = connection.execute("SELECT steps FROM card_job WHERE id = ?", [self.order_id]).fetchone()
        done = {step["name"] for step in json.loads(told) if step["outcome"] == "done"}
        return max((number for number, name in enumerate(self.steps, 1) if name in done), default=0)

    def before(self, moment: int) -> int:
        return moment - 1


@dataclass
class Gates:
    """The gates of both databases, and the moments of one thing at the desk at which they are closed."""

    processes: Processes
    watched: Watched

    def __post_init__(self) -> None:
        folder = self.processes.layout.folder
        self._record, self._ledger = Gate(folder / "spine.db"), Gate(folder / "ca" / "ca.db")
        self._calls_before = self.processes.calls_of_the_desk()
        self._watching = sqlite3.connect(f"file:{folder / 'ca' / 'ca.db'}?mode=ro", uri=True)

    def at(self, moment: int) -> None:
        """Stand still as soon as this is on record: nothing after it can be recorded."""
        self._record.close_when(lambda connection: self._has_come(connection, moment))

    def before(self, moment: int) -> None:
        """Stand still when the desk has made the call that would record this, and it is not recorded."""
        seen = self._calls_before

        def reached(connection: sqlite3.Connection) -> bool:
            nonlocal seen
            calls = self.processes.calls_of_the_desk()
            if self._has_come(connection, self.watched.before(moment)):
                return True
            seen = calls
            return False

        self._record.close_when(reached)
        wait_until(lambda: self.processes.calls_of_the_desk() > seen, f"the desk calls for {moment}")

    def when_ordered(self, moment: Signed) -> None:
        """Stand still at a moment of the certificate authority's own."""
        if moment is Signed.INTENDED:
            self._ledger.close_when(lambda connection: self._is_ordered(connection, moment))
        elif moment is Signed.SIGNED:
            # The web program records the certificates next, and the authority audits them: they cannot.
            self._record.close_when(self._is_with_the_authority)
            wait_until(lambda: signed(self._watching, self.watched.order_id) >= moment, "it is signed")
        else:
            # The audit events are written next, and that they are in the ledger, which it cannot.
            self._ledger.close_when(lambda connection: self._is_ordered(connection, Signed.SIGNED))
            wait_until(self._is_audited, "it is audited")

    def open(self) -> None:
        """Let everything go on."""
        for gate in (self._record, self._ledger):
            gate.open()

    def leave(self) -> None:
        """Let everything go on, for good."""
        for gate in (self._record, self._ledger):
            gate.leave()
        self._watching.close()

    def _has_come(self, connection: sqlite3.Connection, moment: int) -> bool:
        return _has_come(self.watched.how_far(connection), moment)

    def _is_ordered(self, connection: sqlite3.Connection, moment: Signed) -> bool:
        return _has_come(signed(connection, self.watched.order_id), moment)

    def _is_with_the_authority(self, connection: sqlite3.Connection) -> bool:
        if self.watched.how_far(connection) >= self.watched.certified:
            raise Missed
        return signed(self._watching, self.watched.order_id) >= Signed.INTENDED

    def _is_audited(self) -> bool:
        chosen = (
            "SELECT count(*) FROM audit_event WHERE event = 'certificate.issued' AND outcome = 'allowed'"
            " AND json_extract(details, '$.order') = ?"
        )
        return bool(self._record.seen(chosen, self.watched.order_id)[0])


def _has_come(now: int, moment: int) -> bool:
    if now > moment:
        raise Missed
    return now == moment
