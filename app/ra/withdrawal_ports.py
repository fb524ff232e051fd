"""What withdrawing access needs from the database. Each method is described in ``app/storage``."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from app.domain.actor import Actor
from app.domain.json_value import JsonValue
from app.domain.role_profile import RoleProfile
from app.ra import ports, repositories


class RoleProfiles(repositories.RoleProfiles, Protocol):
    """``app.storage.role_profiles``."""

    def get(self, role_profile_id: str) -> RoleProfile | None: ...
    def get_to_withdraw(self, role_profile_id: str) -> RoleProfile | None: ...
    def withdraw(self, role_profile_id: str, by: str, at: datetime) -> None: ...


class Work(ports.Work, Protocol):
    """One open transaction."""

    @property
    def role_profiles(self) -> RoleProfiles: ...


class Database(Protocol):
    """``app.storage.database.Database``."""

    def read(self) -> AbstractContextManager[Work]:
        """A read-only snapshot."""

    def audited(
        self, actor: Actor, event: str, subject: str, **details: JsonValue
    ) -> AbstractContextManager[Work]:
        """One transaction with exactly one audit event, allowed or refused."""
