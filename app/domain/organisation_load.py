"""A load of organisations: a file that was handed in, what it would change, and whether that was applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from app.domain.organisation_change import APPLIED, Change
from app.errors import Refusal

LARGEST_UPLOAD = 256 * 1024 * 1024
"""The largest file that a browser may hand in, in bytes; packed, the national full file has about 40 MB."""


class LoadKind(StrEnum):
    """Whether the file has every organisation, or only those that changed."""

    FULL = "full"
    DELTA = "delta"


class LoadStatus(StrEnum):
    """How far a load has come."""

    ARRIVING = "arriving"
    WAITING = "waiting"
    READING = "reading"
    PREVIEWED = "previewed"
    APPLYING = "applying"
    APPLIED = "applied"
    DISCARDED = "discarded"
    FAILED = "failed"

    @property
    def is_moving(self) -> bool:
        """Whether it goes on by itself."""
        return self in (LoadStatus.WAITING, LoadStatus.READING, LoadStatus.APPLYING)

    @property
    def is_over(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self in (LoadStatus.APPLIED, LoadStatus.DISCARDED, LoadStatus.FAILED)


class LoadNotReady(Refusal):
    """The load is not in the state in which this can be done."""

    code: ClassVar[str] = "load_not_ready"


class LoadIsStale(Refusal):
    """Organisations changed since the preview was made, so it does not say any more what would happen."""

    code: ClassVar[str] = "load_is_stale"


@dataclass(frozen=True)
class LoadFile:
    """A file as it was handed in.

    Attributes:
        report: which CSV report it is; empty when its name says so, or when it is none.
        digest: SHA-256 in hexadecimal.
        size: in bytes.
    """

    name: str
    kind: LoadKind
    report: str
    digest: str
    size: int


@dataclass(frozen=True)
class LoadReport:
    """What reading the file found, and what applying it did. Every number is of organisations.

    Attributes:
        changes: how many would change in which way.
        unchanged: how many are as before.
        read, stubs, refused: of the file: all, those only mentioned, those that could not be used.
        notes: what was not understood or not kept: sentence, how often, and a few codes.
        refused_rows: some of the refused: where, what and why.
        header: what the file says of itself.
        stale: codes that were not changed, because they had changed since the preview; at most 100.
    """

    changes: Mapping[Change, int] = field(default_factory=dict)
    unchanged: int = 0
    read: int = 0
    stubs: int = 0
    refused: int = 0
    notes: tuple[tuple[str, int, tuple[str, ...]], ...] = ()
    refused_rows: tuple[tuple[str, int, str, str], ...] = ()
    header: Mapping[str, str] = field(default_factory=dict)
    stale: tuple[str, ...] = ()

    @property
    def to_apply(self) -> int:
        """How many organisations would be changed."""
        return sum(self.changes.get(each, 0) for each in APPLIED)


@dataclass(frozen=True)
class OrganisationLoad:
    """One load.

    Attributes:
        done, total: how far the reading (in bytes) or applying (in organisations) is.
        message: why it failed.
        read_at: when the reading began: what changed later is not in the preview.
    """

    id: str
    file: LoadFile
    status: LoadStatus
    uploaded_by: str
    uploaded_at: datetime
    read_at: datetime | None
    applied_by: str | None
    applied_role_profile: str | None
    applied_at: datetime | None
    finished_at: datetime | None
    done: int
    total: int
    message: str
    announces: bool
    report: LoadReport


def require_previewed(load: OrganisationLoad) -> None:
    """Refuse a load that has no preview to decide on.

    Raises:
        LoadNotReady
    """
    if load.status is not LoadStatus.PREVIEWED:
        raise LoadNotReady(f"This load is {load.status.value}, so there is no preview to decide on.")


def stale() -> LoadIsStale:
    """The refusal of a preview that does not hold any more."""
    return LoadIsStale(
        "Organisations have changed since this preview was made, so it no longer says what would happen."
        " Make the"
        " preview again and look at it."
    )
