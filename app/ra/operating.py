"""How the service is, for those who operate it: what waits, which parts answer, the last hours' samples."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from app.domain.actor import Actor
from app.domain.figures import Sample, Waiting
from app.domain.permission import Permission
from app.errors import Unavailable


class MonitoringRecords(Protocol):
    """``app.storage.monitoring``."""

    def waiting(self) -> Sequence[Waiting]:
        """What is not published, by topic."""

    def newest(self) -> Sample | None:
        """The sample taken last."""

    def since(self, moment: datetime) -> Sequence[Sample]:
        """The samples from that moment on, oldest first."""


class Work(Protocol):
    """One snapshot of the database."""

    @property
    def now(self) -> datetime: ...
    @property
    def monitoring(self) -> MonitoringRecords: ...


class Database(Protocol):
    """``app.storage.database.Database``."""

    def read(self) -> AbstractContextManager[Work]:
        """A read-only snapshot."""


class Authority(Protocol):
    """The certificate authority's process."""

    def health(self) -> None:
        """Return when it is ready. Raises Unavailable."""


@dataclass(frozen=True)
class ServiceState:
    """How the service is.

    Attributes:
        waiting: what is not published, by topic.
        newest: the worker's last sample, however old; None when it has never taken one.
        samples: those of the asked time, oldest first.
    """

    at: datetime
    waiting: Sequence[Waiting]
    newest: Sample | None
    samples: Sequence[Sample]
    authority_answers: bool


class Operating:
    """Tells how the service is. The directory is seen through the worker, who alone may read its monitor."""

    def __init__(self, database: Database, authority: Authority) -> None:
        self._database = database
        self._authority = authority

    def state(self, actor: Actor, back: timedelta) -> ServiceState:
        """How the service is now, with the samples of the time ``back`` from now.

        Raises:
            NotPermitted
        """
        actor.require(Permission.READ_OPERATIONS)
        answers = self._authority_answers()
        with self._database.read() as work:
            monitoring = work.monitoring
            samples = monitoring.since(work.now - back)
            return ServiceState(work.now, monitoring.waiting(), monitoring.newest(), samples, answers)

    def _authority_answers(self) -> bool:
        try:
            self._authority.health()
        except Unavailable:
            return False
        return True
