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

    def past(self, name: str, number: int) -> None:
        """Give out no number of this name up to that one, which somebody else gave out."""
        wanted = insert_or(self._connection, sequence).values(name=name, next_value=number + 1)
        behind = sequence.c.next_value < wanted.excluded.next_value
        self._connection.execute(
            wanted.on_conflict_do_update(
                index_elements=["name"], set_={"next_value": wanted.excluded.next_value}, where=behind
            )
        )
