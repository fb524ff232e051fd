"""Issuing a card: the page that asks for the PINs, and the page that shows every step as it happens."""

from __future__ import annotations

from collections.abc import Mapping

from card_agent.card_views import CardView
from card_agent.desk_job import FINISHED
from card_agent.errors import ABOUT_THE_PIN, CardAgentError, CardMissing, WrongCard
from card_agent.http_messages import Response, see_other
from card_agent.issue_desk import DeskIssue, IssueDesk
from card_agent.job_client import CollectedJob
from card_agent.pages import Problem, new_pin_problem, page, pin_problem, progress_message, steps_message
from card_agent.pin import Pin
from card_agent.progress import Progress
from card_agent.visits import FormValues, WaysBack
from card_agent.waiting_pin import NEW_PIN, OTHER_PIN, REPEATED_PIN

_OPERATOR_PIN = "operator_pin"
_HOLDER_PIN = "holder_pin"
LOST_PIN = (
    "The desk that began this card has stopped, and nobody else knew the card's PIN. Undo the issuance on "
    "the site, put the card aside to be cleared, and begin again with another card."
)


class IssuePages:
    """The pages under ``/issue``. A collected job has an unguessable name, which is in its address."""

    def __init__(self, desk: IssueDesk, form_values: FormValues, ways_back: WaysBack) -> None:
        self._desk = desk
        self._form_values = form_values
        self._ways_back = ways_back

    def take(self, collected: CollectedJob) -> str:
        """Keep a collected issuance and return the address of its page. Raises JobUnusable."""
        return "/issue/" + self._desk.take(collected)

    def show(self, name: str) -> Response:
        """Return the page of a collected job. Raises PageExpired."""
        issue = self._desk.find(name)
        if issue.progress is not None:
            return self._progress_page(name, issue, issue.progress, [])
        if issue.job.state in FINISHED:
            return page("issue_finished.html", {"issue": issue})
        return self._form_page(name, issue, [])

    def steps(self, name: str, after: str) -> Response:
        """Return the steps as JSON for the page's script, once something has changed. Raises PageExpired."""
        return steps_message(self._desk.find(name).progress, after)

    def go_on(self, name: str, form: Mapping[str, str]) -> Response:
        """Ask the site how far the job is, then show its page. Raises PageExpired."""
        self._form_values.take(form.get("form_value", ""), name)
        issue = self._desk.find(name)
        try:
            self._desk.go_on(issue)
        except CardAgentError as error:
            if issue.progress is None:
                raise
            return self._progress_page(name, issue, issue.progress, [Problem("", str(error))])
        return see_other("/issue/" + name)

    def start(self, name: str, form: Mapping[str, str]) -> Response:
        """Check what was entered, sign the approval, start the run. Raises PageExpired."""
        issue = self._desk.find(name)
        if issue.progress is not None:
            # Sent twice: the second answer must not hide the steps that the first one began.
            return see_other("/issue/" + name)
        self._form_values.take(form.get("form_value", ""), name)
        if OTHER_PIN in form:
            issue.waiting_pin.forget()
            return see_other("/issue/" + name)
        form = issue.waiting_pin.filled_in(form) if issue.needs_new_pin else form
        problems = entry_problems(issue, form) or self._started(issue, form)
        issue.waiting_pin.keep_or_forget(form if issue.needs_new_pin else {}, problems)
        return self._form_page(name, issue, problems) if problems else see_other("/issue/" + name)

    def _started(self, issue: DeskIssue, form: Mapping[str, str]) -> list[Problem]:
        holder_pin = _holder_pin(issue, form)
        field = _OPERATOR_PIN
        try:
            operator, target = self._desk.cards(issue)
            with Pin(form.get(_OPERATOR_PIN, "")) as operator_pin:
                approval = self._desk.approve(issue, operator, target, operator_pin)
            field = _HOLDER_PIN
            self._desk.check_holder_pin(issue, target, holder_pin)
            self._desk.start(issue, target, approval, holder_pin)
        except CardAgentError as error:
            holder_pin.forget()
            return [Problem(field if isinstance(error, ABOUT_THE_PIN) else "", str(error))]
        return []

    def _form_page(self, name: str, issue: DeskIssue, problems: list[Problem]) -> Response:
        lying = self._desk.lying()
        operator, target, missing = self._cards(issue)
        values = {
            "lying": lying,
            "issue": issue,
            "name": name,
            "form_value": self._form_values.new(name),
            "operator_card": operator,
            "target_card": target,
            "missing": missing,
            "lost_pin": LOST_PIN,
            "desk": "/?back="
            + self._ways_back.add(f"Back to issuing the card of {issue.job.holder.name}", f"/issue/{name}"),
        }
        return page("issue_form.html", values, problems)

    def _cards(self, issue: DeskIssue) -> tuple[CardView | None, CardView | None, str]:
        try:
            operator, target = self._desk.cards(issue)
        except (CardMissing, WrongCard) as refusal:
            return None, None, str(refusal)
        return operator, target, ""

    def _progress_page(
        self, name: str, issue: DeskIssue, progress: Progress, problems: list[Problem]
    ) -> Response:
        values = {
            "issue": issue,
            "name": name,
            "message": progress_message(progress),
            "form_value": self._form_values.new(name),
        }
        return page("issue_progress.html", values, problems)


def _holder_pin(issue: DeskIssue, form: Mapping[str, str]) -> Pin:
    if issue.job.is_locked:
        return issue.pin_nobody_knows()
    return Pin(form[NEW_PIN if issue.needs_new_pin else _HOLDER_PIN])


def entry_problems(issue: DeskIssue, form: Mapping[str, str]) -> list[Problem]:
    """Return what is wrong with the PINs as typed, before any card is asked."""
    found: list[Problem | None] = []
    if issue.needs_approval:
        found.append(pin_problem(form.get(_OPERATOR_PIN, ""), _OPERATOR_PIN, issue.job.operator.name))
    if issue.has_lost_its_pin:
        found.append(Problem("", LOST_PIN))
    elif issue.needs_new_pin:
        found.append(new_pin_problem(issue.job.pin_policy, issue.job.holder.uid, form, NEW_PIN, REPEATED_PIN))
    elif not issue.job.is_locked:
        found.append(pin_problem(form.get(_HOLDER_PIN, ""), _HOLDER_PIN, "the new card"))
    return [problem for problem in found if problem]
