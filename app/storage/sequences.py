"""Numbers that are given out once, each name counting by itself."""

from __future__ import annotations

from sqlalchemy import Connection

from app.storage.tables.sequences import sequence
from app.storage.upsert import insert_or


class Sequences:
    """The counters. A number is used up when its transaction commits; a rolled back one is given again."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def next(self, name: str) -> int:
        """The next number of this name, from 1. Others who want one of the same name wait for the commit."""
        counted = (
            insert_or(self._connection, sequence)
            .values(name=name, next_value=2)
            .on_conflict_do_update(index_elements=["name"], set_={"next_value": sequence.c.next_value + 1})
            .returning(sequence.c.next_value - 1)
        )
        number: int = self._connection.scalars(counted).one()
        return number
