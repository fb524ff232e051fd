"""The part of the ledger that tells the status of certificates: revocations, CRLs, and sealed audit heads."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from app.ca.status_values import CrlBuilder, PublishedCrl, Revocation
from app.domain.audit_chain import Seal
from app.domain.revocation import RevocationReason
from app.storage.ca.status_changes import StatusChangesLedger
from app.storage.ca.tables import certificate, crl, delta_crl, revocation, sealed_head
from app.storage.prepared import Prepared

_SEAL_FIELDS = tuple(Seal.__dataclass_fields__)
_DELTA_FIELDS = tuple(PublishedCrl.__dataclass_fields__)
_CRL_FIELDS = tuple(name for name in _DELTA_FIELDS if name != "base_number")
_REVOCATION = select(revocation).where(revocation.c.serial_number == bindparam("serial_number"))


def _newest_numbers_of(table: Table) -> Prepared:
    return Prepared(select(table.c.issuing_ca, func.max(table.c.number)).group_by(table.c.issuing_ca))


_LAST_SEAL = Prepared(select(sealed_head).order_by(sealed_head.c.seq.desc()).limit(1))
_KEEP_SEAL = Prepared(insert(sealed_head), _SEAL_FIELDS)
_NEWEST_NUMBERS = (_newest_numbers_of(crl), _newest_numbers_of(delta_crl))


class StatusLedger(StatusChangesLedger):
    """Revocations, CRLs and seals besides."""

    def revoke(self, revoked: Revocation) -> None:
        """Record a revocation; a second one changes nothing."""
        with self._database.change() as work:
            if _revocation(work.connection, revoked.serial_number) is None:
                this = certificate.c.serial_number == revoked.serial_number
                former = select(certificate.c.status_position).where(this)
                work.connection.execute(
                    insert(revocation).values(
                        serial_number=revoked.serial_number,
                        reason=revoked.reason.value,
                        revoked_at=revoked.revoked_at,
                        recorded_at=work.now,
                        former_status_position=work.connection.scalar(former),
                    )
                )
                work.connection.execute(update(certificate).where(this).values(status_position=None))

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
        """The newest complete CRL of a CA."""
        newest = select(crl).where(crl.c.issuing_ca == issuing_ca).order_by(crl.c.number.desc()).limit(1)
        with self._database.read() as work:
            row = work.connection.execute(newest).one_or_none()
        return PublishedCrl(**{name: row._mapping[name] for name in _CRL_FIELDS}) if row else None

    def latest_delta_crl(self, issuing_ca: str) -> PublishedCrl | None:
        """The newest delta CRL of a CA."""
        newest = select(delta_crl).where(delta_crl.c.issuing_ca == issuing_ca)
        with self._database.read() as work:
            row = work.connection.execute(newest.order_by(delta_crl.c.number.desc()).limit(1)).one_or_none()
        return PublishedCrl(**{name: row._mapping[name] for name in _DELTA_FIELDS}) if row else None

    def crl_numbers(self) -> dict[str, tuple[int, int]]:
        """The numbers of the newest complete and the newest delta CRL of each CA; zero for none."""
        with self._database.read() as work:
            complete, delta = (_numbers(work.connection, newest) for newest in _NEWEST_NUMBERS)
        return {name: (number, delta.get(name, 0)) for name, number in complete.items()}

    def publish_crls(
        self,
        issuing_ca: str,
        expired_before: datetime,
        now: datetime,
        build: CrlBuilder,
        *,
        complete: bool,
        delta: bool,
    ) -> None:
        """Make the next CRLs within one transaction; see the port."""
        with self._database.change() as work:
            connection = work.connection
            number, base = _next_number(connection, issuing_ca), _base(connection, issuing_ca, now)
            if complete:
                revocations = _revocations(connection, issuing_ca, expired_before)
                _insert(connection, build(number, revocations, None))
            if delta and base is not None:
                told_later = revocation.c.crl_number.is_(None) | (revocation.c.crl_number > base)
                _insert(
                    connection,
                    build(number, _revocations(connection, issuing_ca, expired_before, told_later), base),
                )
            _mark_published(connection, issuing_ca, number)
            _forget_old(connection, issuing_ca, number, now)

    def last_seal(self) -> Seal | None:
        """The last audit head that was sealed."""
        with self._database.read() as work:
            row = _LAST_SEAL.first(work.connection)
        return Seal(**{name: getattr(row, name) for name in _SEAL_FIELDS}) if row else None

    def record_seal(self, seal: Seal) -> None:
        """Keep a seal."""
        with self._database.change() as work:
            _KEEP_SEAL.change(work.connection, {name: getattr(seal, name) for name in _SEAL_FIELDS})


def _next_number(connection: Connection, issuing_ca: str) -> int:
    """Complete and delta CRLs share one row of numbers (RFC 5280 section 5.2.3)."""
    numbers = (
        connection.scalar(select(func.max(table.c.number)).where(table.c.issuing_ca == issuing_ca)) or 0
        for table in (crl, delta_crl)
    )
    return max(numbers) + 1


def _numbers(connection: Connection, newest: Prepared) -> dict[str, int]:
    return {row[0]: row[1] for row in newest.rows(connection)}


def _base(connection: Connection, issuing_ca: str, now: datetime) -> int | None:
    """The oldest complete CRL that still holds: a delta relative to it fits whichever anybody may use."""
    still_holds = (crl.c.issuing_ca == issuing_ca) & (crl.c.next_update > now)
    oldest: int | None = connection.scalar(select(func.min(crl.c.number)).where(still_holds))
    return oldest


def _insert(connection: Connection, made: PublishedCrl) -> None:
    table, names = (crl, _CRL_FIELDS) if made.base_number is None else (delta_crl, _DELTA_FIELDS)
    connection.execute(insert(table).values({name: getattr(made, name) for name in names}))


def _forget_old(connection: Connection, issuing_ca: str, number: int, now: datetime) -> None:
    """Only the newest ones are given out; complete ones are bases of deltas until their next update."""
    connection.execute(
        delete(delta_crl).where(delta_crl.c.issuing_ca == issuing_ca, delta_crl.c.number < number)
    )
    newest = select(func.max(crl.c.number)).where(crl.c.issuing_ca == issuing_ca).scalar_subquery()
    over = (crl.c.issuing_ca == issuing_ca) & (crl.c.next_update <= now)
    connection.execute(delete(crl).where(over, crl.c.number < newest))


def _revocations(
    connection: Connection, issuing_ca: str, expired_before: datetime, *where: ColumnElement[bool]
) -> list[Revocation]:
    chosen = (
        select(revocation)
        .join(certificate, certificate.c.serial_number == revocation.c.serial_number)
        .where(certificate.c.issuing_ca == issuing_ca, certificate.c.not_after >= expired_before, *where)
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
    row = connection.execute(_REVOCATION, {"serial_number": serial_number}).one_or_none()
    return _of(row) if row else None


def _of(row: Row[Any]) -> Revocation:
    return Revocation(row.serial_number, RevocationReason(row.reason), row.revoked_at)
