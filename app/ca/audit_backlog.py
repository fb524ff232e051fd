"""The audit of what was signed, written behind it: the waiting orders together, within about a second.

What waits stands in our own ledger, so that a crash loses nothing of it and nothing is told twice. Nobody can
use the wait to have more signed unaudited: once the audit could not be written, or is not written for
``IN_STEP_SECONDS``, nothing is signed before all that waits is written.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from app.ca.audit_ports import AuditRecord
from app.ca.ports import CertificateLedger, SignedOrder
from app.ca.receipts import kept_event
from app.ca.wanted import issued_event
from app.domain.audit_event import AuditEvent
from app.errors import Unavailable

IN_STEP_SECONDS = 5
"""An order does not begin while an older one waits longer to be audited."""
ALARM_SECONDS = 60
"""The authority calls itself unwell when something waits longer."""
_TURN_SECONDS = 15

_log = logging.getLogger(__name__)


class AuditBacklog:
    """What is signed and not audited."""

    def __init__(self, ledger: CertificateLedger, audit: AuditRecord) -> None:
        self._ledger = ledger
        self._audit = audit
        self._turn = threading.Lock()
        self._noting = threading.Lock()
        self._waiting_since: float | None = None
        self._carrying_since: float | None = None
        self._has_failed = False
        # Whether a former writing, of a former process perhaps, may have ended between audit and ledger.
        self._may_be_written = True

    def note(self) -> None:
        """Something was signed."""
        with self._noting:
            if self._waiting_since is None:
                self._waiting_since = time.monotonic()

    def seconds(self) -> float:
        """How long the oldest has waited; 0 when nothing waits."""
        with self._noting:
            times = [each for each in (self._carrying_since, self._waiting_since) if each is not None]
        return time.monotonic() - min(times) if times else 0.0

    def require_in_step(self) -> None:
        """Return when something may be signed: at once, or when what hinders it is written.

        Raises:
            Unavailable: the audit cannot be written.
        """
        if self._has_failed or self.seconds() > IN_STEP_SECONDS:
            self.write()

    def require_well(self) -> None:
        """Raises Unavailable while something has waited so long that somebody must look."""
        seconds = self.seconds()
        if seconds > ALARM_SECONDS:
            raise Unavailable(
                "audit",
                f"Certificates have waited {seconds:.0f} seconds for their audit events. No card is issued. "
                "See that the database can be written; the events are then written by themselves.",
            )

    def write_waiting(self) -> None:
        """Write, unless this process knows of nothing that waits or is being written. Raises Unavailable."""
        if self.seconds() > 0:
            self.write()

    @contextmanager
    def carried_every(self, seconds: float) -> Iterator[None]:
        """Have a thread write what waits, so often, as long as the block lasts; and write at its end."""
        ends = threading.Event()

        def carry() -> None:
            while not ends.wait(seconds):
                self._write_or_tell()

        thread = threading.Thread(target=carry, name="auditing", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ends.set()
            thread.join()
            self._write_or_tell()

    def _write_or_tell(self) -> None:
        """What cannot be written now waits on, and is written at the next start at last."""
        try:
            self.write_waiting()
        except Exception as fault:
            trace = None if isinstance(fault, Unavailable) else fault
            _log.error("what is signed waits %.0f s to be audited: %s", self.seconds(), fault, exc_info=trace)

    def write(self) -> None:
        """Write the events of all that is signed and not audited, in the ledger's order.

        Raises:
            Unavailable: they wait on.
        """
        with self._in_turn(), self._carrying():
            if orders := self._ledger.signed_unaudited():
                self._write(orders)

    def _write(self, orders: Sequence[SignedOrder]) -> None:
        may_be_written, self._may_be_written = self._may_be_written, True
        self._audit.happened([each for order in orders for each in _events(order)], may_be_written)
        self._ledger.mark_audited([each.serial_number for order in orders for each in order.certificates])
        self._may_be_written = False

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        if not self._turn.acquire(timeout=_TURN_SECONDS):
            raise Unavailable("audit", "The audit cannot be written just now. Try again in a few minutes.")
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def _carrying(self) -> Iterator[None]:
        """What is noted meanwhile waits for the next time; what cannot be written waits on."""
        with self._noting:
            self._carrying_since, self._waiting_since = self._waiting_since, None
        try:
            yield
        except BaseException:
            with self._noting:
                self._has_failed = True
                self._waiting_since = self._carrying_since or self._waiting_since or time.monotonic()
                self._carrying_since = None
            raise
        with self._noting:
            self._has_failed, self._carrying_since = False, None


def _events(order: SignedOrder) -> list[AuditEvent]:
    order_id = order.certificates[0].order_id
    issued = [issued_event(each) for each in order.certificates]
    return [*issued, kept_event(order_id, order.receipt_sha256)]
