"""The certificate ledger in the database: intended, signed, audited. Each call is one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from functools import cache
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, or_, select, update

from app.ca.ports import CertificateRecord, IntendedCertificate, SignedOrder
from app.ca.receipt_ports import MadeReceipt
from app.ca.refusals import (
    AlreadyCertified,
    FoundingEntrySpent,
    FoundingRecordUnknown,
    KeyAlreadyCertified,
    OrderWithdrawn,
)
from app.domain.certificate_order import ApprovedBy, CertificatePurpose
from app.storage.ca.receipt_ledger import ReceiptLedger, keep, keep_reason
from app.storage.ca.revoked_authorities import authority_revoked
from app.storage.ca.status_changes import next_status_position
from app.storage.ca.tables import (
    authority_key,
    ceremony,
    certificate,
    founding_entry,
    receipt,
    revocation,
    revoked_authority,
    withdrawn_order,
)
from app.storage.certificates import date_of
from app.storage.conflicts import conflict_means
from app.storage.prepared import Prepared

_INTENDED_FIELDS = tuple(IntendedCertificate.__dataclass_fields__)

_ADD = Prepared(insert(certificate), (*_INTENDED_FIELDS, "intended_at"))
_FOUND = select(certificate).order_by(certificate.c.purpose, certificate.c.serial_number)
_IN_ORDER = _FOUND.where(certificate.c.order_id == bindparam("key"))
_OF_ORDER, _OF_ORDER_TO_CHANGE = Prepared(_IN_ORDER), Prepared(_IN_ORDER.with_for_update())
_OF_CARD = Prepared(
    _FOUND.where(certificate.c.card_serial == bindparam("key"), certificate.c.der.is_not(None))
)
_BY_SERIAL_NUMBER = Prepared(_FOUND.where(certificate.c.serial_number == bindparam("key")))
_SIGNER = Prepared(
    select(
        certificate,
        revocation.c.serial_number.label("revoked_number"),
        revoked_authority.c.name.label("revoked_ca"),
    )
    .outerjoin(revocation, revocation.c.serial_number == certificate.c.serial_number)
    .outerjoin(revoked_authority, revoked_authority.c.name == certificate.c.issuing_ca)
    .where(certificate.c.serial_number == bindparam("key"))
)
_UNFINISHED = Prepared(_FOUND.where(certificate.c.der.is_(None)))
_UNAUDITED = Prepared(
    select(certificate, receipt.c.sha256.label("receipt_sha256"))
    .join(receipt, receipt.c.order_id == certificate.c.order_id)
    .where(certificate.c.audited_at.is_(None), certificate.c.der.is_not(None))
    .order_by(certificate.c.signed_at, certificate.c.order_id, certificate.c.purpose)
)
_FORGET_ORDER = delete(certificate).where(certificate.c.order_id == bindparam("key"))
_WITHDRAWN = select(withdrawn_order.c.order_id).where(withdrawn_order.c.order_id == bindparam("key"))
_MARK_AUDITED = Prepared(
    update(certificate).where(certificate.c.serial_number == bindparam("this")), ("audited_at",)
)
_SIGN = Prepared(
    update(certificate).where(certificate.c.serial_number == bindparam("this"), certificate.c.der.is_(None)),
    ("der", "signed_at", "status_position"),
)
_DAY = func.date(certificate.c.not_after)
_ENDING = (
    select(_DAY, func.count())
    .where(certificate.c.purpose == CertificatePurpose.AUTHENTICATION.value)
    .where(certificate.c.not_after.between(bindparam("first"), bindparam("last")))
    .group_by(_DAY)
)


@cache
def _obstacles(count: int) -> Prepared:
    """In one statement, what nothing is intended against, for so many certificates at once."""
    numbers = range(count)
    revoked = [revoked_authority.c.name == bindparam(f"authority_{number}") for number in numbers]
    own = [authority_key.c.spki_sha256 == bindparam(f"key_{number}") for number in numbers]
    return Prepared(
        select(
            select(revoked_authority.c.name)
            .where(or_(*revoked))
            .order_by(revoked_authority.c.name)
            .limit(1)
            .scalar_subquery()
            .label("revoked"),
            _WITHDRAWN.scalar_subquery().label("withdrawn"),
            select(authority_key.c.name).where(or_(*own)).limit(1).scalar_subquery().label("own_key"),
        )
    )


class Ledger(ReceiptLedger):
    """The certificate authority's record (``app.ca.ports.CertificateLedger``)."""

    def intend(
        self, intended: Sequence[IntendedCertificate], founder: str | None, reason: bytes
    ) -> list[CertificateRecord]:
        """Record all or none; see the port."""
        order_id = intended[0].order_id
        with self._database.change() as work:
            if settled := _settled(work.connection, order_id, intended):
                return settled
            _require_no_obstacle(work.connection, order_id, intended)
            if founder is not None:
                _take_founding_entry(work.connection, founder, order_id)
            rows = [_row_of(each, work.now) for each in intended]
            with conflict_means(_key_already_certified()):
                _ADD.change_each(work.connection, rows)
            keep_reason(work.connection, order_id, reason)
        return [CertificateRecord(each, der=None) for each in intended]

    def of_order(self, order_id: str) -> list[CertificateRecord]:
        """What is on record for an order."""
        with self._database.read() as work:
            return _select(work.connection, _OF_ORDER, order_id)

    def of_card(self, card_serial: str) -> list[CertificateRecord]:
        """Every signed certificate of a card, those that began last first."""
        with self._database.read() as work:
            found = _select(work.connection, _OF_CARD, card_serial)
        return sorted(found, key=lambda each: each.intended.not_before, reverse=True)

    def ending(self, first: date, last: date) -> dict[date, int]:
        """How many cards end on each day; see the port."""
        days = {
            "first": datetime.combine(first, time.min, UTC),
            "last": datetime.combine(last, time.max, UTC),
        }
        with self._database.read() as work:
            return {date_of(day): number for day, number in work.connection.execute(_ENDING, days)}

    def find(self, serial_number: str) -> CertificateRecord | None:
        """The certificate with this serial number."""
        with self._database.read() as work:
            found = _select(work.connection, _BY_SERIAL_NUMBER, serial_number)
        return found[0] if found else None

    def find_signer(self, serial_number: str) -> tuple[CertificateRecord, bool] | None:
        """The certificate, and whether it was revoked; see the port."""
        with self._database.read() as work:
            row = _SIGNER.first(work.connection, {"key": serial_number})
        if row is None:
            return None
        if row.revoked_ca is not None:
            raise authority_revoked(row.revoked_ca)
        return _record_of(row), row.revoked_number is not None

    def unfinished(self) -> list[CertificateRecord]:
        """Intended and not signed."""
        with self._database.read() as work:
            return _select(work.connection, _UNFINISHED)

    def withdraw(self, order_id: str) -> None:
        """Close an order; see the port."""
        with self._database.change() as work:
            unsigned = certificate.c.der.is_(None) & (certificate.c.order_id == order_id)
            work.connection.execute(delete(certificate).where(unsigned))
            if not _is_withdrawn(work.connection, order_id):
                values = {"order_id": order_id, "withdrawn_at": work.now}
                work.connection.execute(insert(withdrawn_order).values(values))

    def record_signed(self, ders: Mapping[str, bytes], receipt: MadeReceipt) -> dict[str, bytes]:
        """Keep an order's certificates by serial number, with its receipt; see the port."""
        with self._numbering, self._database.change() as work:
            rows = [
                {"this": each, "der": der, "signed_at": work.now, "status_position": position}
                for position, (each, der) in enumerate(ders.items(), next_status_position(work.connection))
            ]
            if _SIGN.change_each(work.connection, rows) == len(rows):
                keep(work.connection, receipt)
                return dict(ders)
            return _kept(work.connection, receipt.order_id, ders)

    def signed_unaudited(self) -> list[SignedOrder]:
        """Those whose audit events are not known to be written; see the port."""
        with self._database.read() as work:
            rows = _UNAUDITED.rows(work.connection)
        orders = groupby(rows, key=lambda row: (row.order_id, row.receipt_sha256))
        return [
            SignedOrder([_record_of(row).intended for row in of_order], receipt_sha256)
            for (_, receipt_sha256), of_order in orders
        ]

    def mark_audited(self, serial_numbers: Sequence[str]) -> None:
        """Record that the audit events are written."""
        with self._database.change() as work:
            rows = [{"this": each, "audited_at": work.now} for each in serial_numbers]
            _MARK_AUDITED.change_each(work.connection, rows)

    def founding_digest(self) -> str:
        """What the ceremony fixed; empty before it."""
        with self._database.read() as work:
            return work.connection.scalar(select(ceremony.c.founding_digest)) or ""


