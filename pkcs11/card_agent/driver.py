"""Plays a person at the desk, for tests and for the first start: submits the agent's real forms over HTTP.

It sends what a browser sends when a person navigates, and reads the pages, not an interface made for it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType

import httpx

from card_agent.page_reading import PageRead, read_page

_NAVIGATION = {
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-User": "?1",
    "Accept": "text/html",
}
_ANSWER_WITHIN_SECONDS = 90
_REFERENCE = re.compile(r"\b[A-Z0-9]{4}-[A-Z0-9]{4}\b")
_PAUSE_SECONDS = 0.05


class DriverRefused(Exception):
    """The agent showed a refusal. The message is what the page says."""


@dataclass(frozen=True)
class StepDone:
    """One step as the progress page shows it: its name, sentence, state and time of day."""

    name: str
    sentence: str
    state: str
    time: str


@dataclass(frozen=True)
class BatchSeen:
    """How far a batch is: cards done and in all, whether it runs or is finished, what the page says.

    ``turn`` is the job whose holder is asked for a PIN now; empty when nobody is.
    """

    ended: int
    total: int
    running: bool
    finished: bool
    says: str
    turn: str


class Driver:
    """A person with a browser at the agent of ``agent_origin`` (``http://127.0.0.1:24727``)."""

    def __init__(self, agent_origin: str) -> None:
        self._origin = agent_origin
        self._http = httpx.Client(
            base_url=agent_origin, headers=_NAVIGATION, timeout=_ANSWER_WITHIN_SECONDS, trust_env=False
        )

    def __enter__(self) -> Driver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def readers(self) -> dict[str, str]:
        """Return the serial in each reader (``left``, ``right``); empty text for an empty reader."""
        return self._open("/").readers

    def insert(self, reader: str, serial: str) -> None:
        """Insert a card of the drawer. Raises DriverRefused."""
        self._desk("/desk/insert", {"reader": reader, "serial": serial})

    def remove(self, reader: str) -> None:
        """Take the card out of the reader. Raises DriverRefused."""
        self._desk("/desk/remove", {"reader": reader})

    def place(self, reader: str, serial: str) -> None:
        """See to it that this card lies in this reader, wherever it and other cards lie now."""
        for other, lying in self.readers().items():
            if (lying == serial) != (other == reader) and lying:
                self.remove(other)
        if self.readers()[reader] != serial:
            self.insert(reader, serial)

    def take_blank(self, reader: str) -> str:
        """Put a new blank card in the empty reader and return its serial. Raises DriverRefused."""
        return self._desk("/desk/take", {"reader": reader}).readers[reader]

    def sign_in(self, hop: str, pin: str, card_serial: str | None = None) -> str:
        """Follow the site's link to the agent, enter the PIN, return where the agent sends the browser.

        ``card_serial`` chooses a card when both readers hold one; without it the page's own choice stands.
        Raises DriverRefused.
        """
        asked = self._open(hop)
        form = self._form(asked, "/card")
        answer = self._submit("/card", {**form, "pin": pin, **({"card": card_serial} if card_serial else {})})
        if answer.status_code != httpx.codes.SEE_OTHER:
            raise DriverRefused(_reason(read_page(answer.text)))
        return answer.headers["Location"]

    def issue(self, hop: str, operator_pin: str, new_pin: str) -> Iterator[StepDone]:
        """Follow the site's link, enter the PINs, and yield every step as it gets done.

        ``new_pin`` is also entered where a certified card's PIN is asked. Raises DriverRefused with what the
        page says when the run fails or is not begun.
        """
        yield from self.issue_from(self.open_issue(hop), operator_pin, new_pin)

    def open_issue(self, hop: str) -> PageRead:
        """Follow the site's link: the agent collects the job and shows its form."""
        return self._open(hop)

    def issue_from(self, asked: PageRead, operator_pin: str, new_pin: str) -> Iterator[StepDone]:
        """Enter the PINs on the form that was opened, and go on as ``issue``."""
        action = next((name for name in asked.forms if name.startswith("/issue/")), "")
        pins = {
            "operator_pin": operator_pin,
            "new_pin": new_pin,
            "repeated_pin": new_pin,
            "holder_pin": new_pin,
        }
        answer = self._submit(action, {**self._form(asked, action), **pins})
        if answer.status_code != httpx.codes.SEE_OTHER:
            raise DriverRefused(_reason(read_page(answer.text)))
        yield from self._steps(f"{action}/steps.json")

    def use_last_try(
        self, serial: str, pin: str, *, second_pin: str = "", second_uid: str = "", agrees: str = "yes"
    ) -> None:
        """Use the last try of a card in a reader, with a second person's card and PIN, or by their user id.

        Raises DriverRefused with what the page says, also when the PIN was wrong.
        """
        page = self._open(f"/last-try?card={serial}")
        second = {"second_pin": second_pin} if second_pin else {"second_uid": second_uid, "agrees": agrees}
        fields = {**self._form(page, "/last-try"), "pin": pin, **second}
        answer = self._submit("/last-try", fields)
        if answer.status_code != httpx.codes.OK:
            raise DriverRefused(_reason(read_page(answer.text)))

    def send_report(self) -> str:
        """Open the reader doctor, send its report to the first site, and return the reference that is shown.

        Raises DriverRefused.
        """
        form = self._form(self._examined(), "/doctor")
        read = read_page(self._submit("/doctor", form).text)
        found = _REFERENCE.search(read.text)
        if found is None:
            raise DriverRefused(_reason(read))
        return found[0]

    def _examined(self) -> PageRead:
        """The doctor's page, once it has looked at everything."""
        deadline = time.monotonic() + _ANSWER_WITHIN_SECONDS
        read = self._open("/doctor")
        while "/doctor" not in read.forms and time.monotonic() < deadline:
            time.sleep(_PAUSE_SECONDS)
            read = self._open("/doctor")
        return read

    def work_off(self, hop: str, fields: Mapping[str, str]) -> Iterator[StepDone]:
        """Follow the site's link to a card job, fill in its form, and yield every step as it gets done.

        Raises DriverRefused with what the page says when the run fails or is not begun.
        """
        yield from self._steps(f"{self.fill_in(hop, fields)}/steps.json")

    def fill_in(self, hop: str, fields: Mapping[str, str]) -> str:
        """Follow the site's link to a card job, or its address here, fill in its form; its address here.

        After the first of two people has signed, the form comes again for the second. Raises DriverRefused.
        """
        asked = self._open(hop)
        action = next((name for name in asked.forms if name.startswith("/job/")), "")
        answer = self._submit(action, {**self._form(asked, action), **fields})
        if answer.status_code != httpx.codes.SEE_OTHER:
            raise DriverRefused(_reason(read_page(answer.text)))
        return action

    def read(self, address: str) -> str:
        """What the page at that address says."""
        return self._open(address).text

    def begin_batch(self, hop: str, operator_pin: str) -> str:
        """Follow the site's link to a batch, enter the operator's PIN; the batch's address at this desk.

        Raises DriverRefused.
        """
        asked = self._open(hop)
        action = next((name for name in asked.forms if name.startswith("/batch/")), "")
        answer = self._submit(action, {**self._form(asked, action), "operator_pin": operator_pin})
        if answer.status_code != httpx.codes.SEE_OTHER:
            raise DriverRefused(_reason(read_page(answer.text)))
        return action

    def batch(self, address: str) -> BatchSeen:
        """How far the batch is, as its page shows it."""
        path, headers = f"{address}/steps.json", _SAME_ORIGIN_FETCH
        return BatchSeen(**self._http.get(path, headers=headers).raise_for_status().json())

    def take_turn(self, address: str, pin: str) -> None:
        """Choose the PIN as the holder whose turn it is; with an empty one, say that the holder is not here.

        Raises DriverRefused.
        """
        answered = {"new_pin": pin, "repeated_pin": pin} if pin else {"absent": "yes"}
        answer = self._submit(address, {**self._form(self._open(address), address), **answered})
        if answer.status_code != httpx.codes.SEE_OTHER:
            raise DriverRefused(_reason(read_page(answer.text)))

    def run_batch(self, address: str) -> Iterator[BatchSeen]:
        """Give the running batch one new blank card after another, and yield whenever a card is done.

        Raises DriverRefused with what the page says when the run stops before its end.
        """
        seen, given_after = self.batch(address), -1
        while seen.running:
            # Once for each card: what the page says may be from before the card was put in.
            if seen.says.startswith("Next: ") and given_after != seen.ended:
                self._next_blank()
                given_after = seen.ended
            time.sleep(_PAUSE_SECONDS)
            before, seen = seen, self.batch(address)
            if seen.ended != before.ended:
                yield seen
        if not seen.finished:
            raise DriverRefused(seen.says)

    def _next_blank(self) -> None:
        """Take out what lies in the right reader and put a new blank card there."""
        if self.readers()["right"]:
            self.remove("right")
        self.take_blank("right")

    def _steps(self, path: str) -> Iterator[StepDone]:
        seen: set[str] = set()
        after = 0
        deadline = time.monotonic() + _ANSWER_WITHIN_SECONDS
        while time.monotonic() < deadline:
            address = f"{path}?after={after}"
            message = self._http.get(address, headers=_SAME_ORIGIN_FETCH).raise_for_status().json()
            after = message.get("changes", 0)
            for step in message["steps"]:
                if step["state"].startswith("done") and step["name"] not in seen:
                    seen.add(step["name"])
                    yield StepDone(step["name"], step["sentence"], step["state"], step["time"])
            if message["over"]:
                return _require_done(message)
        raise DriverRefused("The agent did not finish in time.")

    def _desk(self, action: str, fields: Mapping[str, str]) -> PageRead:
        form = {"form_value": next(each["form_value"] for each in self._open("/").forms.values())}
        answer = self._submit(action, {**form, **fields})
        if answer.status_code != httpx.codes.SEE_OTHER:
            raise DriverRefused(_reason(read_page(answer.text)))
        return self._open("/")

    def _open(self, address: str) -> PageRead:
        answer = self._http.get(address, headers={"Sec-Fetch-Site": "cross-site"})
        while answer.status_code == httpx.codes.SEE_OTHER:
            answer = self._http.get(answer.headers["Location"], headers={"Sec-Fetch-Site": "cross-site"})
        return read_page(answer.text)

    def _form(self, page: PageRead, action: str) -> dict[str, str]:
        if action not in page.forms:
            raise DriverRefused(_reason(page))
        return page.forms[action]

    def _submit(self, action: str, fields: Mapping[str, str]) -> httpx.Response:
        # A page with Referrer-Policy no-referrer sends its forms with Origin: null.
        headers = {"Sec-Fetch-Site": "same-origin", "Origin": "null"}
        return self._http.post(action, data=dict(fields), headers=headers)


_SAME_ORIGIN_FETCH = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "same-origin"}


def _require_done(message: Mapping[str, object]) -> None:
    if not message.get("done"):
        raise DriverRefused(str(message.get("failure") or "The run ended early."))


def _reason(page: PageRead) -> str:
    return page.problem or page.text
