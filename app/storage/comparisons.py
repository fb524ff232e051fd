"""What came of comparing the directory with the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from app.storage.tables.comparisons import comparison


@dataclass(frozen=True)
class Comparison:
    """One round over everything.

    Attributes:
        compared: keys of the database that were compared.
        mended: entries that differed and were announced again.
        strangers: entries of the directory that nobody published and nothing removes; ``named`` are some.
    """

    ended_at: datetime
    compared: int
    mended: int
    strangers: int
    named: Sequence[str]


class Comparisons:
    """The round that ended last."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def add(self, compared: int, mended: int, strangers: int, named: Sequence[str]) -> None:
        """Note that a round ended; the one before is forgotten."""
        self._connection.execute(delete(comparison))
        row = {"ended_at": self._now, "compared": compared, "mended": mended, "strangers": strangers}
        self._connection.execute(insert(comparison).values(**row, named=list(named)))

    def newest(self) -> Comparison | None:
        """What came of the last round; None when none has ended."""
        row = self._connection.execute(select(comparison)).one_or_none()
        return Comparison(**row._mapping) if row else None
