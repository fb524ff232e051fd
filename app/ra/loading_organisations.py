"""Loads of organisations, as people see them: hand in a file, look at what it would change, have it applied.

Reading and applying take minutes at national size, so ``previewing_loads`` and ``applying_loads`` do them
apart from any page. Between the two a person decides; nothing of a file is applied that nobody looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import BinaryIO

from app.domain.actor import Actor
from app.domain.json_value import JsonValue
from app.domain.organisation_change import Change, OrganisationChange
from app.domain.organisation_load import (
    LoadFile,
    LoadKind,
    LoadStatus,
    OrganisationLoad,
    require_previewed,
    stale,
)
from app.domain.permission import Permission
from app.errors import InvalidInput, NotFound, Refusal
from app.ra.ids import new_record_id
from app.ra.importing import ImportNotPossible
from app.ra.importing_formats import ReadingOrganisations
from app.ra.loading_ports import Database, Work

PART_BYTES = 1024 * 1024
LOADS_SHOWN = 50


@dataclass(frozen=True)
class HandedIn:
    """A file that somebody hands in, as bytes that nobody has looked at.

    Attributes:
        report: which CSV report it is; empty when its name says so, or when it is none.
        largest: the most bytes that are taken.
        announces: whether each change will be announced to the directory.
    """

    name: str
    kind: LoadKind
    report: str
    content: BinaryIO
    largest: int
    announces: bool = True


class LoadingOrganisations:
    """Takes files in, shows what they would change, and lets people decide."""

    def __init__(self, database: Database, reading: ReadingOrganisations) -> None:
        self._database = database
        self._reading = reading

    def reports(self) -> Sequence[tuple[str, str]]:
        """ODS's CSV reports: name and title."""
        return [(each.name, each.title) for each in self._reading.reports]

    def hand_in(self, actor: Actor, file: HandedIn) -> str:
        """Keep the file to be previewed, and return the load's id.

        Raises:
            NotPermitted
            InvalidInput: under ``file``, when it is too large or obviously no file of organisations.
            Unavailable
        """
        load_id = new_record_id()
        named = LoadFile(file.name or "a file", file.kind, file.report, "", 0)
        first = self._permitted_start(actor, load_id, file)
        with self._database.change() as work:
            work.loads.add(load_id, named, actor.uid, work.now, file.announces)
        kept = self._keep(load_id, named, file, first)
        with self._audited(
            actor,
            "handed_in",
            load_id,
            file=named.name,
            digest=kept.digest,
            size=kept.size,
            kind=kept.kind.value,
        ) as work:
            work.loads.move(load_id, LoadStatus.WAITING, digest=kept.digest, size=kept.size)
        return load_id

    def _permitted_start(self, actor: Actor, load_id: str, file: HandedIn) -> bytes:
        """The file's first part; a file that cannot be one of organisations is refused before it is kept."""
        try:
            actor.require(Permission.LOAD_ORGANISATIONS)
            first = file.content.read(PART_BYTES)
            try:
                self._reading.require_usable_start(file.name, file.report, first)
            except ImportNotPossible as refusal:
                raise InvalidInput({"file": str(refusal)}) from refusal
        except Refusal as refusal:
            # In a transaction of its own, so that who may not do it is on the record, too.
            with self._audited(actor, "handed_in", load_id, file=file.name[:200]):
                raise refusal
        return first

    def _keep(self, load_id: str, named: LoadFile, file: HandedIn, part: bytes) -> LoadFile:
        digest, size, number = hashlib.sha256(), 0, 0
        while part:
            digest.update(part)
            size += len(part)
            if size > file.largest:
                self._give_up(load_id)
                raise InvalidInput({"file": _too_large(file.largest)})
            with self._database.change() as work:
                work.loads.add_part(load_id, number, part)
            part, number = file.content.read(PART_BYTES), number + 1
        return replace(named, digest=digest.hexdigest(), size=size)

    def _give_up(self, load_id: str) -> None:
        with self._database.change() as work:
            work.loads.forget_content(load_id)
            work.loads.move(
                load_id, LoadStatus.FAILED, message="The file is too large.", finished_at=work.now
            )

    def loads(self, actor: Actor) -> list[OrganisationLoad]:
        """The newest loads. Raises NotPermitted."""
        actor.require(Permission.LOAD_ORGANISATIONS)
        with self._database.read() as work:
            return work.loads.newest(LOADS_SHOWN)

    def load(self, actor: Actor, load_id: str) -> OrganisationLoad:
        """One load.

        Raises:
            NotPermitted, NotFound
        """
        actor.require(Permission.LOAD_ORGANISATIONS)
        with self._database.read() as work:
            return require_load(work, load_id)

    def is_stale(self, actor: Actor, load_id: str) -> bool:
        """Whether organisations have changed since the preview was made, so that it cannot be applied.

        Raises:
            NotPermitted, NotFound
        """
        actor.require(Permission.LOAD_ORGANISATIONS)
        with self._database.read() as work:
            return _is_stale(work, require_load(work, load_id))

    def changes(
        self, actor: Actor, load_id: str, change: Change, after: str, limit: int
    ) -> list[OrganisationChange]:
        """The next changes of a kind behind the organisation with that code. Raises NotPermitted."""
        actor.require(Permission.LOAD_ORGANISATIONS)
        with self._database.read() as work:
            return work.load_changes(load_id).page(change, after, limit)

    def apply(self, actor: Actor, load_id: str) -> None:
        """Let it be applied as it was previewed; who said so is recorded.

        Raises:
            NotPermitted, NotFound, LoadNotReady, LoadIsStale
        """
        with self._audited(actor, "approved", load_id) as work:
            actor.require(Permission.LOAD_ORGANISATIONS)
            load = require_load(work, load_id, to_change=True)
            require_previewed(load)
            if _is_stale(work, load):
                raise stale()
            work.audit.details(changes=load.report.to_apply, digest=load.file.digest)
            work.loads.move(
                load_id,
                LoadStatus.APPLYING,
                applied_by=actor.uid,
                applied_role_profile=actor.role_profile_id,
                applied_at=work.now,
                done=0,
                total=load.report.to_apply,
            )

    def preview_again(self, actor: Actor, load_id: str) -> None:
        """Compare the file anew with what is known now.

        Raises:
            NotPermitted, NotFound, LoadNotReady
        """
        with self._audited(actor, "preview_asked", load_id) as work:
            actor.require(Permission.LOAD_ORGANISATIONS)
            require_previewed(require_load(work, load_id, to_change=True))
            work.loads.move(load_id, LoadStatus.WAITING, done=0, total=0)

    def discard(self, actor: Actor, load_id: str) -> None:
        """Throw the load away; nothing of it is applied.

        Raises:
            NotPermitted, NotFound, LoadNotReady
        """
        with self._audited(actor, "discarded", load_id) as work:
            actor.require(Permission.LOAD_ORGANISATIONS)
            require_previewed(require_load(work, load_id, to_change=True))
            work.load_changes(load_id).clear()
            work.loads.forget_content(load_id)
            work.loads.move(load_id, LoadStatus.DISCARDED, finished_at=work.now)

    def _audited(
        self, actor: Actor, what: str, load_id: str, **details: JsonValue
    ) -> AbstractContextManager[Work]:
        return self._database.audited(actor, f"organisation_load.{what}", load_id, **details)


def require_load(work: Work, load_id: str, *, to_change: bool = False) -> OrganisationLoad:
    """The load with this id.

    Raises:
        NotFound
    """
    load = work.loads.get_to_change(load_id) if to_change else work.loads.get(load_id)
    if load is None:
        raise NotFound("There is no such load of organisations.")
    return load


def _is_stale(work: Work, load: OrganisationLoad) -> bool:
    if load.status is not LoadStatus.PREVIEWED or load.read_at is None:
        return False
    return work.organisations.has_changed_since(load.read_at)


def _too_large(largest: int) -> str:
    return (
        f"The file is larger than {largest // 1024**2} MB. Hand it in as the ZIP file in which it is"
        " published,"
        " or use the command spine-ra organisations preview."
    )
