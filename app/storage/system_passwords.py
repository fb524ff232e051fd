"""Hashes of accredited systems' passwords in the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from app.storage.tables.systems import system_password as _password


class SystemPasswords:
    """The one password that a system may have."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, asid: str, password_hash: str, at: datetime) -> None:
        """Keep the hash of a new password; the one before counts no more."""
        self.remove(asid)
        row = {"asid": asid, "password_hash": password_hash, "given_at": at}
        self._connection.execute(insert(_password).values(row))

    def remove(self, asid: str) -> bool:
        """Forget a system's password; whether it had one."""
        return self._connection.execute(delete(_password).where(_password.c.asid == asid)).rowcount > 0

    def of(self, asids: Collection[str] = ()) -> Mapping[str, str]:
        """The hash of each system that has a password: of one when one is asked for, else of all."""
        chosen = select(_password.c.asid, _password.c.password_hash)
        if len(asids) == 1:
            chosen = chosen.where(_password.c.asid.in_(asids))
        return {row.asid: row.password_hash for row in self._connection.execute(chosen)}
