"""One certificate of an order on its way to being recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from app.ca.csr import VerifiedCsr
from app.ca.issuance import PreparedCertificate
from app.ca.ports import CertificateRecord, IntendedCertificate
from app.domain.actor import Actor
from app.domain.audit_event import AuditEvent
from app.domain.certificate_order import ApprovedBy, serial_number_text
from app.domain.certificate_profile import PEOPLE, CertificateProfile

ACTOR = Actor.system("ca")


@dataclass(frozen=True)
class Wanted:
    """One certificate of an order: profile, subject name, verified key, where it belongs, who approved it."""

    profile: CertificateProfile
    subject: x509.Name
    csr: VerifiedCsr
    order_id: str
    holder: str
    card_serial: str
    approved_by: ApprovedBy
    lasting: timedelta
    provenance: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether it is a person's certificate that lasts as long as its profile allows."""
        return self.profile.purpose in PEOPLE and self.lasting >= self.profile.validity


def are_for(recorded: Sequence[CertificateRecord], wanted: Sequence[Wanted]) -> bool:
    """Whether exactly these certificates were recorded before, for these keys, holder and card."""
    known = {
        (each.intended.purpose, each.intended.spki_sha256, each.intended.holder, each.intended.card_serial)
        for each in recorded
    }
    return known == {
        (each.profile.purpose, each.csr.spki_sha256, each.holder, each.card_serial) for each in wanted
    }


def intended(wanted: Wanted, prepared: PreparedCertificate) -> IntendedCertificate:
    """What is recorded before it is signed."""
    linted = prepared.linted
    return IntendedCertificate(
        serial_number=serial_number_text(linted.serial_number),
        issuing_ca=wanted.profile.issuing_ca,
        purpose=wanted.profile.purpose,
        order_id=wanted.order_id,
        holder=wanted.holder,
        card_serial=wanted.card_serial,
        spki_sha256=wanted.csr.spki_sha256,
        not_before=linted.not_valid_before_utc,
        not_after=linted.not_valid_after_utc,
        linted=linted.public_bytes(Encoding.DER),
        approved_by=wanted.approved_by,
        provenance=wanted.provenance,
    )


def issued_event(each: IntendedCertificate) -> AuditEvent:
    """The event that tells of it."""
    details = {
        "serial_number": each.serial_number,
        "purpose": each.purpose.value,
        "order": each.order_id,
        "card": each.card_serial,
        "issuing_ca": each.issuing_ca,
        "spki_sha256": each.spki_sha256,
        "approved_by": each.approved_by.value,
        "provenance": each.provenance,
    }
    return AuditEvent.by(ACTOR, "certificate.issued", each.holder, details)
