"""How the cards of a person are shown, with their certificates."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.actor import Actor
from app.domain.card import Card, moves_offered
from app.domain.card_face import PRINTABLE
from app.domain.card_move import CardMove
from app.domain.certificate import CardCertificate, CertificateStatus
from app.domain.certificate_order import CertificatePurpose
from app.domain.permission import Permission
from app.domain.so_pin_release import may_export
from app.domain.unlocking import may_unlock
from app.ra.records import CardRecord
from app.web.presenters.provenance import provenance_words
from app.web.presenters.states import card_tag, certificate_tag
from app.web.presenters.wording import Cell, Row, TableOf, Tag, day, day_cell, moment, sentence

#: The field's word first, then what it is for.
_PURPOSES: dict[str, str] = {
    CertificatePurpose.AUTHENTICATION: "Authentication: for signing in",
    CertificatePurpose.CONTENT_COMMITMENT: "Content commitment: for signing, for example prescriptions",
}


@dataclass(frozen=True)
class CardAction:
    """A link to something that can be done with a card."""

    text: str
    href: str


@dataclass(frozen=True)
class CardShown:
    """One card, ready to be written."""

    serial: str
    href: str
    status: Tag
    rows: tuple[Row, ...]
    certificates: TableOf
    actions: tuple[CardAction, ...]


def cards_shown(cards: tuple[CardRecord, ...], base: str, actor: Actor) -> tuple[CardShown, ...]:
    """The cards, each with the moves that its life and the actor's rights allow now."""
    return tuple(card_shown(record, base, moves_offered(record.card, actor), actor) for record in cards)


def card_shown(record: CardRecord, base: str, offered: tuple[CardMove, ...], actor: Actor) -> CardShown:
    """One card. ``base`` is the person's page, or one's own, under which the pages of the moves lie."""
    is_own = base == "/my"
    return CardShown(
        serial=record.card.serial,
        href="" if is_own else f"{base}/cards/{record.card.serial}",
        status=card_tag(record.card.status),
        rows=_rows(record, is_own),
        certificates=_certificates_table(record),
        actions=(
            *_unlocking(record.card, f"{base}/cards/{record.card.serial}", actor),
            *_actions(f"{base}/cards/{record.card.serial}", offered, is_own),
            *_printing(record.card, f"{base}/cards/{record.card.serial}", actor),
            *_exporting(record.card, f"{base}/cards/{record.card.serial}", actor),
        ),
    )


def _unlocking(card: Card, base: str, actor: Actor) -> tuple[CardAction, ...]:
    """A card locks itself without telling us, so this is offered whether we know it to be locked or not."""
    return (CardAction("Unlock this card", f"{base}/unlock"),) if may_unlock(actor, card) else ()


def _exporting(card: Card, base: str, actor: Actor) -> tuple[CardAction, ...]:
    return (CardAction("Export its SO PIN", f"{base}/export-so-pin"),) if may_export(actor, card) else ()


def _rows(record: CardRecord, is_own: bool) -> tuple[Row, ...]:
    card = record.card
    good = (each.not_after for each in record.certificates if each.status is not CertificateStatus.REVOKED)
    works_until = min(good, default=None) if card.is_live else None
    rows = (
        Row("Kind", "Temporary access card" if card.is_temporary else ""),
        Row("Can be used from", day(card.usable_from)),
        Row("Works until", day(works_until.date()) if works_until else ""),
        Row("Issued", moment(card.activated_at)),
        Row("Ended", moment(card.ended_at)),
        Row("Why it ended", sentence(card.ended_reason or "")),
        Row("Card profile", "" if is_own else card.card_profile),
    )
    return tuple(row for row in rows if row.value)


def _certificates_table(record: CardRecord) -> TableOf:
    return TableOf(
        f"Certificates of card {record.card.serial}",
        ("Purpose", "Serial number", "Valid from", "Expires", "State", "Key made"),
        tuple(_certificate_row(certificate) for certificate in record.certificates),
        size="s",
    )


def _certificate_row(certificate: CardCertificate) -> tuple[Cell, ...]:
    return (
        Cell(_PURPOSES.get(certificate.purpose, sentence(certificate.purpose))),
        Cell(certificate.serial_number),
        day_cell(certificate.not_before.date()),
        day_cell(certificate.not_after.date()),
        Cell(tag=certificate_tag(certificate.status)),
        Cell(provenance_words(certificate.provenance)),
    )


def _printing(card: Card, base: str, actor: Actor) -> tuple[CardAction, ...]:
    is_ones_own = card.holder_uid == actor.uid
    if card.status not in PRINTABLE or is_ones_own or Permission.PRINT_CARD not in actor.permissions:
        return ()
    return (CardAction("Print this card", f"{base}/print"),)


def _actions(base: str, offered: tuple[CardMove, ...], is_own: bool) -> tuple[CardAction, ...]:
    return tuple(
        CardAction(own_title(move) if is_own else move.title, f"{base}/{move.verb}")
        for move in offered
        if move.holder_may or not is_own
    )


def own_title(move: CardMove) -> str:
    """The title of a move that the holder gives: ``Report my card lost``."""
    return move.title.replace("Report ", "Report my card ", 1)
