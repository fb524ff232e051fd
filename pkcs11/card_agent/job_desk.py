"""The card jobs this desk has collected, and the run that may be going on.

In memory only: after a restart a new claim brings the job back.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from card_agent import so_pin_release
from card_agent.card_job import FINISHED, card_job_from_untrusted
from card_agent.card_process import CardProcesses
from card_agent.card_views import CardViews
from card_agent.errors import CardAgentError, DeskBusy, JobUnusable, PageExpired
from card_agent.job_client import CollectedJob, JobLink
from card_agent.job_kind import Cards, JobAtDesk, JobKind, Run
from card_agent.progress import Progress
from card_agent.remembered import Remembered
from card_agent.waiting_pin import WaitingPin
from card_agent.workstation import WorkstationFile

_JOB_LIFETIME = timedelta(hours=2)
_log = logging.getLogger(__name__)


@dataclass
class DeskJob:
    """A collected job, its kind, and its latest run, if any."""

    at_desk: JobAtDesk
    kind: JobKind
    progress: Progress | None = None
    waiting_pin: WaitingPin = field(default_factory=WaitingPin)

    @property
    def is_finished(self) -> bool:
        """Whether the site has nothing more to do for it."""
        return self.at_desk.job.state in FINISHED


class JobDesk:
    """Collects card jobs and runs one of them at a time; ``running`` is the lock of everything that runs.

    ``workstation`` keeps how PINs must look at its site, for when there is no network.
    """

    def __init__(
        self,
        kinds: Mapping[str, JobKind],
        views: CardViews,
        processes: CardProcesses,
        clock: Callable[[], datetime],
        running: threading.Lock,
        workstation: WorkstationFile,
    ) -> None:
        self._kinds = kinds
        self._views = views
        self._processes = processes
        self._clock = clock
        self._running = running
        self._workstation = workstation
        self._jobs: Remembered[DeskJob] = Remembered(_JOB_LIFETIME, clock, capacity=50)

    def take(self, collected: CollectedJob) -> str:
        """Keep a collected job and return the name it has at this desk. Raises JobUnusable."""
        kind = self._kinds.get(collected.kind)
        if kind is None:
            raise JobUnusable(
                "This desk cannot do this job. Its card agent is older than the site: update it."
            )
        link = JobLink(collected.connection, collected.id, collected.job_token)
        job = card_job_from_untrusted(collected.message)
        self._workstation.keep_policy(collected.connection.site.origin, job.pin_policy)
        self._processes.get_ready()
        at_desk = JobAtDesk(link, job, self._processes, self._clock)
        so_pin_release.get_ready(at_desk)
        return self._jobs.add(DeskJob(at_desk, kind))

    def find(self, name: str) -> DeskJob:
        """Return the collected job. Raises PageExpired."""
        return self._jobs.look_up(name)

    def lying(self) -> str:
        """Return what lies in which reader. Raises ReadersUnavailable."""
        return self._views.lying()

    def cards(self, job: DeskJob) -> Cards:
        """Return the cards that come next. Raises CardMissing or WrongCard."""
        return job.kind.cards(job.at_desk.job, self._views.cards_in_readers())

    def go_on(self, job: DeskJob) -> None:
        """Ask the site how far the job is and offer the form again, unless it is running.

        Raises JobRefused or SiteUnavailable.
        """
        if job.progress is None or job.progress.is_over:
            fresh = card_job_from_untrusted(job.at_desk.link.fetch())
            job.at_desk = replace(job.at_desk, job=fresh)
            job.progress = None

    def begin(self, job: DeskJob, form: Mapping[str, str]) -> None:
        """Begin what the form asks for. Raises FormProblem, PageExpired, DeskBusy or another refusal."""
        if job.progress is not None:
            raise PageExpired("This is being done already. Open its page again to see how far it is.")
        if not self._running.acquire(blocking=False):
            raise DeskBusy("This desk is working on another card. Wait until that is finished.")
        run: Run | None = None
        try:
            run = job.kind.begin(job.at_desk, self.cards(job), form)
        finally:
            if run is None:
                self._running.release()
        if run is None:
            self.go_on(job)
            return
        job.progress = Progress(self._clock, job.kind.steps)
        arguments = (job, run, job.progress)
        threading.Thread(
            target=self._run, args=arguments, name=f"job {job.at_desk.job.id}", daemon=True
        ).start()

    def _run(self, job: DeskJob, run: Run, progress: Progress) -> None:
        """The thread. Never raises: the progress and the site are told of a failure."""
        try:
            run(progress)
        except Exception as error:  # a thread's outermost frame
            _report(job.at_desk.link, progress, error)
        finally:
            self._running.release()
            progress.end()
            self._processes.end()
            job.at_desk.link.rest()


def _report(link: JobLink, progress: Progress, error: Exception) -> None:
    """Tell the site what failed. The site may be what failed, so this does not insist."""
    failed = progress.failed_step()
    step = failed.value if failed else "begin"
    reason = f"{error.code}: {error}" if isinstance(error, CardAgentError) else type(error).__name__
    _log.warning("Job %s failed at %s: %s", link.job_id, step, reason)
    try:
        link.report_failure(step, reason)
    except CardAgentError as unreported:
        _log.warning("Job %s: the failure was not reported: %s", link.job_id, unreported)
