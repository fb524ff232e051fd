"""How often something was tried in the current window, counted in the database for all servers together."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, case, delete

from app.storage.tables.rate_limits import rate_limit
from app.storage.upsert import insert_or


class RateLimits:
    """Counters of tries. Use them in a transaction of their own, or a refusal rolls back the count."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def allows(self, name: str, key: str, limit: int, window: timedelta) -> bool:
        """Count one try; whether it is among the first ``limit`` of its window.

        A window begins with the first try after the last one ended. One statement, so that tries at the same
        moment are all counted.
        """
        insert = insert_or(self._connection, rate_limit)
        is_over = rate_limit.c.window_ends_at <= self._now
        ends_at = self._now + window
        counted = (
            insert.values(name=name, key=key, window_ends_at=ends_at, tries=1)
            .on_conflict_do_update(
                index_elements=["name", "key"],
                set_={
                    "tries": case((is_over, 1), else_=rate_limit.c.tries + 1),
                    "window_ends_at": case(
                        (is_over, insert.excluded.window_ends_at), else_=rate_limit.c.window_ends_at
                    ),
                },
            )
            .returning(rate_limit.c.tries)
        )
        tries: int = self._connection.scalars(counted).one()
        return tries <= limit

    def forget(self, name: str, key: str) -> None:
        """Begin a new window, e.g. after the right password."""
        self._connection.execute(delete(rate_limit).where(rate_limit.c.name == name, rate_limit.c.key == key))

    def forget_ended(self) -> int:
        """Remove the windows that are over; answers how many."""
        return self._connection.execute(
            delete(rate_limit).where(rate_limit.c.window_ends_at <= self._now)
        ).rowcount