def _settled(
    connection: Connection, order_id: str, intended: Sequence[IntendedCertificate]
) -> list[CertificateRecord]:
    """The same as it is on record. Otherwise makes room, unless that was signed.

    Raises:
        AlreadyCertified
    """
    recorded = _select(connection, _OF_ORDER_TO_CHANGE, order_id)
    if recorded and {_essence(each.intended) for each in recorded} == {_essence(each) for each in intended}:
        return recorded
    if any(each.der is not None for each in recorded):
        raise AlreadyCertified(
            "This issuance has certificates for other keys. Undo it and begin a new one with the card."
        )
    if recorded:
        connection.execute(_FORGET_ORDER, {"key": order_id})
    return []


def _kept(connection: Connection, order_id: str, ders: Iterable[str]) -> dict[str, bytes]:
    """What another call has signed of these certificates, instead. Raises AlreadyCertified."""
    signed = {
        each.intended.serial_number: each.der
        for each in _select(connection, _OF_ORDER, order_id)
        if each.der is not None
    }
    if set(signed) != set(ders):
        raise AlreadyCertified("This issuance was undone, or ordered with other keys meanwhile.")
    return signed


def _is_withdrawn(connection: Connection, order_id: str) -> bool:
    return connection.execute(_WITHDRAWN, {"key": order_id}).first() is not None


