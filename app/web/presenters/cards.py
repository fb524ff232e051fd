"""How the cards of a person are shown, with their certificates."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.card import Card
from app.domain.certificate import CardCertificate
from app.domain.certificate_order import CertificatePurpose
from app.ra.records import CardRecord
from app.web.presenters.states import card_tag, certificate_tag
from app.web.presenters.wording import Cell, Row, TableOf, Tag, day, moment, sentence

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
    status: Tag
    rows: tuple[Row, ...]
    certificates: TableOf
    actions: tuple[CardAction, ...]


def cards_shown(
    cards: tuple[CardRecord, ...], base: str, *, may_cancel: bool, is_own: bool = False
) -> tuple[CardShown, ...]:
    """The cards; live ones can be reported lost by their holder and by whoever may cancel cards."""
    return tuple(
        CardShown(
            serial=record.card.serial,
            status=card_tag(record.card.status),
            rows=_rows(record, is_own),
            certificates=_certificates_table(record),
            actions=_actions(record.card, f"{base}/cards/{record.card.serial}", may_cancel, is_own),
        )
        for record in cards
    )


def _rows(record: CardRecord, is_own: bool) -> tuple[Row, ...]:
    card = record.card
    works_until = (
        min((each.not_after for each in record.certificates), default=None) if card.is_live else None
    )
    rows = (
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
        ("Purpose", "Serial number", "Valid from", "Expires", "State"),
        tuple(_certificate_row(certificate) for certificate in record.certificates),
        size="s",
    )


def _certificate_row(certificate: CardCertificate) -> tuple[Cell, ...]:
    return (
        Cell(_PURPOSES.get(certificate.purpose, sentence(certificate.purpose))),
        Cell(certificate.serial_number),
        Cell(day(certificate.not_before.date())),
        Cell(day(certificate.not_after.date())),
        Cell(tag=certificate_tag(certificate.status)),
    )


def _actions(card: Card, base: str, may_cancel: bool, is_own: bool) -> tuple[CardAction, ...]:
    if not card.is_live:
        return ()
    if is_own:
        return (CardAction("Report my card lost", f"{base}/report-lost"),)
    if may_cancel:
        return (
            CardAction("Report lost", f"{base}/report-lost"),
            CardAction("Cancel this card", f"{base}/cancel"),
        )
    return ()
