"""The page of the reader doctor, and sending its report to the registration authority."""

from __future__ import annotations

from collections.abc import Mapping

from card_agent.allow_list import AllowList
from card_agent.doctor import Doctor
from card_agent.errors import CardAgentError
from card_agent.findings import State
from card_agent.http_messages import Response
from card_agent.pages import Problem, page
from card_agent.settings import Ask
from card_agent.visits import FormValues

_PURPOSE = "doctor"


class DoctorPages:
    """The pages of ``/doctor``."""

    def __init__(self, doctor: Doctor, allow_list: AllowList, form_values: FormValues) -> None:
        self._doctor = doctor
        self._allow_list = allow_list
        self._form_values = form_values

    def show(self, problems: list[Problem] | None = None, reference: str = "", site: str = "") -> Response:
        """Return what is found now; ``reference`` is that of the report that ``site`` has got."""
        found = self._doctor.examine()
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

    def send(self, form: Mapping[str, str]) -> Response:
        """Send the report to the chosen site. Raises PageExpired or OriginNotAllowed."""
        self._form_values.take(form.get("form_value", ""), _PURPOSE)
        site = self._allow_list.site(form.get("site", ""), Ask.SIGN_IN)
        try:
            reference = self._doctor.send(site)
        except CardAgentError as error:
            return self.show([Problem("", f"The report was not sent. {error} Read the page out instead.")])
        return self.show(reference=reference, site=site.name)
