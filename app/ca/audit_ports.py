"""Where the certificate authority's events are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from app.domain.audit_event import AuditEvent


class AuditRecord(Protocol):
    """The audit record of the whole service. If it cannot be written, ``Unavailable`` is raised."""

    def happened(self, events: Sequence[AuditEvent], may_be_written: bool = True) -> None:
        """Write those events that are not written yet, all or none.

        An event is written already when one with its name, subject and details is: so each call may be
        repeated after a crash, and one thing that happened stays one event. Whoever knows that none of them
        is (``may_be_written`` false) spares looking for them.
        """

    def refused(self, event: AuditEvent) -> None:
        """Write that something was refused; each time counts."""
