"""Browser sessions: kept in the database, so that they can be ended from anywhere, at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from app.domain.actor import Actor
from app.domain.json_value import JsonValue
from app.domain.permissions_policy import PermissionsPolicy
from app.signin.opaque_value import hash_of, new_id
from app.signin.ports import SignInDatabase
from app.signin.session import (
    ANONYMOUS_LIFETIME,
    DEFAULT_LIMITS,
    LiveSession,
    SessionLimits,
    SignedInPerson,
    actor_of,
)


class BrowserSessions:
    """Sessions by the key in the browser's cookie. Nothing is cached: an ended session is refused at once."""

    def __init__(
        self, database: SignInDatabase, policy: PermissionsPolicy, limits: SessionLimits = DEFAULT_LIMITS
    ) -> None:
        self._database = database
        self._policy = policy
        self._limits = limits

    def open(self, key: str) -> LiveSession | None:
        """The session, its use noted; without its person when it was not used for too long.

        Returns:
            None when there is none, it has ended, or it has expired.
        """
        key_hash = hash_of(key)
        with self._database.read() as work:
            session, now = work.sessions.live(key_hash, work.now.date()), work.now
        if session is None:
            return None
        if session.is_idle(now, self._limits):
            return replace(session, person=None)
        if session.needs_noting(now):
            with self._database.change() as work:
                work.sessions.note_use(key_hash)
        return session

    def start(self, key: str, data: Mapping[str, JsonValue]) -> None:
        """Keep the session of a browser that comes for the first time."""
        with self._database.change() as work:
            work.sessions.add(new_id(), hash_of(key), data, work.now + ANONYMOUS_LIFETIME)

    def save(self, key: str, data: Mapping[str, JsonValue]) -> None:
        """Keep what the pages want to find again."""
        with self._database.change() as work:
            work.sessions.save(hash_of(key), data)

    def actor(self, person: SignedInPerson, address: str, request_id: str) -> Actor:
        """The person in the chosen role."""
        return actor_of(person, self._policy, address, request_id)

    def end(self, actor: Actor, session_id: str, reason: str) -> bool:
        """End a session; relying parties that know it are told. False when it had ended before."""
        with self._database.change() as work:
            return work.sessions.end(session_id, reason, actor)

    def end_all(self, uid: str, reason: str) -> int:
        """End every session of a person; answers how many."""
        with self._database.change() as work:
            return work.sessions.end_all(uid, reason)

    def forget_old(self, before: datetime) -> int:
        """Remove what ended or expired before that instant; answers how many sessions."""
        with self._database.change() as work:
            return work.sessions.forget_old(before)
