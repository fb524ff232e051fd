"""The pages under ``/job``: collect any job, then the form and the steps of a card job.

A collected job has an unguessable name, which is in its address.
"""

from __future__ import annotations

from collections.abc import Mapping

from card_agent.allow_list import AllowList
from card_agent.errors import CardAgentError, CardMissing, WrongCard
from card_agent.http_messages import Response, see_other
from card_agent.issue_pages import IssuePages
from card_agent.job_client import claim
from card_agent.job_desk import DeskJob, JobDesk
from card_agent.job_kind import Cards, FormProblem
from card_agent.pages import Problem, page, progress_message, steps_message
from card_agent.visits import FormValues, WaysBack
from card_agent.waiting_pin import OTHER_PIN

ISSUE = "issue_card"


class JobPages:
    """Collects every job of the desk; an issuance goes on at its own pages."""

    def __init__(
        self,
        allow_list: AllowList,
        desk: JobDesk,
        issue: IssuePages,
        form_values: FormValues,
        ways_back: WaysBack,
    ) -> None:
        self._allow_list = allow_list
        self._desk = desk
        self._issue = issue
        self._form_values = form_values
        self._ways_back = ways_back

    def collect(self, query: Mapping[str, str]) -> Response:
        """Claim the job, then move on to its own address, so that the used ticket leaves the address bar.

        Raises OriginNotAllowed, JobRefused, JobUnusable or SiteUnavailable.
        """
        collected = claim(self._allow_list.site(query.get("op", "")), query.get("ticket", ""))
        if collected.kind == ISSUE:
            return see_other(self._issue.take(collected))
        return see_other("/job/" + self._desk.take(collected))

    def show(self, name: str) -> Response:
        """Return the page of a collected job. Raises PageExpired."""
        job = self._desk.find(name)
        if job.progress is not None:
            return self._progress_page(name, job, [])
        if job.is_finished:
            return page("job_finished.html", self._common(name, job))
        return self._form_page(name, job, [])

    def steps(self, name: str, after: str) -> Response:
        """Return the steps as JSON for the page's script, once something has changed. Raises PageExpired."""
        return steps_message(self._desk.find(name).progress, after)

    def start(self, name: str, form: Mapping[str, str]) -> Response:
        """Begin what the form asks for, or show it again with what is wrong. Raises PageExpired."""
        job = self._desk.find(name)
        if job.progress is not None:
            # Sent twice: the second answer must not hide the steps that the first one began.
            return see_other("/job/" + name)
        self._form_values.take(form.get("form_value", ""), name)
        if OTHER_PIN in form:
            job.waiting_pin.forget()
            return see_other("/job/" + name)
        form = job.waiting_pin.filled_in(form)
        problems = job.kind.problems(job.at_desk.job, form) or self._begun(job, form)
        job.waiting_pin.keep_or_forget(form, problems)
        return self._form_page(name, job, problems) if problems else see_other("/job/" + name)

    def go_on(self, name: str, form: Mapping[str, str]) -> Response:
        """Ask the site how far the job is, then show its page. Raises PageExpired."""
        self._form_values.take(form.get("form_value", ""), name)
        job = self._desk.find(name)
        try:
            self._desk.go_on(job)
        except CardAgentError as error:
            if job.progress is None:
                raise
            return self._progress_page(name, job, [Problem("", str(error))])
        return see_other("/job/" + name)

    def _begun(self, job: DeskJob, form: Mapping[str, str]) -> list[Problem]:
        try:
            self._desk.begin(job, form)
        except FormProblem as refused:
            return [refused.problem]
        except CardAgentError as error:
            return [Problem("", str(error))]
        return []

    def _form_page(self, name: str, job: DeskJob, problems: list[Problem]) -> Response:
        lying = self._desk.lying()
        cards, missing = self._cards(job)
        title = job.kind.titles.form.format(name=job.at_desk.job.holder.name)
        values = {
            **self._common(name, job),
            "lying": lying,
            "cards": cards,
            "missing": missing,
            "new_pin_waits": job.waiting_pin.is_there,
            "title": title,
            "desk": "/?back=" + self._ways_back.add(f"Back: {title}", f"/job/{name}"),
        }
        return page(job.kind.form_template, values, problems)

    def _cards(self, job: DeskJob) -> tuple[Cards, str]:
        try:
            return self._desk.cards(job), ""
        except (CardMissing, WrongCard) as refusal:
            return {}, str(refusal)

    def _progress_page(self, name: str, job: DeskJob, problems: list[Problem]) -> Response:
        assert job.progress is not None, "shown only once a run has begun"
        shown_once = job.progress.take_shown_once() if job.progress.is_over else []
        values = {
            **self._common(name, job),
            "message": progress_message(job.progress),
            "shown_once": shown_once,
        }
        return page("job_progress.html", values, problems)

    def _common(self, name: str, job: DeskJob) -> dict[str, object]:
        at_desk = job.at_desk
        return {
            "name": name,
            "job": at_desk.job,
            "site": at_desk.link.site,
            "kind": job.kind,
            "form_value": self._form_values.new(name),
        }
