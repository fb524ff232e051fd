"""Cards grow old by themselves: expiring when they can be renewed, expired when their certificates ended.

The worker looks now and then. Nothing rests on it: what a card may do is decided by its certificates' dates
at every use, whatever the register says of the card's state by then.
"""

from __future__ import annotations

from datetime import datetime

from app.domain.actor import Actor
from app.domain.audit_event import AuditEvent
from app.domain.card import CardStatus
from app.domain.renewal import RenewalRules
from app.ra.ports import Database, Work

WORKER = Actor.system("worker")
_AT_ONCE = 200
_EVENTS = {CardStatus.EXPIRING: "card.expiring", CardStatus.EXPIRED: "card.expired"}


class Expiring:
    """Moves cards to the state that their certificates' end gives them."""

    def __init__(self, database: Database, rules: RenewalRules) -> None:
        self._database = database
        self._rules = rules

    def sweep(self) -> int:
        """Move every card whose time has come; returns how many moved."""
        moved = 0
        while some := self._sweep_some():
            moved += some
        return moved

    def _sweep_some(self) -> int:
        with self._database.change() as work:
            due = work.cards.growing_old(work.now + self._rules.opens_before, work.now, _AT_ONCE)
            return sum(self._grow_old(work, serial, ends_at) for serial, ends_at in due)

    def _grow_old(self, work: Work, serial: str, ends_at: datetime) -> bool:
        card = work.cards.get_to_change(serial)
        if card is None or not card.is_live:
            return False
        aged = self._rules.aged(card.status, ends_at, work.now)
        if aged is card.status:
            return False
        work.cards.move(card, aged)
        details = {"uid": card.holder_uid, "before": card.status.value, "ends_at": ends_at.isoformat()}
        work.audit.record(AuditEvent.by(WORKER, _EVENTS[aged], serial, details))
        return True
