"""Every move of a card's life, as data: from this table follow pages, API, database triggers and the picture.

A move has a verb, says from which states it goes and to which, who may give it and where, the reasons it
takes, and what it does to the card's certificates. ``app/storage/tables/card_life.py`` makes the database's
triggers of it, ``app/web/card_views.py`` the pages, ``python -m app.card_life_picture`` the diagram.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from app.domain.card_status import BLANK, LIVE, CardStatus
from app.domain.permission import Permission

S = CardStatus


class Place(StrEnum):
    """Where a move is given."""

    PAGE = "page"
    """A person decides it on a page; nothing happens on the card."""
    DESK = "desk"
    """Worked at a desk, with the card in the reader."""
    ISSUANCE = "issuance"
    """A step of a card issuance."""
    CLOCK = "clock"
    """Given by the worker when the time has come."""


class CertificateEffect(StrEnum):
    """What a move does to the certificates of the card."""

    NONE = "none"
    ISSUED = "issued"
    REFUSED = "refused at sign-in while it lasts; CRL and OCSP stay as they are"
    ACCEPTED = "accepted at sign-in again"
    EXPIRED = "run out by themselves"
    REVOKED = "revoked for good, in CRL and OCSP"


Effect = CertificateEffect


@dataclass(frozen=True)
class CardMove:
    """One move.

    Attributes:
        verb: its stable name; also the last part of the page's address.
        title: what the page's link and heading say.
        event: the audit event of a move that is given on a page.
        permission: what the actor's role must carry; None for moves that no person gives by itself.
        holder_may: the holder may give it, too. Everybody else's move is never for one's own card.
        reasons: the reasons it takes, with what the page says; without any, none is asked for.
        witnessed: a second person has to be named who saw it.
    """

    verb: str
    sources: frozenset[CardStatus]
    to: CardStatus
    place: Place
    title: str = ""
    event: str = ""
    permission: Permission | None = None
    holder_may: bool = False
    reasons: Mapping[str, str] = field(default_factory=dict)
    certificates: CertificateEffect = CertificateEffect.NONE
    witnessed: bool = False


_HAS_CERTIFICATES = LIVE | {S.EXPIRED}
_OUT_OF_USE = frozenset({S.EXPIRED, S.CANCELLED, S.LOST, S.STOLEN, S.DAMAGED, S.FAULTY})


def _step(
    place: Place,
    verb: str,
    *sources: CardStatus,
    to: CardStatus,
    certificates: CertificateEffect = CertificateEffect.NONE,
) -> CardMove:
    """A move that comes with something else: a step of an issuance, or the time."""
    permission = Permission.ISSUE_CARD if place is Place.ISSUANCE else None
    return CardMove(verb, frozenset(sources), to, place, permission=permission, certificates=certificates)


def _ending(
    verb: str,
    to: CardStatus,
    title: str,
    event: str,
    reasons: Mapping[str, str],
    *,
    sources: frozenset[CardStatus] = _HAS_CERTIFICATES,
    holder_may: bool = False,
) -> CardMove:
    return CardMove(
        verb=verb,
        sources=sources,
        to=to,
        place=Place.PAGE,
        title=title,
        event=event,
        permission=Permission.CANCEL_CARD,
        holder_may=holder_may,
        reasons=reasons,
        certificates=Effect.REVOKED,
    )


_ISSUING = (
    _step(Place.ISSUANCE, "assign", *BLANK, to=S.ASSIGNED),
    _step(Place.ISSUANCE, "personalise", S.ASSIGNED, to=S.PERSONALISED, certificates=Effect.ISSUED),
    _step(Place.ISSUANCE, "activate", S.PERSONALISED, to=S.ACTIVE, certificates=Effect.ACCEPTED),
    _step(Place.ISSUANCE, "issue-locked", S.PERSONALISED, to=S.LOCKED),
    _step(
        Place.ISSUANCE,
        "undo",
        S.ASSIGNED,
        S.PERSONALISED,
        to=S.CANCELLED,
        certificates=Effect.REVOKED,
    ),
)

_AT_THE_DESK = (
    CardMove(
        "lock",
        frozenset({S.ACTIVE, S.EXPIRING}),
        S.LOCKED,
        Place.DESK,
        permission=Permission.UNLOCK_CARD,
        certificates=Effect.REFUSED,
    ),
    CardMove(
        "unlock",
        frozenset({S.LOCKED}),
        S.ACTIVE,
        Place.DESK,
        permission=Permission.UNLOCK_CARD,
        certificates=Effect.ACCEPTED,
    ),
    CardMove(
        "renew",
        frozenset({S.EXPIRING, S.EXPIRED}),
        S.ACTIVE,
        Place.DESK,
        permission=Permission.RENEW_CARD,
        holder_may=True,
        certificates=Effect.ISSUED,
    ),
    CardMove(
        "clear",
        frozenset({S.CANCELLED, S.EXPIRED}),
        S.RECYCLED,
        Place.DESK,
        title="Clear this card for reuse",
        event="card.cleared",
        permission=Permission.CANCEL_CARD,
        certificates=Effect.REVOKED,
    ),
)

_BY_THE_CLOCK = (
    _step(Place.CLOCK, "begin-to-expire", S.ACTIVE, to=S.EXPIRING),
    _step(
        Place.CLOCK,
        "expire",
        S.ACTIVE,
        S.LOCKED,
        S.SUSPENDED,
        S.EXPIRING,
        to=S.EXPIRED,
        certificates=Effect.EXPIRED,
    ),
)

_ON_A_PAGE = (
    CardMove(
        verb="suspend",
        sources=frozenset({S.ACTIVE, S.EXPIRING}),
        to=S.SUSPENDED,
        place=Place.PAGE,
        title="Suspend this card",
        event="card.suspended",
        permission=Permission.CANCEL_CARD,
        reasons={
            "mislaid": "It is mislaid in a place where nobody else can use it",
            "away": "The holder is away for some time",
            "inquiry": "Its use is being looked into",
        },
        certificates=Effect.REFUSED,
    ),
    CardMove(
        verb="resume",
        sources=frozenset({S.SUSPENDED}),
        to=S.ACTIVE,
        place=Place.PAGE,
        title="Resume this card",
        event="card.resumed",
        permission=Permission.CANCEL_CARD,
        reasons={
            "found": "The holder has it in hand again",
            "returned": "The holder is back",
            "cleared": "The inquiry found nothing against it",
        },
        certificates=Effect.ACCEPTED,
    ),
    _ending(
        "report-lost",
        S.LOST,
        "Report lost",
        "card.reported_lost",
        {},
        holder_may=True,
    ),
    _ending(
        "report-stolen",
        S.STOLEN,
        "Report stolen",
        "card.reported_stolen",
        {},
        holder_may=True,
    ),
    _ending(
        "report-damaged",
        S.DAMAGED,
        "Report damaged",
        "card.reported_damaged",
        {
            "broken": "It is broken or bent",
            "chip_damaged": "Its chip or contacts are damaged",
            "print_damaged": "Its photo or print cannot be read any more",
        },
        sources=_HAS_CERTIFICATES | BLANK,
        holder_may=True,
    ),
    _ending(
        "report-faulty",
        S.FAULTY,
        "Report faulty",
        "card.reported_faulty",
        {
            "not_read": "No reader finds it",
            "rejects_pin": "It does not take the right PIN, and unlocking does not help",
            "other_fault": "It fails in another way",
        },
        sources=_HAS_CERTIFICATES | BLANK,
        holder_may=True,
    ),
    _ending(
        "cancel",
        S.CANCELLED,
        "Cancel this card",
        "card.cancelled",
        {
            "left": "The holder has left health and care work",
            "name_changed": "The holder's name has changed",
            "replaced": "The holder gets another card",
            "misused": "The card was misused",
        },
    ),
    CardMove(
        verb="destroy",
        sources=BLANK | _OUT_OF_USE,
        to=S.DESTROYED,
        place=Place.PAGE,
        title="Record that it was destroyed",
        event="card.destroyed",
        permission=Permission.CANCEL_CARD,
        reasons={
            "cut": "Cut through the chip",
            "punched": "Punched through the chip",
            "shredded": "Shredded",
        },
        certificates=Effect.REVOKED,
        witnessed=True,
    ),
)

MOVES: tuple[CardMove, ...] = (*_ISSUING, *_AT_THE_DESK, *_BY_THE_CLOCK, *_ON_A_PAGE)
BY_VERB: Mapping[str, CardMove] = {move.verb: move for move in MOVES}


def steps() -> Iterator[tuple[CardStatus, CardStatus]]:
    """Every pair of states of which the second may follow the first, each once, in the order of the table."""
    pairs = ((source, move.to) for move in MOVES for source in CardStatus if source in move.sources)
    yield from dict.fromkeys(pairs)


LEGAL_MOVES: Mapping[CardStatus, frozenset[CardStatus]] = {
    source: frozenset(to for start, to in steps() if start is source) for source in CardStatus
}
