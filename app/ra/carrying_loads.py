"""Carries loads of organisations on: makes the previews that wait, and applies what was approved, one load
at a time.

It runs beside the worker, on one server at a time, and can be killed at any moment.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Protocol

from app.domain.organisation_load import LoadStatus, OrganisationLoad
from app.errors import SpineError
from app.ra.applying_loads import ApplyingLoads
from app.ra.importing import Progress, no_progress
from app.ra.loading_ports import Database
from app.ra.previewing_loads import PreviewingLoads

LOOK_SECONDS = 1.0
LOOK_SECONDS_AFTER_A_FAULT = 30.0
FORGET_SECONDS = 3600.0
KEEP_CHANGES = timedelta(days=30)
GIVE_UP_ARRIVING = timedelta(days=1)
_LOG = logging.getLogger(__name__)
_LOCK = "organisation-loads"


class ExclusiveDatabase(Database, Protocol):
    """A database that also knows who works on loads."""

    def exclusively(self, name: str) -> AbstractContextManager[Callable[[], bool] | None]:
        """Be the only program that does it; None when another is."""


class StopSignal(Protocol):
    """What tells it to stop: a ``threading.Event``."""

    def is_set(self) -> bool: ...
    def wait(self, timeout: float | None = None) -> bool: ...


class CarryingLoads:
    """Does what loads wait for."""

    def __init__(
        self, database: ExclusiveDatabase, previewing: PreviewingLoads, applying: ApplyingLoads
    ) -> None:
        self._database = database
        self._previewing = previewing
        self._applying = applying
        self._forget_at = 0.0

    def run(self, stop: StopSignal) -> None:
        """Carry loads on until ``stop`` is set; an outage is waited out."""
        while not stop.is_set():
            try:
                self.carry_next(is_stopped=stop.is_set)
                self._forget_old_now_and_then()
            except SpineError as outage:
                _LOG.warning("loads of organisations wait: %s", outage)
            except Exception:
                _LOG.exception("a load of organisations stands still; it is tried again")
                stop.wait(LOOK_SECONDS_AFTER_A_FAULT)
            stop.wait(LOOK_SECONDS)

    def carry_next(
        self, progress: Progress = no_progress, is_stopped: Callable[[], bool] = lambda: False
    ) -> OrganisationLoad | None:
        """Take the oldest load that waits as far as it goes; None when none waits or another program does
        it.
        """
        with self._database.exclusively(_LOCK) as still_held:
            if still_held is None:
                return None
            with self._database.read() as work:
                load = work.loads.next_moving()
            if load is not None:
                self._carry(load, progress, lambda: is_stopped() or not still_held())
            return load

    def _carry(self, load: OrganisationLoad, progress: Progress, is_stopped: Callable[[], bool]) -> None:
        if load.status is LoadStatus.APPLYING:
            self._applying.run(load.id, progress, is_stopped)
        else:
            self._previewing.run(load.id, progress)

    def _forget_old_now_and_then(self) -> None:
        if time.monotonic() >= self._forget_at:
            self._forget_at = time.monotonic() + FORGET_SECONDS
            self._forget_old()

    def _forget_old(self) -> None:
        with self._database.change() as work:
            work.loads.forget_over(work.now - KEEP_CHANGES)
            for load_id in work.loads.given_up(work.now - GIVE_UP_ARRIVING):
                work.loads.forget_content(load_id)
                work.loads.move(load_id, LoadStatus.FAILED, message="It never arrived.", finished_at=work.now)
