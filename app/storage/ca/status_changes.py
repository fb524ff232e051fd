"""The part of the ledger that tells what changed of certificates' status, in the order of positions."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, select, update

from app.ca.status_values import CertificateState, Revocation, StatusChanges
from app.domain.revocation import RevocationReason
from app.storage.ca.tables import certificate, revocation
from app.storage.database import Database
from app.storage.prepared import Prepared

_UNTOLD = certificate.c.status_position.is_(None) & certificate.c.der.is_not(None)

_UNTOLD_FIRST = Prepared(
    select(certificate.c.serial_number)
    .where(_UNTOLD)
    .order_by(certificate.c.signed_at)
    .limit(bindparam("limit"))
)
_TELL = Prepared(
    update(certificate).where(certificate.c.serial_number == bindparam("this"), _UNTOLD), ("status_position",)
)
_HIGHEST = Prepared(
    select(
        *(
            select(func.max(column)).scalar_subquery()
            for column in (certificate.c.status_position, revocation.c.former_status_position)
        )
    )
)
_FEW = 8


def _states(*where: ColumnElement[bool]) -> Select[Any]:
    columns = certificate.c
    return (
        select(
            columns.serial_number,
            columns.issuing_ca,
            columns.not_after,
            columns.status_position,
            revocation.c.reason,
            revocation.c.revoked_at,
        )
        .outerjoin(revocation, revocation.c.serial_number == columns.serial_number)
        .where(*where)
    )


_IS_ISSUED = certificate.c.der.is_not(None)
_STATE = Prepared(_states(certificate.c.serial_number == bindparam("this"), _IS_ISSUED))
_STATES = _states(certificate.c.serial_number.in_(bindparam("these", expanding=True)), _IS_ISSUED)
_CHANGED = Prepared(
    _states(certificate.c.status_position > bindparam("after"))
    .order_by(certificate.c.status_position)
    .limit(bindparam("limit"))
)


class StatusChangesLedger:
    """States and their changes in ``database``, which is the certificate authority's own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Positions are given by one thread at a time, until they are committed: so they have no gap that
        # fills later.
        self._numbering = threading.Lock()

    def states(self, serial_numbers: Sequence[str]) -> list[CertificateState]:
        """The certificates with these numbers that were issued; the others are left out."""
        these = list(dict.fromkeys(serial_numbers))
        with self._database.read() as work:
            if len(these) > _FEW:
                return [_state(row) for row in work.connection.execute(_STATES, {"these": these})]
            found = (_STATE.rows(work.connection, {"this": each}) for each in these)
            return [_state(row) for rows in found for row in rows]

    def status_changes(self, after: int, limit: int) -> StatusChanges:
        """Certificates issued or revoked after a position; see the port."""
        asked = {"after": after, "limit": limit}
        with self._numbering:
            with self._database.read() as work:
                untold = [row.serial_number for row in _UNTOLD_FIRST.rows(work.connection, asked)]
                rows = _CHANGED.rows(work.connection, asked)
            if untold:
                with self._database.change() as work:
                    _number(work.connection, untold)
                    rows = _CHANGED.rows(work.connection, asked)
        return StatusChanges(rows[-1].status_position if rows else after, [_state(row) for row in rows])


def _number(connection: Connection, serial_numbers: Sequence[str]) -> None:
    for position, serial_number in enumerate(serial_numbers, next_status_position(connection)):
        _TELL.change(connection, {"this": serial_number, "status_position": position})


def next_status_position(connection: Connection) -> int:
    """After the highest that was ever given, whether its certificate still has it or was revoked since."""
    return 1 + max(highest or 0 for highest in _HIGHEST.first(connection) or ())


def _state(row: Any) -> CertificateState:
    revoked = (
        None
        if row.reason is None
        else Revocation(row.serial_number, RevocationReason(row.reason), row.revoked_at)
    )
    return CertificateState(row.serial_number, row.issuing_ca, row.not_after, revoked)
