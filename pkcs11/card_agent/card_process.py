"""Works on cards in a card process: a program apart from the agent's, kept from one operation to the next.

Why a process: a crash of a PKCS#11 module harms nothing, and nobody else is logged in there. Why kept: to
start one for each operation took longer than the card. Each operation loads the module, logs in, and ends
with every session closed, the module finalised and the card reset, so that between two of them nobody can use
the card. A process in which anything failed is not used again, and none outlives the job.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import Any, TypeVar, cast

from card_agent import opened_ahead
from card_agent.errors import CardFault, SoLastTry, UnlockLastTry
from card_agent.kept_process import KeptProcess
from card_agent.pin import Pin
from card_agent.ports import Card

Result = TypeVar("Result")
CardOpener = Callable[[str, str], Card]


class SoLastTries:
    """Cards whose last try of the SO PIN waits for a second person's consent, and those that have it."""

    def __init__(self) -> None:
        self._waiting: dict[str, bool] = {}
        self._agreed: set[str] = set()

    def await_consent(self, serial: str, *, to_unlock: bool) -> None:
        """Note that the card refused to have its last try used, and whether it was to be unlocked."""
        self._waiting[serial] = to_unlock

    def is_awaited(self, serial: str) -> bool:
        """Say whether the card waits for consent."""
        return serial in self._waiting

    def would_unlock(self, serial: str) -> bool:
        """Say whether the card waits for consent to be unlocked: then its holder may be the one who reads."""
        return self._waiting.get(serial, False)

    def agree(self, serial: str) -> None:
        """Note the consent, for one use."""
        self._waiting.pop(serial, None)
        self._agreed.add(serial)

    def take_consent(self, serial: str) -> bool:
        """Say whether somebody agreed, and forget it."""
        is_agreed = serial in self._agreed
        self._agreed.discard(serial)
        return is_agreed


class CardProcesses:
    """Runs functions of ``card_operations`` on a card in a card process, one at a time.

    ``open_card`` is a picklable callable from a card's serial, and the reader in which it is thought to lie
    (or an empty text), to the Card; it runs in the process.
    """

    def __init__(self, open_card: CardOpener) -> None:
        self._open_card = open_card
        self._one_at_a_time = threading.Lock()
        self._kept: KeptProcess | None = None
        self._logins: Counter[str] = Counter()
        self._readers: Mapping[str, str] = {}
        self.so_last_tries = SoLastTries()

    def run(
        self, serial: str, operation: Callable[..., Result], pins: Sequence[Pin] = (), *arguments: object
    ) -> Result:
        """Return ``operation(card, *pins, *arguments)``. Raises what it refused, or CardFault."""
        with closing(self.steps(serial, operation, pins, *arguments)) as answers:
            (result,) = answers
        return cast(Result, result)

    def steps(
        self, serial: str, operation: Callable[..., object], pins: Sequence[Pin] = (), *arguments: object
    ) -> Generator[Any, None, None]:
        """Run an operation of several steps, and yield what it yields as each is done. Raises as run().

        Close it in any case (contextlib.closing): closed early, the operation ends after the step that it has
        begun. It is over, and the card free, when nothing more comes.
        """
        work = partial(_on_card, serial, self._opening(serial), operation, arguments)
        try:
            yield from self._answers(work, pins)
        except SoLastTry as refusal:
            self.so_last_tries.await_consent(serial, to_unlock=isinstance(refusal, UnlockLastTry))
            raise
        finally:
            self._logins[serial] += 1 if pins else 0

    def ask(self, question: Callable[..., Result], pins: Sequence[Pin] = ()) -> Result:
        """Return ``question(*pins)``, asked in a card process: of every reader, say. Raises as run()."""
        with closing(self._answers(partial(_with_no_card_open, question), pins)) as answers:
            (result,) = answers
        return cast(Result, result)

    def lie_in(self, readers: Mapping[str, str]) -> None:
        """Note in which reader each card was seen last, by serial: it is looked for there first."""
        self._readers = readers

    def open_ahead(self, serial: str) -> None:
        """Have the card opened for its next operation, while the site is asked, say. Returns at once.

        Nobody is logged in, and soon it is closed again if the operation does not come. A process at work has
        no time for it.
        """
        if self._one_at_a_time.acquire(blocking=False):
            try:
                self._kept = self._kept or KeptProcess()
                self._kept.get_ahead(partial(_open_ahead, serial, self._opening(serial)))
            finally:
                self._one_at_a_time.release()

    def get_ready(self) -> None:
        """Have a card process ready, while somebody fills in a form, say. One at work is ready in time."""
        if self._one_at_a_time.acquire(blocking=False):
            try:
                self._kept = self._kept or KeptProcess()
            finally:
                self._one_at_a_time.release()

    def end(self) -> None:
        """End the card process: what it knew of PINs is gone. The next operation starts another."""
        with self._one_at_a_time:
            self._end()

    def logins(self, serial: str) -> int:
        """Return how many operations with a PIN this agent has run on the card: each may have changed it."""
        return self._logins[serial]

    def _answers(self, question: Callable[..., object], pins: Sequence[Pin]) -> Generator[Any, None, None]:
        with self._one_at_a_time:
            try:
                yield from self._taking(question, len(pins)).answers(pins)
            except BaseException:
                self._end()
                raise

    def _opening(self, serial: str) -> Callable[[], Card]:
        return partial(self._open_card, serial, self._readers.get(serial, ""))

    def _taking(self, question: Callable[..., object], pin_count: int) -> KeptProcess:
        """Return a process that has taken the question: the kept one, or another if it has ended."""
        for _ in range(2):
            self._kept = self._kept or KeptProcess()
            if self._kept.takes(question, pin_count):
                return self._kept
            self._end()
        raise CardFault("The card's program does not start. Restart the card agent.")

    def _end(self) -> None:
        if self._kept is not None:
            self._kept.end()
            self._kept = None


def _on_card(
    serial: str,
    open_card: Callable[[], Card],
    operation: Callable[..., Result],
    arguments: tuple[object, ...],
    *pins: Pin,
) -> Result:
    card = opened_ahead.IN_THIS_PROCESS.take(serial) or open_card()
    return operation(card, *pins, *arguments)


def _open_ahead(serial: str, open_card: Callable[[], Card]) -> None:
    opened_ahead.IN_THIS_PROCESS.open(serial, open_card)


def _with_no_card_open(question: Callable[..., Result], *pins: Pin) -> Result:
    opened_ahead.IN_THIS_PROCESS.close()
    return question(*pins)
