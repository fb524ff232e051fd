"""What imports need from the database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Protocol

from app.domain.actor import Actor
from app.domain.json_value import JsonValue
from app.domain.organisation import Membership, Organisation
from app.domain.rbac import NationalRoles
from app.domain.system import AccreditedSystem, MessageHandlingSystem
from app.ra.importing_rows import RefusedRow
from app.ra.ports import AuditLog, Outbox
from app.ra.raising_closings import Closings
from app.ra.repositories import Sequences

Stored = Callable[[int], None]
"""Told how many were stored so far."""


class Organisations(Protocol):
    """``app.storage.organisations``: what the import asks of it."""

    def all(self) -> dict[str, Organisation]:
        """Every organisation by code."""

    def all_memberships(self) -> set[Membership]:
        """Every membership."""

    def save(self, organisations: Sequence[Organisation], now: datetime, stored: Stored) -> None:
        """Keep them, over older ones of the same code."""

    def save_memberships(self, memberships: Sequence[Membership], stored: Stored) -> None:
        """Keep them, over older ones of the same organisation, parent, kind and joining date."""

    def known(self, codes: Collection[str]) -> set[str]:
        """Which of the codes belong to an organisation."""


class Rbac(Protocol):
    """``app.storage.rbac``: what the import asks of it."""

    def digest_on(self, day: date) -> str | None:
        """The digest of the version that is in force on that day; None when there is none."""

    def has_version_from(self, day: date) -> bool:
        """Whether a version begins on exactly that day."""

    def add(self, roles: NationalRoles, digest: str, now: datetime) -> None:
        """Keep a new version."""


class Systems(Protocol):
    """``app.storage.systems``: what the loader asks of it."""

    def accredited_system_of(self, organisation_code: str, product: str) -> AccreditedSystem | None:
        """The accredited system of that product there."""

    def message_handling_system_of(self, party_key: str, interaction: str) -> MessageHandlingSystem | None:
        """Where that interaction of the party is reached."""

    def add(self, system: AccreditedSystem) -> None:
        """Register an accredited system."""

    def add_message_handling_system(self, system: MessageHandlingSystem) -> None:
        """Register where an interaction is reached."""


class ImportRuns(Protocol):
    """``app.storage.import_runs``."""

    def record(
        self, kind: str, source: str, counts: Mapping[str, int], refused: Iterable[RefusedRow], at: datetime
    ) -> None:
        """Keep what an import did and which rows it refused."""


class Work(Protocol):
    """One open transaction."""

    @property
    def now(self) -> datetime: ...
    @property
    def audit(self) -> AuditLog: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def organisations(self) -> Organisations: ...
    @property
    def rbac(self) -> Rbac: ...
    @property
    def systems(self) -> Systems: ...
    @property
    def sequences(self) -> Sequences: ...
    @property
    def closings(self) -> Closings: ...
    @property
    def import_runs(self) -> ImportRuns: ...


class Database(Protocol):
    """``app.storage.database.Database``."""

    def audited(
        self, actor: Actor, event: str, subject: str, **details: JsonValue
    ) -> AbstractContextManager[Work]:
        """One transaction with exactly one audit event, allowed or refused."""
