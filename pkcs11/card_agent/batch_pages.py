"""The pages under ``/batch``: the operator's PIN once, then how far the batch is and what it waits for."""

from __future__ import annotations

from collections.abc import Mapping

from card_agent.allow_list import AllowList
from card_agent.batch_desk import BatchDesk, DeskBatch
from card_agent.batch_link import claim_batch
from card_agent.errors import ABOUT_THE_PIN, CardAgentError, PageExpired
from card_agent.holder_turn import HolderTurn
from card_agent.http_messages import Response, as_json, see_other
from card_agent.pages import Problem, new_pin_problem, page, pin_problem
from card_agent.pin import Pin
from card_agent.visits import FormValues, WaysBack

_PIN = "operator_pin"
_NEW_PIN = "new_pin"
_REPEATED_PIN = "repeated_pin"


class BatchPages:
    """Collects batches and runs them. A collected batch has an unguessable name, which is in its address."""

    def __init__(
        self, allow_list: AllowList, desk: BatchDesk, form_values: FormValues, ways_back: WaysBack
    ) -> None:
        self._allow_list = allow_list
        self._desk = desk
        self._form_values = form_values
        self._ways_back = ways_back

    def collect(self, query: Mapping[str, str]) -> Response:
        """Claim the batch, then move on to its own address, so that the used ticket leaves the address bar.

        Raises OriginNotAllowed, JobRefused or SiteUnavailable.
        """
        link = claim_batch(self._allow_list.site(query.get("op", "")), query.get("ticket", ""))
        return see_other("/batch/" + self._desk.take(link))

    def show(self, name: str) -> Response:
        """Return the batch's page. Raises PageExpired."""
        return self._page(name, self._desk.find(name), [])

    def steps(self, name: str) -> Response:
        """Return how far it is as JSON for the page's script. Raises PageExpired."""
        return as_json(_message(self._desk.find(name)))

    def answer(self, name: str, form: Mapping[str, str]) -> Response:
        """Begin the run with the operator's PIN, or hand a holder's PIN to it; or show the form again.

        Raises PageExpired.
        """
        self._form_values.take(form.get("form_value", ""), name)
        batch = self._desk.find(name)
        problems = self._turn_taken(batch, form) if "turn" in form else self._begin(batch, form)
        return self._page(name, batch, problems) if problems else see_other("/batch/" + name)

    def _begin(self, batch: DeskBatch, form: Mapping[str, str]) -> list[Problem]:
        typed = pin_problem(form.get(_PIN, ""), _PIN)
        return [typed] if typed else self._begun(batch, form[_PIN])

    def _turn_taken(self, batch: DeskBatch, form: Mapping[str, str]) -> list[Problem]:
        """A form of one holder's turn never answers another's: the PIN would go onto the wrong card."""
        turn = batch.turn
        if turn is None or turn.job.id != form["turn"]:
            raise PageExpired("This person's turn is over. Open the batch's page again.")
        if form.get("absent"):
            turn.pass_over()
            return []
        problem = _turn_problem(turn, form)
        if problem is None:
            turn.choose(Pin(form[_NEW_PIN]))
        return [problem] if problem else []

    def _begun(self, batch: DeskBatch, typed: str) -> list[Problem]:
        pin = Pin(typed)
        try:
            self._desk.begin(batch, pin)
        except CardAgentError as error:
            pin.forget()
            return [Problem(_PIN if isinstance(error, ABOUT_THE_PIN) else "", str(error))]
        return []

    def _page(self, name: str, batch: DeskBatch, problems: list[Problem]) -> Response:
        values = {
            "batch": batch,
            "name": name,
            "message": _message(batch),
            "turn": batch.turn,
            "form_value": self._form_values.new(name),
            "desk": "/?back=" + self._ways_back.add(f"Back to {batch.link.title}", f"/batch/{name}"),
        }
        return page("batch.html", values, problems)


def _message(batch: DeskBatch) -> dict[str, object]:
    """How far the batch is, as the page and its script show it."""
    return {
        "ended": batch.ended,
        "total": batch.total,
        "running": batch.is_running,
        "finished": batch.is_finished,
        "says": _says(batch),
        # Whose PIN is asked for: the page is another one then.
        "turn": batch.turn.job.id if batch.turn else "",
    }


def _turn_problem(turn: HolderTurn, form: Mapping[str, str]) -> Problem | None:
    if turn.needs_new_pin:
        return new_pin_problem(turn.job.pin_policy, turn.job.holder.uid, form, _NEW_PIN, _REPEATED_PIN)
    return pin_problem(form.get(_NEW_PIN, ""), _NEW_PIN)


def _says(batch: DeskBatch) -> str:
    if batch.is_finished:
        return "Every card of this batch is done."
    if batch.turn:
        return f"{batch.holder} chooses the PIN of the new card."
    if batch.wants:
        return f"Next: {batch.holder}. {batch.wants}"
    if batch.holder:
        return f"Making the card of {batch.holder}. Leave the cards in the readers."
    return batch.stopped
