"""Card certificates in the database."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, Row, insert, or_, select, update
from sqlalchemy.sql import ColumnElement

from app.domain.certificate import CardCertificate, CertificateStatus
from app.domain.certificate_order import CertificatePurpose
from app.domain.issuance import CertificateRequestsChanged
from app.storage.conflicts import conflict_means
from app.storage.tables import cards as tables

_certificate = tables.certificate


class Certificates:
    """Every certificate that was issued for a card."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, certificate: CardCertificate) -> None:
        """Keep a certificate.

        Raises:
            CertificateRequestsChanged: its key was certified before.
        """
        certified = CertificateRequestsChanged(
            "One of these keys was certified before. Undo the issuance and begin again with a blank card."
        )
        row = {
            **asdict(certificate),
            "purpose": certificate.purpose.value,
            "status": certificate.status.value,
        }
        with conflict_means(certified):
            self._connection.execute(insert(_certificate).values(row))

    def get(self, serial_number: str) -> CardCertificate | None:
        """The certificate with this serial number (lower-case hexadecimal)."""
        return next(iter(self._select(_certificate.c.serial_number == serial_number)), None)

    def of_card(self, card_serial: str) -> list[CardCertificate]:
        """Every certificate of a card, newest first."""
        return self._select(_certificate.c.card_serial == card_serial)

    def of_issuance(self, issuance_id: str) -> dict[CertificatePurpose, CardCertificate]:
        """The two certificates of an issuance; none when they are not issued yet."""
        found = self._select(_certificate.c.issuance_id == issuance_id)
        return {certificate.purpose: certificate for certificate in found}

    def of_renewal(self, job_id: str) -> dict[CertificatePurpose, CardCertificate]:
        """The two certificates of a renewal; none when they are not issued yet."""
        found = self._select(_certificate.c.renewal_id == job_id)
        return {certificate.purpose: certificate for certificate in found}

    def activate(self, made_for: str) -> None:
        """The certificates of the issuance or renewal lie on a working card now."""
        made = or_(_certificate.c.issuance_id == made_for, _certificate.c.renewal_id == made_for)
        self._connection.execute(
            update(_certificate)
            .where(made, _certificate.c.status == CertificateStatus.ISSUED.value)
            .values(status=CertificateStatus.ACTIVE.value)
        )

    def revoke(self, serial_number: str, at: datetime, reason: str) -> None:
        """Mark a certificate as revoked; an earlier revocation stands."""
        self._connection.execute(
            update(_certificate)
            .where(
                _certificate.c.serial_number == serial_number,
                _certificate.c.status != CertificateStatus.REVOKED.value,
            )
            .values(status=CertificateStatus.REVOKED.value, revoked_at=at, reason=reason)
        )

    def _select(self, *conditions: ColumnElement[bool]) -> list[CardCertificate]:
        chosen = (
            select(_certificate)
            .where(*conditions)
            .order_by(_certificate.c.not_before.desc(), _certificate.c.purpose)
        )
        return [_certificate_of(row) for row in self._connection.execute(chosen)]


def _certificate_of(row: Row[tuple[object, ...]]) -> CardCertificate:
    fields = dict(row._mapping)
    return CardCertificate(
        **{
            **fields,
            "purpose": CertificatePurpose(fields["purpose"]),
            "status": CertificateStatus(fields["status"]),
        }
    )