def _essence(intended: IntendedCertificate) -> tuple[str, str, str, str]:
    return intended.purpose, intended.spki_sha256, intended.holder, intended.card_serial


def _take_founding_entry(connection: Connection, founder: str, order_id: str) -> None:
    this = founding_entry.c.name == founder
    row = connection.execute(select(founding_entry).where(this).with_for_update()).one_or_none()
    if row is None:
        raise FoundingRecordUnknown("This person is not in the founding record that the key ceremony fixed.")
    if row.order_id not in (None, order_id):
        raise FoundingEntrySpent("The founding card of this person was ordered before; it is made once.")
    connection.execute(update(founding_entry).where(this).values(order_id=order_id))


def _require_no_obstacle(
    connection: Connection, order_id: str, intended: Sequence[IntendedCertificate]
) -> None:
    asked = {"key": order_id}
    for number, each in enumerate(intended):
        asked |= {f"authority_{number}": each.issuing_ca, f"key_{number}": each.spki_sha256}
    [(revoked, withdrawn, own_key)] = _obstacles(len(intended)).rows(connection, asked)
    if revoked is not None:
        raise authority_revoked(revoked)
    if withdrawn is not None:
        raise OrderWithdrawn("This issuance was undone. Begin a new one.")
    if own_key is not None:
        raise _key_already_certified()


def _key_already_certified() -> KeyAlreadyCertified:
    return KeyAlreadyCertified("A certificate was made for this key before. The card must make a new key.")


def _row_of(intended: IntendedCertificate, now: datetime) -> dict[str, Any]:
    return {**{name: getattr(intended, name) for name in _INTENDED_FIELDS}, "intended_at": now}


def _select(connection: Connection, chosen: Prepared, key: str | None = None) -> list[CertificateRecord]:
    values = {} if key is None else {"key": key}
    return [_record_of(row) for row in chosen.rows(connection, values)]


def _record_of(row: Any) -> CertificateRecord:
    fields = {name: getattr(row, name) for name in _INTENDED_FIELDS}
    fields["purpose"] = CertificatePurpose(fields["purpose"])
    fields["approved_by"] = ApprovedBy(fields["approved_by"])
    return CertificateRecord(IntendedCertificate(**fields), row.der)
