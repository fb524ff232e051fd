"""Looks at the readers of this computer, the cards in them, and the software that drives them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from cryptography import x509

from card_agent.card_views import CardView, ReaderView
from card_agent.findings import Finding, fine, problem, warning
from card_agent.ports import Purpose

_EXPIRING = timedelta(days=90)
_RA = "your registration authority"


def readers_unavailable(sentence: str) -> Finding:
    """Return what it means that the readers cannot be asked at all."""
    return problem(
        "no_pcscd", sentence, "Without it no program on this computer finds a card.", "Then look again here."
    )


def module_findings(unusable: Mapping[str, str], profiles: Sequence[str]) -> Iterator[Finding]:
    """Return one finding for each kind of card whose software cannot be loaded, or one that all can."""
    for name, reason in unusable.items():
        yield problem(
            "module_missing",
            f"The software for cards of the kind {name} is missing or broken: {reason}",
            "Without it these cards cannot be read or used here.",
            "Have your IT service desk install it, as the card agent's manual says for this kind of card.",
        )
    if not unusable:
        yield fine("modules", f"The software for cards of the kind {', '.join(profiles)} is there.")


def reader_findings(readers: Sequence[ReaderView], now: datetime) -> Iterator[Finding]:
    """Return what there is to say of each reader and its card."""
    if not readers:
        yield problem(
            "no_reader",
            "No card reader is connected to this computer.",
            "A card can be used in a reader only.",
            "Plug a reader in. If one is plugged in, use another USB socket; then look again here.",
        )
    elif not any(reader.card or reader.trouble for reader in readers):
        yield warning(
            "no_card",
            "No card is in any reader.",
            "The card itself could not be looked at.",
            "Insert the card with the chip first, then look again here.",
        )
    for reader in readers:
        yield from _reader(reader, now)


def _reader(reader: ReaderView, now: datetime) -> Iterator[Finding]:
    if reader.trouble:
        yield problem("card_not_usable", f"{reader.name}: {reader.trouble}", "It cannot be used here.", "")
    elif reader.card is None:
        yield fine("reader", f"{reader.name} is connected and empty.")
    elif reader.card.trouble:
        yield problem(
            "card_not_readable",
            f"The card in {reader.name} cannot be read: {reader.card.trouble}",
            "A card that cannot be read cannot be used.",
            f"Take it out, wipe the chip, insert it again. If that does not help, take it to {_RA}.",
        )
    else:
        yield from _card(reader.card, reader.name, now)


def _card(card: CardView, place: str, now: datetime) -> Iterator[Finding]:
    name = f"Card {card.serial} in {place}"
    if card.is_blank:
        yield fine("blank_card", f"{name} is blank.")
        return
    yield _pin(card, name)
    for purpose in Purpose:
        if purpose in card.certificates:
            yield _certificate(f"{name}, {purpose.value}", card.certificates[purpose], now)


def _pin(card: CardView, name: str) -> Finding:
    if card.is_locked:
        return problem(
            "pin_locked",
            f"{name} is locked: a wrong PIN was entered too often.",
            "It takes no PIN any more.",
            f"Take the card to {_RA} to have it unlocked, or unlock it on the site.",
        )
    if card.is_at_last_try:
        return warning(
            "pin_last_try",
            f"{name} allows one more try of the PIN.",
            "A wrong PIN locks it.",
            "Do not guess. Use the last try with a colleague, on the page of the desk, or have it unlocked.",
        )
    return fine("pin", f"{name}: {card.tries_left} tries of the PIN are left.")


def _certificate(name: str, der: bytes, now: datetime) -> Finding:
    certificate = x509.load_der_x509_certificate(der)
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now >= ends:
        return problem(
            "certificate_expired",
            f"{name}: the certificate expired on {_day(ends)}.",
            "Nobody accepts an expired certificate.",
            f"Take the card to {_RA}, in person, to have it renewed.",
        )
    if now < begins:
        return problem(
            "certificate_not_yet_valid",
            f"{name}: the certificate is valid from {_day(begins)}, and this computer says {_day(now)}.",
            "Nobody accepts a certificate before its time.",
            "See whether this computer's clock is right.",
        )
    if ends - now < _EXPIRING:
        return warning(
            "certificate_expiring",
            f"{name}: the certificate expires on {_day(ends)}.",
            "After that day the card opens nothing, and can be renewed in person only.",
            "Renew the card when you sign in next: it is offered there.",
        )
    return fine("certificate", f"{name}: the certificate is valid until {_day(ends)}.")


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"
