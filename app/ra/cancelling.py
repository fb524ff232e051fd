"""Ending a card: lost, stolen, or no longer wanted. It stops working at once and never works again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app.domain.actor import Actor
from app.domain.card import Card, CardStatus
from app.domain.permission import Permission
from app.errors import InvalidInput, NotFound, NotPermitted
from app.ra.ports import Database, Work
from app.ra.revoking import revoke_certificates

# Why a card is cancelled, and the state in which it ends.
_END_OF = {
    "left": CardStatus.CANCELLED,
    "replaced": CardStatus.CANCELLED,
    "name_changed": CardStatus.CANCELLED,
    "misused": CardStatus.CANCELLED,
    "damaged": CardStatus.DAMAGED,
    "faulty": CardStatus.FAULTY,
}


class Cancelling:
    """Reports cards lost or stolen, and cancels them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def report_lost(self, actor: Actor, card_serial: str, note: str) -> None:
        """The card is lost: its certificates are revoked and its holder's sessions end. The holder may, too.

        Raises:
            NotPermitted, NotFound, CardMoveNotAllowed
        """
        with self._ending(actor, "card.reported_lost", card_serial, note) as (work, card):
            _require_may_report(actor, card)
            _end(work, card, CardStatus.LOST, "lost")

    def report_stolen(self, actor: Actor, card_serial: str, note: str) -> None:
        """The card was stolen: as when it is lost.

        Raises:
            NotPermitted, NotFound, CardMoveNotAllowed
        """
        with self._ending(actor, "card.reported_stolen", card_serial, note) as (work, card):
            _require_may_report(actor, card)
            _end(work, card, CardStatus.STOLEN, "stolen")

    def cancel(self, actor: Actor, card_serial: str, reason: str, note: str) -> None:
        """Cancel a card that is still in hand; ``reason`` is one of ``left``, ``replaced``, ``name_changed``,
        ``misused``, ``damaged``, ``faulty``, or ``lost`` and ``stolen``, which report it so.

        Raises:
            NotPermitted, NotFound, InvalidInput, CardMoveNotAllowed
        """
        if reason == "lost":
            return self.report_lost(actor, card_serial, note)
        if reason == "stolen":
            return self.report_stolen(actor, card_serial, note)
        return self._cancel(actor, card_serial, reason, note)

    def _cancel(self, actor: Actor, card_serial: str, reason: str, note: str) -> None:
        with self._ending(actor, "card.cancelled", card_serial, note) as (work, card):
            actor.require(Permission.CANCEL_CARD)
            if reason not in _END_OF:
                raise InvalidInput({"reason": "Choose why the card is cancelled."})
            work.audit.details(reason_given=reason)
            _end(work, card, _END_OF[reason], reason)

    @contextmanager
    def _ending(self, actor: Actor, event: str, card_serial: str, note: str) -> Iterator[tuple[Work, Card]]:
        with self._database.audited(actor, event, card_serial, note=note.strip()[:500]) as work:
            card = work.cards.get_to_change(card_serial)
            if card is None or card.holder_uid is None:
                _require_may_know(actor)
                raise NotFound(f"No card {card_serial} was given to anybody.")
            work.audit.details(uid=card.holder_uid, before=card.status.value)
            yield work, card


def _require_may_know(actor: Actor) -> None:
    """Whether a card exists is told only to those who may end it."""
    if Permission.CANCEL_CARD not in actor.permissions:
        raise _not_yours()


def _require_may_report(actor: Actor, card: Card) -> None:
    if Permission.CANCEL_CARD not in actor.permissions and card.holder_uid != actor.uid:
        raise _not_yours()


def _not_yours() -> NotPermitted:
    return NotPermitted("You can report your own card only. Ask your Registration Authority about others.")


def _end(work: Work, card: Card, to: CardStatus, reason: str) -> None:
    """Card, certificates, sessions and announcements in one transaction; irreversible."""
    assert card.holder_uid is not None
    work.cards.end(card, to, work.now, reason)
    revoked = revoke_certificates(work, work.certificates.of_card(card.serial), reason)
    work.sessions.end_all(card.holder_uid, f"card_{reason}")
    work.outbox.add("directory.person", card.holder_uid)
    work.audit.details(certificates=revoked)
