"""The part of the ledger that tells the status of certificates: revocations, CRLs, and sealed audit heads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from app.ca.ports import PublishedCrl, Revocation
from app.domain.audit_chain import Seal
from app.domain.revocation import RevocationReason
from app.storage.ca.tables import certificate, crl, revocation, sealed_head
from app.storage.database import Database

_SEAL_FIELDS = tuple(Seal.__dataclass_fields__)
_CRL_FIELDS = tuple(PublishedCrl.__dataclass_fields__)


class StatusLedger:
    """Revocations, CRLs and seals in ``database``, which is the certificate authority's own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def revoke(self, revoked: Revocation) -> None:
        """Record a revocation; a second one changes nothing."""
        with self._database.change() as work:
            if _revocation(work.connection, revoked.serial_number) is None:
                work.connection.execute(
                    insert(revocation).values(
                        serial_number=revoked.serial_number,
                        reason=revoked.reason.value,
                        revoked_at=revoked.revoked_at,
                        recorded_at=work.now,
                    )
                )

    def revocation(self, serial_number: str) -> Revocation | None:
        """How and when the certificate was revoked."""
        with self._database.read() as work:
            return _revocation(work.connection, serial_number)

    def is_published(self, serial_number: str) -> bool:
        """Whether a CRL that holds the revocation was made."""
        number = select(revocation.c.crl_number).where(revocation.c.serial_number == serial_number)
        with self._database.read() as work:
            return work.connection.scalar(number) is not None

    def latest_crl(self, issuing_ca: str) -> PublishedCrl | None:
        """The newest CRL of a CA."""
        newest = select(crl).where(crl.c.issuing_ca == issuing_ca).order_by(crl.c.number.desc()).limit(1)
        with self._database.read() as work:
            row = work.connection.execute(newest).one_or_none()
        return PublishedCrl(**{name: row._mapping[name] for name in _CRL_FIELDS}) if row else None

    def publish_crl(
        self,
        issuing_ca: str,
        expired_before: datetime,
        build: Callable[[int, Sequence[Revocation]], PublishedCrl],
    ) -> PublishedCrl:
        """Make the next CRL within one transaction; see the port."""
        with self._database.change() as work:
            number = _next_number(work.connection, issuing_ca)
            revocations = _revocations(work.connection, issuing_ca, expired_before)
            made = build(number, revocations)
            work.connection.execute(insert(crl).values({name: getattr(made, name) for name in _CRL_FIELDS}))
            _mark_published(work.connection, issuing_ca, number)
        return made

    def last_seal(self) -> Seal | None:
        """The last audit head that was sealed."""
        newest = select(sealed_head).order_by(sealed_head.c.seq.desc()).limit(1)
        with self._database.read() as work:
            row = work.connection.execute(newest).one_or_none()
        return Seal(**{name: row._mapping[name] for name in _SEAL_FIELDS}) if row else None

    def record_seal(self, seal: Seal) -> None:
        """Keep a seal."""
        with self._database.change() as work:
            values = {name: getattr(seal, name) for name in _SEAL_FIELDS}
            work.connection.execute(insert(sealed_head).values(values))


def _next_number(connection: Connection, issuing_ca: str) -> int:
    newest = connection.scalar(select(func.max(crl.c.number)).where(crl.c.issuing_ca == issuing_ca))
    return (newest or 0) + 1


def _revocations(connection: Connection, issuing_ca: str, expired_before: datetime) -> list[Revocation]:
    chosen = (
        select(revocation)
        .join(certificate, certificate.c.serial_number == revocation.c.serial_number)
        .where(certificate.c.issuing_ca == issuing_ca, certificate.c.not_after >= expired_before)
        .order_by(revocation.c.recorded_at, revocation.c.serial_number)
    )
    return [_of(row) for row in connection.execute(chosen)]


def _mark_published(connection: Connection, issuing_ca: str, number: int) -> None:
    of_this_ca = select(certificate.c.serial_number).where(certificate.c.issuing_ca == issuing_ca)
    connection.execute(
        update(revocation)
        .where(revocation.c.crl_number.is_(None), revocation.c.serial_number.in_(of_this_ca))
        .values(crl_number=number)
    )


def _revocation(connection: Connection, serial_number: str) -> Revocation | None:
    chosen = select(revocation).where(revocation.c.serial_number == serial_number)
    row = connection.execute(chosen).one_or_none()
    return _of(row) if row else None


def _of(row: Row[Any]) -> Revocation:
    return Revocation(row.serial_number, RevocationReason(row.reason), row.revoked_at)
