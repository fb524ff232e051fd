"""Who is signed in here: kept in this process, so that the provider can end a visit from its side.

A service with several processes keeps visits in its database instead.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

IDLE = timedelta(minutes=15)
LONGEST = timedelta(hours=10)


@dataclass(frozen=True)
class Role:
    """The role profile that the person chose at sign-in.

    Attributes:
        activities: everything it lets its holder do, code to name.
    """

    id: str
    name: str
    organisation_code: str
    organisation_name: str
    activities: Mapping[str, str]

    @property
    def in_words(self) -> str:
        """The last of the national name's three quoted parts."""
        return self.name.rpartition(":")[2].strip('"')


@dataclass(frozen=True)
class Visit:
    """One person signed in with one browser.

    Attributes:
        session_id: the provider's ``sid``.
        id_token: for signing out.
        role: None when the person has none.
    """

    session_id: str
    user_id: str
    name: str
    role: Role | None
    id_token: str
    began_at: datetime
    last_used_at: datetime

    def counts_at(self, now: datetime) -> bool:
        """Whether it was used lately and did not begin too long ago."""
        return now - self.last_used_at <= IDLE and now - self.began_at <= LONGEST


class Visits:
    """All visits by the value in the browser's cookie."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._visits: dict[str, Visit] = {}

    def begin(self, visit: Visit) -> str:
        """Keep a visit; answers the value for the cookie."""
        key = secrets.token_urlsafe(32)
        with self._lock:
            self._visits[key] = visit
        return key

    def find(self, key: str) -> Visit | None:
        """The visit, its use noted; None when it has ended."""
        now = self._clock()
        with self._lock:
            visit = self._visits.get(key)
            if visit is None or not visit.counts_at(now):
                self._visits.pop(key, None)
                return None
            self._visits[key] = replace(visit, last_used_at=now)
            return visit

    def end(self, key: str) -> Visit | None:
        """End one visit."""
        with self._lock:
            return self._visits.pop(key, None)

    def end_session(self, session_id: str) -> int:
        """End every visit of one session at the provider; answers how many."""
        with self._lock:
            ended = [key for key, visit in self._visits.items() if visit.session_id == session_id]
            for key in ended:
                del self._visits[key]
        return len(ended)
