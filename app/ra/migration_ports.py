"""What migrating from another directory needs from outside."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from app.domain.actor import Actor
from app.domain.json_value import JsonValue
from app.domain.organisation import Organisation
from app.domain.professional_registration import ProfessionalRegistration
from app.domain.rbac import NationalRoles
from app.domain.role_profile import OrganisationPerson, RoleProfile
from app.domain.system import AccreditedSystem, MessageHandlingSystem
from app.ra.mapping_old_entries import MigratedPerson, PlaceOf
from app.ra.old_entries import Kind, OldEntry
from app.ra.ports import AuditLog, Outbox

Value = (
    Organisation
    | MigratedPerson
    | OrganisationPerson
    | RoleProfile
    | AccreditedSystem
    | MessageHandlingSystem
)


@dataclass(frozen=True)
class Finding:
    """Something that could not be taken over: an entry (refused), or a part of one (reduced)."""

    source: str
    place: int
    dn: str
    kind: str
    reason: str


@dataclass(frozen=True)
class Taken:
    """One entry as it is kept. An empty ``digest`` has the next import try again."""

    id: str
    digest: str
    value: Value


@dataclass(frozen=True)
class Migration:
    """How far the migration has come."""

    source: str
    followed_to: int | None
    cut_over_at: datetime | None


@dataclass(frozen=True)
class OldChange:
    """One change of the old directory's log. ``changes`` is the fragment of LDIF that tells it."""

    number: int
    type: str
    dn: str
    changes: str


class Migrated(Protocol):
    """``app.storage.migrated``."""

    def state(self) -> Migration | None: ...
    def begin(self, source: str) -> None: ...
    def note_followed(self, number: int) -> None: ...
    def cut_over(self) -> None: ...
    def note(self, findings: Sequence[Finding]) -> None: ...
    def digests(self, kind: Kind, ids: Collection[str]) -> dict[str, str]: ...
    def existing(self, kind: Kind, ids: Collection[str]) -> set[str]: ...
    def places(self, uids: Collection[str]) -> dict[tuple[str, str], PlaceOf]: ...
    def owners(self, numbers: Collection[str]) -> dict[ProfessionalRegistration, str]: ...
    def positions(self, codes: Collection[str]) -> dict[str, str]: ...
    def add_positions(self, ids: Mapping[str, str]) -> None: ...
    def save(self, kind: Kind, taken: Sequence[Taken]) -> None: ...
    def end(self, kind: Kind, identifier: str) -> None: ...


class Organisations(Protocol):
    """Which organisations there are."""

    def known(self, codes: Collection[str]) -> set[str]: ...


class Rbac(Protocol):
    """``app.storage.rbac``."""

    def current(self) -> NationalRoles: ...


class Sequences(Protocol):
    """``app.storage.sequences``."""

    def next(self, name: str) -> int: ...
    def past(self, name: str, number: int) -> None: ...


class Work(Protocol):
    """One open transaction."""

    @property
    def now(self) -> datetime: ...
    @property
    def audit(self) -> AuditLog: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def migrated(self) -> Migrated: ...
    @property
    def organisations(self) -> Organisations: ...
    @property
    def rbac(self) -> Rbac: ...
    @property
    def sequences(self) -> Sequences: ...


class Database(Protocol):
    """``app.storage.database.Database``."""

    def read(self) -> AbstractContextManager[Work]:
        """A read-only snapshot."""

    def audited(
        self, actor: Actor, event: str, subject: str, **details: JsonValue
    ) -> AbstractContextManager[Work]:
        """One transaction with exactly one audit event, allowed or refused."""


class OldFile(Protocol):
    """The old directory's LDIF, sorted by kind."""

    @property
    def source(self) -> str:
        """Its name, as findings tell it."""

    @property
    def digest(self) -> str:
        """SHA-256 of the file."""

    @property
    def counts(self) -> Mapping[Kind, int]:
        """How many entries of each kind it holds."""

    @property
    def unreadable(self) -> Iterator[Finding]:
        """The records that could not be read."""

    def entries(self, kind: Kind) -> Iterator[OldEntry]:
        """The entries of a kind, in the file's order."""


class OldLog(Protocol):
    """The old directory's change log."""

    @property
    def source(self) -> str:
        """Where it is read, as findings tell it."""

    def held(self) -> tuple[int, int]:
        """The lowest and the highest number held. Raises Unavailable."""

    def change(self, number: int) -> OldChange | None:
        """The change with this number. Raises Unavailable."""


class Present(Protocol):
    """What this product would publish now, to which a modification of the old directory is applied."""

    def attributes(self, work: Any, dn: str) -> Mapping[str, tuple[str, ...]] | None:
        """The entry's attributes by name in lower case, in the same transaction; None when there is none."""


class Fragments(Protocol):
    """Reads the LDIF of a log's changes. None when it cannot be read."""

    def attributes(self, changes: str) -> Mapping[str, tuple[str, ...]] | None:
        """Of an addition."""

    def modified(
        self, attributes: Mapping[str, tuple[str, ...]], changes: str
    ) -> Mapping[str, tuple[str, ...]] | None:
        """The attributes after a modification."""
