"""When and why cards were printed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, insert, select

from app.domain.actor import Actor
from app.domain.card_face import Printing, Sides
from app.storage.tables.card_printings import card_printing as _printing


class CardPrintings:
    """Every time that a card was printed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, serial: str, holder_uid: str) -> list[Printing]:
        """How often a card was printed for this holder, oldest first."""
        this = (_printing.c.card_serial == serial, _printing.c.holder_uid == holder_uid)
        chosen = select(_printing).where(*this).order_by(_printing.c.number)
        return [_printing_of(row) for row in self._connection.execute(chosen)]

    def add(self, serial: str, holder_uid: str, by: Actor, printing: Printing, digest: str) -> None:
        """Keep that it was printed."""
        fields = {name: getattr(printing, name) for name in Printing.__dataclass_fields__}
        self._connection.execute(
            insert(_printing).values(
                **{**fields, "sides": printing.sides.value},
                card_serial=serial,
                holder_uid=holder_uid,
                role_profile=by.role_profile_id,
                digest=digest,
            )
        )


def _printing_of(row: Row[Any]) -> Printing:
    fields = {name: row._mapping[name] for name in Printing.__dataclass_fields__}
    return Printing(**{**fields, "sides": Sides(fields["sides"])})
