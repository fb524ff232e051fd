"""The CAs that the root revoked, in the certificate authority's database."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select

from app.ca.authority_revocation import AuthorityRevocation
from app.ca.refusals import AuthorityRevoked
from app.domain.revocation import RevocationReason
from app.storage.ca.tables import certificate, revocation, revoked_authority
from app.storage.database import Database


class RevokedAuthorityStore:
    """The record (``app.ca.authority_revocation.RevokedAuthorities``)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[AuthorityRevocation]:
        """Every one, those recorded first before the others."""
        chosen = select(revoked_authority).order_by(revoked_authority.c.recorded_at, revoked_authority.c.name)
        with self._database.read() as work:
            return [_of(row) for row in work.connection.execute(chosen)]

    def record(self, revoked: AuthorityRevocation, at: datetime) -> None:
        """Keep it; a second time changes nothing."""
        this = select(revoked_authority.c.name).where(revoked_authority.c.name == revoked.name)
        with self._database.change() as work:
            if work.connection.execute(this).first() is None:
                work.connection.execute(insert(revoked_authority).values(**_row_of(revoked), recorded_at=at))

    def certificates_in_force(self, name: str, now: datetime) -> int:
        """How many certificates of the CA are signed, not revoked and not expired."""
        revoked = select(revocation.c.serial_number)
        counted = (
            select(func.count())
            .select_from(certificate)
            .where(
                certificate.c.issuing_ca == name,
                certificate.c.der.is_not(None),
                certificate.c.not_after > now,
                certificate.c.serial_number.not_in(revoked),
            )
        )
        with self._database.read() as work:
            return work.connection.scalar(counted) or 0


def authority_revoked(name: str) -> AuthorityRevoked:
    """The refusal of what needs a CA that the root has revoked."""
    return AuthorityRevoked(
        f"The root has revoked the certificate authority {name}: nothing is issued under it, and no "
        "signature of its cards counts. Tell those who run the certificate authority."
    )


def _row_of(revoked: AuthorityRevocation) -> dict[str, Any]:
    return {
        "name": revoked.name,
        "reason": revoked.reason.value,
        "revoked_at": revoked.revoked_at,
        "because": revoked.because,
        "witnesses": json.dumps(revoked.witnesses, ensure_ascii=False),
        "digest": revoked.digest,
    }


def _of(row: Row[Any]) -> AuthorityRevocation:
    return AuthorityRevocation(
        name=row.name,
        reason=RevocationReason(row.reason),
        revoked_at=row.revoked_at,
        because=row.because,
        witnesses=tuple(json.loads(row.witnesses)),
        digest=row.digest,
    )
