"""Cards put into any state of their life, without living up to it."""

from __future__ import annotations

from sqlalchemy import insert

from app.domain.card_status import CardStatus
from app.storage.database import Database
from app.storage.tables.cards import card


def card_in(database: Database, status: CardStatus, holder_uid: str | None) -> str:
    """A new card of the holder in this state; its serial. The triggers guard changes, not what begins."""
    serial = f"in-{status.value}-{holder_uid or 'nobody'}"
    with database.change() as work:
        work.connection.execute(
            insert(card).values(
                serial=serial,
                card_profile="softhsm",
                holder_uid=holder_uid,
                status=status.value,
                registered_at=work.now,
            )
        )
    return serial
