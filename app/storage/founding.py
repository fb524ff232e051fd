"""The one founding ceremony in the database."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, select

from app.domain.founding import AlreadyFounded, FoundingRecord
from app.storage.conflicts import conflict_means
from app.storage.role_profiles import FOUNDING_ID
from app.storage.tables import access as tables

_founding = tables.founding


class Founding:
    """Whether and how the registration authority was founded."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def record(self, founding: FoundingRecord, at: datetime) -> None:
        """Keep the ceremony.

        Raises:
            AlreadyFounded
        """
        already = AlreadyFounded(
            "The registration authority was already founded. People are added by registering them."
        )
        with conflict_means(already):
            self._connection.execute(
                insert(_founding).values(
                    id=FOUNDING_ID,
                    digest=founding.digest,
                    organisation_code=founding.organisation_code,
                    held_on=founding.held_on,
                    witnesses=list(founding.witnesses),
                    at=at,
                )
            )

    def get(self) -> FoundingRecord | None:
        """The ceremony's record; None when it was not held yet."""
        row = self._connection.execute(select(_founding)).one_or_none()
        if row is None:
            return None
        return FoundingRecord(row.digest, row.organisation_code, row.held_on, tuple(row.witnesses))
