"""Computers that unlock cards without network, in the database."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from app.domain.workstation import Workstation
from app.storage.tables.offline_workstations import offline_workstation as _table

_FIELDS = [_table.c[name] for name in Workstation.__dataclass_fields__]


class OfflineWorkstations:
    """Registered and invited computers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, workstation: Workstation) -> None:
        """Keep an invited computer."""
        self._connection.execute(insert(_table).values(asdict(workstation)))

    def get(self, workstation_id: str) -> Workstation | None:
        """The computer with this id."""
        row = self._connection.execute(select(*_FIELDS).where(_table.c.id == workstation_id)).one_or_none()
        return Workstation(**row._mapping) if row else None

    def all(self) -> list[Workstation]:
        """Every computer, newest first."""
        chosen = select(*_FIELDS).order_by(_table.c.registered_at.desc())
        return [Workstation(**row._mapping) for row in self._connection.execute(chosen)]

    def register(self, ticket_hash: str, wrapped_key: bytes, invited_after: datetime) -> Workstation | None:
        """Use an invitation that is not too old; the computer, or None. Of two uses one succeeds."""
        used = (
            update(_table)
            .where(_table.c.ticket_hash == ticket_hash, _table.c.registered_at > invited_after)
            .values(ticket_hash=None, wrapped_key=wrapped_key)
            .returning(*_FIELDS)
        )
        row = self._connection.execute(used).one_or_none()
        return Workstation(**row._mapping) if row else None

    def retire(self, workstation_id: str, at: datetime) -> None:
        """Let its challenges be refused from now on."""
        self._connection.execute(
            update(_table).where(_table.c.id == workstation_id).values(retired_at=at, ticket_hash=None)
        )
