"""Client certificates of accredited systems in the database."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, case, func, insert, select, update
from sqlalchemy.sql import ColumnElement

from app.domain.system_certificate import SystemCertificate
from app.storage.tables.system_requests import system_certificate as _certificate


class SystemCertificates:
    """Every certificate that a system got."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, certificate: SystemCertificate) -> None:
        """Keep a certificate."""
        self._connection.execute(insert(_certificate).values(asdict(certificate)))

    def get(self, serial_number: str) -> SystemCertificate | None:
        """The certificate with this serial number (lower-case hexadecimal)."""
        return next(iter(self._select(_certificate.c.serial_number == serial_number)), None)

    def of_key(self, spki_sha256: str) -> SystemCertificate | None:
        """The certificate of this key."""
        return next(iter(self._select(_certificate.c.spki_sha256 == spki_sha256)), None)

    def of(self, asid: str) -> list[SystemCertificate]:
        """Every certificate of a system, newest first."""
        return self._select(_certificate.c.asid == asid)

    def ending_before(self, moment: datetime) -> list[SystemCertificate]:
        """Those not revoked that end before the moment, newest first."""
        return self._select(_certificate.c.revoked_at.is_(None), _certificate.c.not_after < moment)

    def good_ones(self, now: datetime, after: str, most: int) -> list[SystemCertificate]:
        """Some that are neither revoked nor over, by serial number from the next one on, at most so many."""
        chosen = select(_certificate).where(_is_good(now), _certificate.c.serial_number > after)
        rows = self._connection.execute(chosen.order_by(_certificate.c.serial_number).limit(most))
        return [SystemCertificate(**row._mapping) for row in rows]

    def without_good_one(self, now: datetime) -> set[str]:
        """The ASIDs of systems that got certificates, of which none is good now."""
        chosen = select(_certificate.c.asid).group_by(_certificate.c.asid)
        return set(self._connection.scalars(chosen.having(func.sum(case((_is_good(now), 1), else_=0)) == 0)))

    def revoke(self, serial_number: str, at: datetime, by: str, reason: str) -> None:
        """Mark a certificate as revoked; an earlier revocation stands."""
        changed = update(_certificate).where(
            _certificate.c.serial_number == serial_number, _certificate.c.revoked_at.is_(None)
        )
        self._connection.execute(changed.values(revoked_at=at, revoked_by=by, reason=reason))

    def _select(self, *conditions: ColumnElement[bool]) -> list[SystemCertificate]:
        chosen = select(_certificate).where(*conditions).order_by(_certificate.c.not_before.desc())
        return [SystemCertificate(**row._mapping) for row in self._connection.execute(chosen)]


def _is_good(now: datetime) -> ColumnElement[bool]:
    return _certificate.c.revoked_at.is_(None) & (_certificate.c.not_after >= now)
