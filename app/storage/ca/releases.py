"""The certificate authority's record of released SO PINs, in its own database."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from app.domain.so_pin_release import ReleaseBasis, SoPinReleaseOrder
from app.storage.ca.tables import so_pin_release
from app.storage.database import Database
from app.storage.upsert import insert_or


class Releases:
    """``app.ca.ports.ReleaseLedger``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def is_recorded(self, job_id: str, recipient: str) -> bool:
        """Whether this release was made before."""
        chosen = select(so_pin_release.c.job_id).where(
            so_pin_release.c.job_id == job_id, so_pin_release.c.recipient == recipient
        )
        with self._database.read() as work:
            return work.connection.execute(chosen).first() is not None

    def is_answered(self, recipient: str) -> bool:
        """Whether anything was released to this recipient before, in whatever job."""
        chosen = select(so_pin_release.c.job_id).where(so_pin_release.c.recipient == recipient)
        with self._database.read() as work:
            return work.connection.execute(chosen).first() is not None

    def record(self, order: SoPinReleaseOrder, recipient: str, at: datetime) -> None:
        """Record a release before it is made."""
        row = {
            "job_id": order.job_id,
            "recipient": recipient,
            "card_serial": order.card_serial,
            "basis": order.basis.value,
            "released_at": at,
        }
        with self._database.change() as work:
            recorded = insert_or(work.connection, so_pin_release).values(row)
            work.connection.execute(recorded.on_conflict_do_nothing())

    def count(self, basis: ReleaseBasis, since: datetime, card_serial: str | None = None) -> int:
        """How many releases rested on that since then, of one card or in all."""
        chosen = select(func.count()).where(
            so_pin_release.c.basis == basis.value, so_pin_release.c.released_at > since
        )
        if card_serial is not None:
            chosen = chosen.where(so_pin_release.c.card_serial == card_serial)
        with self._database.read() as work:
            return work.connection.scalar(chosen) or 0
