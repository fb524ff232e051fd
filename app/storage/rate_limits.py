"""How often something was tried in the current window, counted in the database for all servers together."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, case, delete, select

from app.storage.prepared import Prepared
from app.storage.tables.rate_limits import rate_limit
from app.storage.upsert import INSERTS, Insert


def _count(database: str) -> Insert:
    one = INSERTS[database](rate_limit).values(tries=1)
    is_over = rate_limit.c.window_ends_at <= bindparam("now", type_=rate_limit.c.window_ends_at.type)
    ends_at = case((is_over, one.excluded.window_ends_at), else_=rate_limit.c.window_ends_at)
    return one.on_conflict_do_update(
        index_elements=["name", "key"],
        set_={"tries": case((is_over, 1), else_=rate_limit.c.tries + 1), "window_ends_at": ends_at},
    )


_NOW = bindparam("now", type_=rate_limit.c.window_ends_at.type)
_TRIES = Prepared(
    select(rate_limit.c.tries).where(
        rate_limit.c.name == bindparam("name"),
        rate_limit.c.key == bindparam("key"),
        rate_limit.c.window_ends_at > _NOW,
    )
)
_COUNT = Prepared({database: _count(database).returning(rate_limit.c.tries) for database in INSERTS})


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
        values = {"name": name, "key": key, "window_ends_at": self._now + window, "now": self._now}
        ((tries,),) = _COUNT.rows(self._connection, values)
        return bool(tries <= limit)

    def tries(self, name: str, key: str) -> int:
        """How many tries were counted in the window that it is in; 0 when that is over."""
        found = _TRIES.first(self._connection, {"name": name, "key": key, "now": self._now})
        return found.tries if found else 0

    def forget(self, name: str, key: str) -> None:
        """Begin a new window, e.g. after the right password."""
        self._connection.execute(delete(rate_limit).where(rate_limit.c.name == name, rate_limit.c.key == key))

    def forget_ended(self) -> int:
        """Remove the windows that are over; answers how many."""
        return self._connection.execute(
            delete(rate_limit).where(rate_limit.c.window_ends_at <= self._now)
        ).rowcount
