"""What deciding on closings needs from the database. Each method is described in ``app/storage``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Protocol

from app.domain.actor import Actor
from app.domain.json_value import JsonValue
from app.domain.organisation_closing import Closing
from app.ra import ports


class Closings(Protocol):
    """``app.storage.organisation_closings``."""

    def all_open(self) -> list[Closing]: ...
    def get(self, closing_id: str) -> Closing | None: ...
    def get_to_change(self, closing_id: str) -> Closing | None: ...
    def decide(self, closing: Closing, role_profile: str | None) -> None: ...
    def role_profile_owners(self, organisation_code: str) -> list[str]: ...
    def end_role_profiles(self, ids: Sequence[str], on: date, withdrawn_at: datetime) -> None: ...
    def close_positions(self, ids: Sequence[str]) -> None: ...


class Outbox(ports.Outbox, Protocol):
    """Announcements, also many at once."""

    def add_all(self, topic: str, keys: Collection[str]) -> None: ...


class Work(ports.Work, Protocol):
    """One open transaction."""

    @property
    def closings(self) -> Closings: ...
    @property
    def outbox(self) -> Outbox: ...


class Database(Protocol):
    """``app.storage.database.Database``."""

    def read(self) -> AbstractContextManager[Work]:
        """A read-only snapshot."""

    def audited(
        self, actor: Actor, event: str, subject: str, **details: JsonValue
    ) -> AbstractContextManager[Work]:
        """One transaction with exactly one audit event, allowed or refused."""
