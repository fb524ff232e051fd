"""Card certificates in the database."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, or_, select, update

from app.domain.card import LIVE, CardStatus
from app.domain.certificate import CardCertificate, CertificateStatus
from app.domain.certificate_order import CertificatePurpose
from app.domain.issuance import CertificateRequestsChanged
from app.domain.provenance import provenance_of_text
from app.ra.records import EndingCard, PersonReference
from app.storage.conflicts import conflict_means
from app.storage.prepared import Prepared
from app.storage.tables import cards as tables
from app.storage.tables.people import person as _person

_certificate, _card = tables.certificate, tables.card
_IN_USE = (
    _certificate.c.purpose == CertificatePurpose.AUTHENTICATION.value,
    _certificate.c.status == CertificateStatus.ACTIVE.value,
    _card.c.status.in_([status.value for status in LIVE]),
)

_ADD = Prepared(insert(_certificate))
_FOUND = select(_certificate).order_by(_certificate.c.not_before.desc(), _certificate.c.purpose)
_BY_SERIAL_NUMBER = Prepared(_FOUND.where(_certificate.c.serial_number == bindparam("key")))
_OF_CARD = Prepared(_FOUND.where(_certificate.c.card_serial == bindparam("key")))
_OF_ISSUANCE = Prepared(_FOUND.where(_certificate.c.issuance_id == bindparam("key")))
_OF_RENEWAL = Prepared(_FOUND.where(_certificate.c.renewal_id == bindparam("key")))
_ACTIVATE = Prepared(
    update(_certificate)
    .where(
        or_(
            _certificate.c.issuance_id == bindparam("made_for"),
            _certificate.c.renewal_id == bindparam("made_for"),
        ),
        _certificate.c.status == CertificateStatus.ISSUED.value,
    )
    .values(status=CertificateStatus.ACTIVE.value)
)


class Certificates:
    """Every certificate that was issued for a card."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, *certificates: CardCertificate) -> None:
        """Keep certificates.

        Raises:
            CertificateRequestsChanged: a key was certified before.
        """
        certified = CertificateRequestsChanged(
            "One of these keys was certified before. Undo the issuance and begin again with a blank card."
        )
        with conflict_means(certified):
            _ADD.change_each(self._connection, [_row_of(each) for each in certificates])

    def get(self, serial_number: str) -> CardCertificate | None:
        """The certificate with this serial number (lower-case hexadecimal)."""
        return next(iter(self._select(_BY_SERIAL_NUMBER, serial_number)), None)

    def of_card(self, card_serial: str) -> list[CardCertificate]:
        """Every certificate of a card, newest first."""
        return self._select(_OF_CARD, card_serial)

    def of_issuance(self, issuance_id: str) -> dict[CertificatePurpose, CardCertificate]:
        """The two certificates of an issuance; none when they are not issued yet."""
        found = self._select(_OF_ISSUANCE, issuance_id)
        return {certificate.purpose: certificate for certificate in found}

    def of_renewal(self, job_id: str) -> dict[CertificatePurpose, CardCertificate]:
        """The two certificates of a renewal; none when they are not issued yet."""
        found = self._select(_OF_RENEWAL, job_id)
        return {certificate.purpose: certificate for certificate in found}

    def ending(self, first: datetime, last: datetime) -> dict[date, int]:
        """How many working cards end on each day of that time, by their authentication certificates."""
        day = func.date(_certificate.c.not_after)
        chosen = (
            select(day, func.count())
            .join(_card, _card.c.serial == _certificate.c.card_serial)
            .where(*_IN_USE, _certificate.c.not_after.between(first, last))
            .group_by(day)
        )
        return {date_of(each): count for each, count in self._connection.execute(chosen)}

    def ending_soon(self, until: datetime, limit: int) -> list[EndingCard]:
        """Working cards that end before then or have not been noticed to have ended, the first first."""
        chosen = (
            select(
                _certificate.c.uid,
                _person.c.given_name,
                _person.c.family_name,
                _card.c.serial,
                _card.c.status,
                _certificate.c.not_after,
            )
            .join(_card, _card.c.serial == _certificate.c.card_serial)
            .join(_person, _person.c.uid == _certificate.c.uid)
            .where(*_IN_USE, _certificate.c.not_after <= until)
            .order_by(_certificate.c.not_after, _card.c.serial)
            .limit(limit)
        )
        return [
            EndingCard(PersonReference(uid, f"{given} {family}"), serial, CardStatus(status), ends_at)
            for uid, given, family, serial, status, ends_at in self._connection.execute(chosen)
        ]

    def activate(self, made_for: str) -> None:
        """The certificates of the issuance or renewal lie on a working card now."""
        _ACTIVATE.change(self._connection, {"made_for": made_for})

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

    def _select(self, chosen: Prepared, key: str) -> list[CardCertificate]:
        return [_certificate_of(row) for row in chosen.rows(self._connection, {"key": key})]


def _row_of(certificate: CardCertificate) -> dict[str, Any]:
    return {
        **vars(certificate),
        "purpose": certificate.purpose.value,
        "status": certificate.status.value,
        "provenance": certificate.provenance.as_text(),
    }


def _certificate_of(row: Row[tuple[object, ...]]) -> CardCertificate:
    fields: dict[str, Any] = row._asdict()
    return CardCertificate(
        **{
            **fields,
            "purpose": CertificatePurpose(fields["purpose"]),
            "status": CertificateStatus(fields["status"]),
            "provenance": provenance_of_text(fields["provenance"]),
        }
    )


def date_of(value: object) -> date:
    """A day as the database gives it: SQLite as text."""
    return value if isinstance(value, date) else date.fromisoformat(str(value))
