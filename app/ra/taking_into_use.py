"""Taking a renewal's certificates into use: from their first use on they count, and the old ones no more."""

from __future__ import annotations

from dataclasses import replace

from app.domain.actor import Actor
from app.domain.audit_event import AuditEvent
from app.domain.card import CardMoveNotAllowed, CardStatus
from app.domain.card_job import CardJob
from app.domain.certificate import CardCertificate, CertificateStatus
from app.domain.desk_record import with_step
from app.domain.renewal_job import RenewalFacts
from app.ra.ports import Work
from app.ra.revoking import revoke_certificates

_AGED = frozenset({CardStatus.EXPIRING, CardStatus.EXPIRED})


def take_into_use(work: Work, job: CardJob) -> list[str]:
    """Let the new certificates count and withdraw the old ones, in this transaction; their serial numbers.

    Raises:
        CardMoveNotAllowed: the card was ended, locked or suspended meanwhile.
        CardAlreadyHeld: the holder of an expired card has another one by now.
    """
    assert job.card_serial is not None
    card = work.cards.get_to_change(job.card_serial)
    assert card is not None
    if card.status in _AGED:
        work.cards.move(card, CardStatus.ACTIVE)
    elif card.status is not CardStatus.ACTIVE:
        raise CardMoveNotAllowed(
            f"Card {card.serial} is {card.status.value}: its renewal cannot be completed."
        )
    old = [each for each in work.certificates.of_card(card.serial) if each.status is CertificateStatus.ACTIVE]
    withdrawn = revoke_certificates(work, old, "renewed")
    work.certificates.activate(job.id)
    work.outbox.add("directory.person", job.uid)
    facts = replace(RenewalFacts.of(job.facts), in_use=True)
    work.card_jobs.save(replace(with_step(job, "in_use", work.now), facts=facts.as_json()))
    return withdrawn


def first_used(work: Work, serial_number: str, address: str) -> bool:
    """A sign-in uses a certificate; whether it is of a renewal that only waited for its first use."""
    certificate = work.certificates.get(serial_number)
    if certificate is None or certificate.renewal_id is None or not _waits(work, certificate):
        return False
    job = work.card_jobs.get_to_change(certificate.renewal_id)
    if job is None or not job.status.is_open:
        return False
    details = {"job": job.id, "card": job.card_serial, "uid": job.uid, "withdrawn": take_into_use(work, job)}
    actor = Actor(job.uid, "", address=address)
    work.audit.record(AuditEvent.by(actor, "card.renewed", job.uid, details))
    return True


def _waits(work: Work, certificate: CardCertificate) -> bool:
    """Whether nothing but its first use is missing. An expired card's holder may have another one by now."""
    card, live = work.cards.get_to_change(certificate.card_serial), work.cards.live_of(certificate.uid)
    if card is None or certificate.status is not CertificateStatus.ISSUED:
        return False
    return card.status in {CardStatus.ACTIVE, CardStatus.EXPIRING} or (
        card.status is CardStatus.EXPIRED and live is None
    )
