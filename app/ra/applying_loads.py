"""Applying a load that somebody approved: in parts, each whole in one transaction with its audit event and
its announcements. Killed in the middle, it goes on with the next part.

An organisation that is not any more as the preview showed it is left as it is and told. One that closes while
people have access there raises a task (``closing_organisations``); nobody's access ends here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from app.domain.actor import Actor
from app.domain.organisation_change import OrganisationChange
from app.domain.organisation_load import LoadStatus, OrganisationLoad
from app.ra.importing import Progress, no_progress
from app.ra.importing_ord_relations import HIERARCHICAL
from app.ra.loading_organisations import require_load
from app.ra.loading_ports import Database, Work
from app.ra.raising_closings import raise_closings

TOPIC = "directory.organisation"
_AT_ONCE = 200
_STALE_SHOWN = 100
# Announcements of people wait behind those that came before, so a load is never far ahead of the directory.
_MOST_WAITING = 400
_LONGEST_WAIT_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = 0.2
_APPLIED, _STALE = "applied", "stale"


class ApplyingLoads:
    """Applies loads.

    Args:
        wait: waits so many seconds.
    """

    def __init__(self, database: Database, wait: Callable[[float], object] = time.sleep) -> None:
        self._database = database
        self._wait = wait

    def run(
        self, load_id: str, progress: Progress = no_progress, is_stopped: Callable[[], bool] = lambda: False
    ) -> None:
        """Apply what is not applied yet of a load that is being applied, until all is or ``is_stopped``.

        Raises:
            NotFound, Unavailable
        """
        load = self._load(load_id)
        done = load.done
        while load.status is LoadStatus.APPLYING and not is_stopped():
            applied = self._apply_part(load, done)
            if applied == 0:
                self._finish(load)
                return
            done += applied
            progress("applied", done, load.total)
            self._let_the_directory_follow(load)

    def _load(self, load_id: str) -> OrganisationLoad:
        with self._database.read() as work:
            return require_load(work, load_id)

    def _apply_part(self, load: OrganisationLoad, done: int) -> int:
        """How many changes were dealt with; 0 when none is left, and then nothing is recorded."""
        with self._database.read() as work:
            if not work.load_changes(load.id).not_applied(1):
                return 0
        with self._database.audited(_approver(load), "organisation_load.part_applied", load.id) as work:
            changes = work.load_changes(load.id).not_applied(_AT_ONCE)
            as_before = _as_previewed(work, changes)
            _apply(work, load, as_before)
            stale = sorted({each.code for each in changes} - {each.code for each in as_before})
            work.load_changes(load.id).mark([each.code for each in as_before], _APPLIED)
            work.load_changes(load.id).mark(stale, _STALE)
            work.loads.progress(load.id, done + len(changes), load.total)
            work.audit.details(
                first=changes[0].code, last=changes[-1].code, applied=len(as_before), stale=stale
            )
            return len(changes)

    def _let_the_directory_follow(self, load: OrganisationLoad) -> None:
        """Wait while much is to be published, but not for a directory that is down."""
        waited = 0.0
        while load.announces and waited < _LONGEST_WAIT_SECONDS and self._waiting() > _MOST_WAITING:
            self._wait(_LOOK_AGAIN_SECONDS)
            waited += _LOOK_AGAIN_SECONDS

    def _waiting(self) -> int:
        with self._database.read() as work:
            return work.outbox.waiting(TOPIC)

    def _finish(self, load: OrganisationLoad) -> None:
        with self._database.audited(_approver(load), "organisation_load.finished", load.id) as work:
            stale = work.load_changes(load.id).stale_codes(_STALE_SHOWN)
            work.loads.report(load.id, replace(load.report, stale=tuple(stale)))
            work.loads.forget_content(load.id)
            work.loads.move(load.id, LoadStatus.APPLIED, finished_at=work.now)
            work.audit.details(applied=load.report.to_apply - len(stale), stale=len(stale))


def _approver(load: OrganisationLoad) -> Actor:
    assert load.applied_by is not None
    return Actor(load.applied_by, load.applied_by, load.applied_role_profile)


def _as_previewed(work: Work, changes: Sequence[OrganisationChange]) -> list[OrganisationChange]:
    """Those whose organisation is still as the preview showed it."""
    now = work.organisations.get_many([each.code for each in changes], to_change=True)
    return [each for each in changes if now.get(each.code) == each.before]


def _apply(work: Work, load: OrganisationLoad, changes: Sequence[OrganisationChange]) -> None:
    work.organisations.save([each.organisation for each in changes], work.now, lambda _: None)
    memberships = {each.code: each.memberships for each in changes if each.memberships is not None}
    work.organisations.replace_memberships(memberships, HIERARCHICAL)
    raise_closings(work, changes)
    if load.announces:
        work.outbox.add_all(TOPIC, [each.code for each in changes])
