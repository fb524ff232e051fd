"""What the pages of one card show: its state and history, and the form of a move."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.actor import Actor
from app.domain.card import MoveGiven
from app.domain.card_move import BY_VERB, CardMove, Place
from app.domain.card_status import CardStatus
from app.domain.json_value import JsonValue
from app.ra.moving_cards import CardLife
from app.ra.records import PersonReference
from app.web.presenters.cards import CardShown, card_shown, own_title
from app.web.presenters.states import card_tag
from app.web.presenters.wording import Cell, TableOf, grouped, moment_cell, sentence

_FOR_GOOD = (
    "The card stops working at once, everybody signed in with it is signed out, and its certificates are "
    "revoked."
)
_SUSPENDED = (
    "Nobody can sign in with the card until it is resumed, and whoever is signed in with it is signed out. "
    "Its certificates stay valid elsewhere: what is signed with the card can still be verified. If it may be "
    "in other hands, report it lost instead."
)
#: What the page says will happen: heading, and text.
_WARNINGS: dict[CardStatus, tuple[str, str]] = {
    CardStatus.SUSPENDED: ("This can be taken back", _SUSPENDED),
    CardStatus.ACTIVE: ("The card works again at once", "Make sure that the holder has it in hand."),
    CardStatus.CANCELLED: (
        "This cannot be taken back",
        f"{_FOR_GOOD} It can be cleared for somebody else, or destroyed.",
    ),
    CardStatus.RECYCLED: (
        "This cannot be taken back",
        "The certificates that are left are revoked now. At the desk the card is erased and shows that its "
        "keys are gone. Then it is blank stock and can be issued to anybody.",
    ),
    CardStatus.DESTROYED: (
        "Only when it has been done",
        "Record this after the card was destroyed before the eyes of both of you. It is on record for good.",
    ),
}
_GONE = ("This cannot be taken back", f"{_FOR_GOOD} If the card is found again it must be destroyed.")


@dataclass(frozen=True)
class CardPage:
    """One card: state, certificates, history, and links to the moves that are open."""

    heading: str
    card: CardShown
    history: TableOf

    @classmethod
    def of(cls, life: CardLife, base: str, actor: Actor) -> CardPage:
        """The page of a card as it stands, for whoever looks."""
        serial = life.record.card.serial
        history = tuple(_history_row(given, by) for given, by in life.moves)
        return cls(
            heading=f"Card {serial}, {life.holder.name}" if life.holder else f"Card {serial}",
            card=card_shown(life.record, base, life.offered, actor),
            history=TableOf(
                "What people did with this card",
                ("When", "What", "Why", "By", "Witness", "Note"),
                history,
                when_empty="Nothing since it was issued.",
            ),
        )


def _history_row(given: MoveGiven, by: PersonReference) -> tuple[Cell, ...]:
    reasons = BY_VERB[given.verb].reasons
    return (
        moment_cell(given.given_at),
        Cell(tag=card_tag(given.to_status)),
        Cell(reasons.get(given.reason, sentence(given.reason))),
        Cell(by.name),
        Cell(grouped(given.witness_uid) if given.witness_uid else ""),
        Cell(given.note),
    )


@dataclass(frozen=True)
class MovePage:
    """The form of one move."""

    heading: str
    serial: str
    holder: str
    warning_heading: str
    warning: str
    reasons: tuple[dict[str, str], ...]
    reasons_legend: str
    is_witnessed: bool
    takes_note: bool
    note_hint: str
    button: str
    action: str
    back: str

    @classmethod
    def of(cls, life: CardLife, move: CardMove, back: str) -> MovePage:
        """The form of a move that is open to whoever looks."""
        serial = life.record.card.serial
        heading, warning = _WARNINGS.get(move.to, _GONE)
        return cls(
            heading=_title(move, back),
            serial=serial,
            holder=life.holder.name if life.holder else "",
            warning_heading=heading,
            warning=warning,
            reasons=tuple({"value": value, "text": text} for value, text in move.reasons.items()),
            reasons_legend="How it was destroyed" if move.to is CardStatus.DESTROYED else "Why",
            is_witnessed=move.witnessed,
            takes_note=move.place is Place.PAGE,
            note_hint=_note_hint(move),
            button=_title(move, back),
            action=f"{back}/cards/{serial}/{move.verb}",
            back=back,
        )

    @staticmethod
    def told(serial: str, verb: str) -> str:
        """What is said after the move was given."""
        move = BY_VERB[verb]
        after = {
            CardStatus.SUSPENDED: "Nobody can sign in with it until it is resumed.",
            CardStatus.ACTIVE: "It works again.",
            CardStatus.DESTROYED: "This is on record.",
        }
        return f"Card {serial} is {move.to.value}. {after.get(move.to, 'It cannot be used any more.')}"


def _note_hint(move: CardMove) -> str:
    """Where the card was seen matters of one that may be in other hands, not of one that is handed in."""
    hint = "What a colleague should know"
    may_be_elsewhere = move.to in (CardStatus.LOST, CardStatus.STOLEN, CardStatus.SUSPENDED)
    return f"{hint}, for example when and where the card was last seen" if may_be_elsewhere else hint


def _title(move: CardMove, back: str) -> str:
    return own_title(move) if back == "/my" else move.title.replace("Report ", "Report this card ", 1)


def state_message(life: CardLife) -> dict[str, JsonValue]:
    """The card's state and open moves as JSON."""
    card = life.record.card
    return {
        "serial": card.serial,
        "status": card.status.value,
        "is_temporary": card.is_temporary,
        "usable_from": card.usable_from.isoformat() if card.usable_from else None,
        "moves": [_move_message(move) for move in life.offered],
    }


def _move_message(move: CardMove) -> dict[str, JsonValue]:
    return {
        "verb": move.verb,
        "to": move.to.value,
        "place": move.place.value,
        "reasons": list(move.reasons),
        "is_witnessed": move.witnessed,
        "certificates": move.certificates.value,
    }
