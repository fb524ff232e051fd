"""One-time codes and authenticator apps in the database."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from app.domain.one_time_code import MOST_TRIES, Authenticator, Channel, UnlockCode
from app.storage.tables.unlocking import authenticator, unlock_code

_OF_CODE = [unlock_code.c[name] for name in UnlockCode.__dataclass_fields__]
_OF_APP = [authenticator.c[name] for name in Authenticator.__dataclass_fields__]


class UnlockCodes:
    """Codes that were sent."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def add(self, code: UnlockCode) -> None:
        """Keep a code; an earlier one of the person that was not used stops working."""
        open_ones = (unlock_code.c.uid == code.uid) & unlock_code.c.used_at.is_(None)
        self._connection.execute(delete(unlock_code).where(open_ones))
        row = {**asdict(code), "channel": code.channel.value, "made_at": self._now}
        self._connection.execute(insert(unlock_code).values(row))

    def count_try(self, request_hash: str) -> UnlockCode | None:
        """Count one try; the code when it may still be tried. One statement, so that no try is lost."""
        counted = (
            update(unlock_code)
            .where(
                unlock_code.c.request_hash == request_hash,
                unlock_code.c.used_at.is_(None),
                unlock_code.c.expires_at > self._now,
                unlock_code.c.tries < MOST_TRIES,
            )
            .values(tries=unlock_code.c.tries + 1)
            .returning(*_OF_CODE)
        )
        row = self._connection.execute(counted).one_or_none()
        return UnlockCode(**{**row._mapping, "channel": Channel(row.channel)}) if row else None

    def use(self, request_hash: str) -> bool:
        """Use the code up; whether nobody else did at the same moment."""
        unused = (unlock_code.c.request_hash == request_hash) & unlock_code.c.used_at.is_(None)
        return (
            self._connection.execute(update(unlock_code).where(unused).values(used_at=self._now)).rowcount
            == 1
        )

    def forget_ended(self) -> int:
        """Remove what was used or has run out; answers how many."""
        ended = unlock_code.c.used_at.is_not(None) | (unlock_code.c.expires_at <= self._now)
        return self._connection.execute(delete(unlock_code).where(ended)).rowcount


class Authenticators:
    """Authenticator apps."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def of(self, uid: str) -> Authenticator | None:
        """The person's app."""
        row = self._connection.execute(select(*_OF_APP).where(authenticator.c.uid == uid)).one_or_none()
        return Authenticator(**row._mapping) if row else None

    def begin(self, uid: str, sealed_secret: bytes) -> None:
        """Keep a new secret in place of an earlier one; it works once it is confirmed."""
        self.remove(uid)
        row = {"uid": uid, "sealed_secret": sealed_secret, "enrolled_at": self._now, "last_step": 0}
        self._connection.execute(insert(authenticator).values(row))

    def confirm(self, uid: str) -> None:
        """Let the app's codes work."""
        of_person = update(authenticator).where(authenticator.c.uid == uid)
        self._connection.execute(of_person.values(confirmed_at=self._now))

    def use_step(self, uid: str, step: int) -> bool:
        """Accept the code of this time step, unless it or a later one was accepted before."""
        later = (authenticator.c.uid == uid) & (authenticator.c.last_step < step)
        return (
            self._connection.execute(update(authenticator).where(later).values(last_step=step)).rowcount == 1
        )

    def remove(self, uid: str) -> None:
        """Forget the app."""
        self._connection.execute(delete(authenticator).where(authenticator.c.uid == uid))
