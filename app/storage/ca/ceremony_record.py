"""What the key ceremony made, in the certificate authority's database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from app.ca.ceremony_record import AuthorityKey, AuthorityKind
from app.ca.refusals import CeremonyChanged
from app.domain.certificate_profile import KeyType
from app.storage.ca.tables import authority_key, ceremony, founding_entry
from app.storage.database import Database


class CeremonyStore:
    """The record of the ceremony (``app.ca.ports.CeremonyRecord``)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(
        self, ceremony_digest: str, founding_digest: str, founders: Sequence[str], at: datetime
    ) -> None:
        """Fix the ceremony file and the founding record; see the port."""
        with self._database.change() as work:
            row = work.connection.execute(select(ceremony)).one_or_none()
            if row is None:
                values = {"id": 1, "ceremony_digest": ceremony_digest, "founding_digest": founding_digest}
                work.connection.execute(insert(ceremony).values(**values, began_at=at))
                work.connection.execute(insert(founding_entry), [{"name": name} for name in founders])
            elif (row.ceremony_digest, row.founding_digest) != (ceremony_digest, founding_digest):
                raise CeremonyChanged(
                    "A key ceremony was held with another ceremony or founding file. Use that file again, "
                    "or begin with an empty folder for the certificate authority."
                )

    def key(self, name: str) -> AuthorityKey | None:
        """What was made under this name."""
        with self._database.read() as work:
            chosen = select(authority_key).where(authority_key.c.name == name)
            row = work.connection.execute(chosen).one_or_none()
        return _key_of(row) if row else None

    def keys(self) -> list[AuthorityKey]:
        """All that was made, oldest first."""
        with self._database.read() as work:
            rows = work.connection.execute(select(authority_key).order_by(authority_key.c.position)).all()
        return [_key_of(row) for row in rows]

    def record(self, key: AuthorityKey, at: datetime) -> None:
        """Keep what was made."""
        with self._database.change() as work:
            count = work.connection.scalar(select(func.count()).select_from(authority_key)) or 0
            work.connection.execute(
                insert(authority_key).values(
                    name=key.name,
                    position=count + 1,
                    kind=key.kind.value,
                    key_type=key.key_type.value,
                    public_key=key.public_key,
                    spki_sha256=sha256(key.public_key).hexdigest(),
                    certificate=key.certificate,
                    made_at=at,
                )
            )

    def is_complete(self) -> bool:
        """Whether the ceremony came to its end."""
        with self._database.read() as work:
            return work.connection.scalar(select(ceremony.c.completed_at)) is not None

    def complete(self, at: datetime) -> None:
        """Record that the ceremony came to its end; again changes nothing."""
        with self._database.change() as work:
            work.connection.execute(
                update(ceremony).where(ceremony.c.completed_at.is_(None)).values(completed_at=at)
            )


def _key_of(row: Row[Any]) -> AuthorityKey:
    return AuthorityKey(
        name=row.name,
        kind=AuthorityKind(row.kind),
        key_type=KeyType(row.key_type),
        public_key=row.public_key,
        certificate=row.certificate,
    )
