"""The page of the reader doctor, and sending its report to the registration authority.

A site that does not answer keeps it waiting. What is not found out at once is shown as it goes on, in steps.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime

from card_agent.allow_list import AllowList
from card_agent.doctor import Doctor, Examination
from card_agent.errors import CardAgentError, Unavailable
from card_agent.findings import State
from card_agent.http_messages import Response
from card_agent.pages import Problem, page, progress_message, steps_message
from card_agent.progress import Progress
from card_agent.settings import Ask
from card_agent.visits import FormValues

_PURPOSE = "doctor"
# A page that comes within two seconds needs no progress.
_AT_ONCE_SECONDS = 1.5


class _Looking:
    """One examination, in a thread of its own."""

    def __init__(self, doctor: Doctor, clock: Callable[[], datetime]) -> None:
        self.progress = Progress(clock, doctor.steps)
        self.found: Examination | None = None
        self._doctor = doctor
        self._thread = threading.Thread(target=self._look, name="doctor", daemon=True)
        self._thread.start()

    def wait(self) -> Examination | None:
        """Return what was found, if that takes no longer than people wait without a word."""
        self._thread.join(_AT_ONCE_SECONDS)
        return self.found

    def _look(self) -> None:
        try:
            self.found = self._doctor.examine(self.progress)
        finally:
            self.progress.end()


class DoctorPages:
    """The pages of ``/doctor``."""

    def __init__(
        self,
        doctor: Doctor,
        allow_list: AllowList,
        form_values: FormValues,
        clock: Callable[[], datetime],
    ) -> None:
        self._doctor = doctor
        self._allow_list = allow_list
        self._form_values = form_values
        self._clock = clock
        self._lock = threading.Lock()
        self._looking: _Looking | None = None
        self._shown: Examination | None = None

    def show(self) -> Response:
        """Return what is found now, or how far the examination is that is going on."""
        with self._lock:
            looking = self._looking = self._looking or _Looking(self._doctor, self._clock)
        found = looking.wait()
        if found is None and not looking.progress.is_over:
            return page("doctor_looking.html", {"message": progress_message(looking.progress)})
        with self._lock:
            self._looking = None
            self._shown = found
        if found is None:
            raise Unavailable("The reader doctor failed. Load the page again, and tell your IT service desk.")
        return self._page(found, [])

    def steps(self, after: str) -> Response:
        """Return the steps as JSON for the page's script."""
        looking = self._looking
        return steps_message(looking.progress if looking else None, after)

    def send(self, form: Mapping[str, str]) -> Response:
        """Send what the page shows to the chosen site. Raises PageExpired or OriginNotAllowed."""
        self._form_values.take(form.get("form_value", ""), _PURPOSE)
        site = self._allow_list.site(form.get("site", ""), Ask.SIGN_IN)
        found = self._shown or self._doctor.examine()
        try:
            reference = self._doctor.send(site, found)
        except CardAgentError as error:
            problem = Problem("", f"The report was not sent. {error} Read the page out instead.")
            return self._page(found, [problem])
        return self._page(found, [], reference, site.name)

    def _page(
        self, found: Examination, problems: list[Problem], reference: str = "", site: str = ""
    ) -> Response:
        """Return the findings; ``reference`` is that of the report that ``site`` has got."""
        values = {
            "problems_found": found.of(State.PROBLEM),
            "warnings": found.of(State.WARNING),
            "fine": found.of(State.FINE),
            "sites": self._doctor.sites,
            "form_value": self._form_values.new(_PURPOSE),
            "reference": reference,
            "site": site,
        }
        return page("doctor.html", values, problems)
