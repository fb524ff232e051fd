"""The moves of a card's life that people give on a page: suspend, resume, report, cancel, destroy.

Which there are, from where, by whom and with which reasons is the table in ``app/domain/card_move.py``; here
each becomes one transaction: card, certificates, sessions, announcements, the kept move and its audit event.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.actor import Actor
from app.domain.card import Card, CardStatus, MoveGiven, moves_offered, require_may_give, require_move
from app.domain.card_move import BY_VERB, CardMove, CertificateEffect, Place
from app.domain.card_status import LIVE
from app.domain.permission import Permission
from app.errors import InvalidInput, NotFound, NotPermitted
from app.ra.ports import Database, Work
from app.ra.records import CardRecord, PersonReference
from app.ra.revoking import revoke_certificates
from app.ra.summaries import Names, card_records

_LONGEST_NOTE = 500


@dataclass(frozen=True)
class MoveAsked:
    """What somebody answers to a move's questions: its reason, the witness' user id, a note."""

    reason: str = ""
    witness_uid: str = ""
    note: str = ""


@dataclass(frozen=True)
class CardLife:
    """A card, what people did with it, oldest first, and what this actor may do now."""

    record: CardRecord
    holder: PersonReference | None
    moves: tuple[tuple[MoveGiven, PersonReference], ...]
    offered: tuple[CardMove, ...]


class MovingCards:
    """Moves cards through their life, as the table of moves allows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def life(self, actor: Actor, card_serial: str) -> CardLife:
        """The card's state, its history, and the moves that are open to this actor.

        Raises:
            NotPermitted, NotFound
        """
        with self._database.read() as work:
            card = work.cards.get(card_serial)
            if card is None or card.holder_uid != actor.uid:
                actor.require(Permission.CANCEL_CARD)
            if card is None:
                raise _unknown(card_serial)
            return _life(work, card, actor)

    def offered(self, actor: Actor, card_serial: str, verb: str) -> tuple[CardLife, CardMove]:
        """The move of this verb, when this actor may give it to this card now; refuses as ``give`` does.

        Raises:
            NotPermitted, NotFound, CardMoveNotAllowed
        """
        move = _offered_move(verb)
        life = self.life(actor, card_serial)
        card = life.record.card
        require_may_give(actor, move, card.holder_uid)
        require_move(card, move)
        return life, move

    def give(self, actor: Actor, card_serial: str, verb: str, asked: MoveAsked) -> None:
        """Give a card the move of this verb; what was ended stays ended.

        Raises:
            NotPermitted, NotFound, InvalidInput, CardMoveNotAllowed
        """
        move = _page_move(verb)
        note = asked.note.strip()[:_LONGEST_NOTE]
        with self._database.audited(actor, move.event, card_serial, note=note) as work:
            card = work.cards.get_to_change(card_serial)
            if card is None:
                raise _not_told(actor, card_serial)
            work.audit.details(uid=card.holder_uid or "", before=card.status.value)
            require_may_give(actor, move, card.holder_uid)
            require_move(card, move)
            _require_answers(work, actor, move, asked)
            carry_out(work, actor, card, move, asked)


def carry_out(work: Work, actor: Actor, card: Card, move: CardMove, asked: MoveAsked) -> None:
    """Move the card and all that hangs on it, within a transaction in which it was checked."""
    _move(work, card, move, asked.reason)
    revoked: list[str] = []
    if move.certificates is CertificateEffect.REVOKED:
        certificates = work.certificates.of_card(card.serial)
        revoked = revoke_certificates(work, certificates, _why_revoked(move, asked.reason))
    if card.holder_uid is not None and card.status in LIVE:
        if move.to not in LIVE or move.certificates is CertificateEffect.REFUSED:
            work.sessions.end_all(card.holder_uid, f"card_{move.to.value}")
        work.outbox.add("directory.person", card.holder_uid)
    work.cards.keep_move(_given(work, actor, card, move, asked))
    work.audit.details(certificates=revoked, reason_given=asked.reason, witness=asked.witness_uid)


def _move(work: Work, card: Card, move: CardMove, reason: str) -> None:
    is_an_end = move.certificates is CertificateEffect.REVOKED and card.ended_at is None
    if is_an_end and card.holder_uid is not None and move.place is Place.PAGE:
        work.cards.end(card, move.to, work.now, _why_ended(move, reason))
    else:
        work.cards.move(card, move.to)


def _why_ended(move: CardMove, reason: str) -> str:
    """A cancelled card ends for its reason; the others' state is the reason already: lost, damaged."""
    return reason if move.to is CardStatus.CANCELLED else move.to.value


def _why_revoked(move: CardMove, reason: str) -> str:
    return "cleared" if move.to is CardStatus.RECYCLED else _why_ended(move, reason)


def _given(work: Work, actor: Actor, card: Card, move: CardMove, asked: MoveAsked) -> MoveGiven:
    return MoveGiven(
        card_serial=card.serial,
        verb=move.verb,
        from_status=card.status,
        to_status=move.to,
        holder_uid=card.holder_uid,
        given_by=actor.uid,
        given_at=work.now,
        reason=asked.reason,
        witness_uid=asked.witness_uid or None,
        note=asked.note.strip()[:_LONGEST_NOTE],
    )


def _offered_move(verb: str) -> CardMove:
    move = BY_VERB.get(verb)
    if move is None or not move.title:
        raise NotFound("There is no such thing to do with a card.")
    return move


def _page_move(verb: str) -> CardMove:
    move = _offered_move(verb)
    if move.place is not Place.PAGE:
        raise NotFound("This is done at a desk, with the card in a reader.")
    return move


def _require_answers(work: Work, actor: Actor, move: CardMove, asked: MoveAsked) -> None:
    problems = {}
    if move.reasons and asked.reason not in move.reasons:
        problems["reason"] = "Choose one of the reasons."
    if move.witnessed:
        problems |= _witness_problem(work, actor, asked.witness_uid)
    if problems:
        raise InvalidInput(problems)


def _witness_problem(work: Work, actor: Actor, witness_uid: str) -> dict[str, str]:
    if witness_uid == actor.uid:
        return {"witness": "The witness must be somebody else than you."}
    if not witness_uid or work.people.get(witness_uid) is None:
        return {"witness": "Enter the user id (UUID) of the person who saw it."}
    return {}


def _life(work: Work, card: Card, actor: Actor) -> CardLife:
    given = work.cards.moves_of(card.serial)
    names = Names(work, [card.holder_uid, *(each.given_by for each in given)])
    return CardLife(
        record=card_records(work, [card])[0],
        holder=names.person(card.holder_uid) if card.holder_uid else None,
        moves=tuple((each, names.person(each.given_by)) for each in given),
        offered=moves_offered(card, actor),
    )


def _unknown(card_serial: str) -> NotFound:
    return NotFound(f"There is no card {card_serial}.")


def _not_told(actor: Actor, card_serial: str) -> NotFound | NotPermitted:
    """Whether a card exists is told only to those who may end it."""
    if Permission.CANCEL_CARD in actor.permissions:
        return _unknown(card_serial)
    return NotPermitted("You can report your own card only. Ask your Registration Authority about others.")
