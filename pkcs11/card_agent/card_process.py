"""One short-lived process for each card operation.

Why a process: a PKCS#11 module knows its login per process, so a PIN checked in a shared process proves
nothing, and SoftHSM reads its configuration (one file a card) once per process. The processes come from a
fork server that has the modules imported but has not loaded the PKCS#11 module, which must be initialised
after the fork.

PINs go through the pipe to the process, never in its arguments.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from card_agent.errors import CardAgentError, CardFault, SoLastTry, crossing_a_pipe
from card_agent.pin import Pin
from card_agent.ports import Card

Result = TypeVar("Result")
CardOpener = Callable[[str], Card]

ANSWER_WITHIN_SECONDS = 60
_PRELOADED = ("card_operations", "virtual_cards", "pcsc_cards")

_context = multiprocessing.get_context("forkserver")


class SoLastTries:
    """Cards whose last try of the SO PIN waits for a second person's consent, and those that have it."""

    def __init__(self) -> None:
        self._waiting: set[str] = set()
        self._agreed: set[str] = set()

    def await_consent(self, serial: str) -> None:
        """Note that the card refused to have its last try used."""
        self._waiting.add(serial)

    def is_awaited(self, serial: str) -> bool:
        """Say whether the card waits for consent."""
        return serial in self._waiting

    def agree(self, serial: str) -> None:
        """Note the consent, for one use."""
        self._waiting.discard(serial)
        self._agreed.add(serial)

    def take_consent(self, serial: str) -> bool:
        """Say whether somebody agreed, and forget it."""
        is_agreed = serial in self._agreed
        self._agreed.discard(serial)
        return is_agreed


class CardProcesses:
    """Runs functions of ``card_operations`` on a card, each in a process of its own, one at a time.

    ``open_card`` is a picklable callable from a card's serial to the Card; it runs in the process.
    """

    def __init__(self, open_card: CardOpener) -> None:
        self._open_card = open_card
        self._one_at_a_time = threading.Lock()
        self._logins: Counter[str] = Counter()
        self.so_last_tries = SoLastTries()

    def run(
        self, serial: str, operation: Callable[..., Result], pins: Sequence[Pin] = (), *arguments: object
    ) -> Result:
        """Return ``operation(card, *pins, *arguments)``. Raises what it refused, or CardFault."""
        work = partial(_on_card, self._open_card, serial, operation, arguments)
        try:
            return self.ask(work, pins)
        except SoLastTry:
            self.so_last_tries.await_consent(serial)
            raise
        finally:
            self._logins[serial] += 1 if pins else 0

    def ask(self, question: Callable[..., Result], pins: Sequence[Pin] = ()) -> Result:
        """Return ``question(*pins)``, asked in a card process: of every reader, say. Raises as run()."""
        with self._one_at_a_time:
            ours, theirs = _context.Pipe()
            process = _context.Process(target=_serve, args=(theirs, question, len(pins)), daemon=True)
            process.start()
            theirs.close()
            try:
                answer = _converse(ours, pins)
            finally:
                ours.close()
                process.join(1)
                process.kill()
                process.join()
        result: Result = _unwrap(answer)
        return result

    def logins(self, serial: str) -> int:
        """Return how many operations with a PIN this agent has run on the card: each may have changed it."""
        return self._logins[serial]


def require_agent_alive() -> None:
    """Do nothing while the agent lives. Raises CardFault in a card process that outlived it.

    For use once the card is held: an operation that waited for the card while the agent was killed must not
    come after those of the next agent.
    """
    agent = multiprocessing.parent_process()
    if agent is not None and not agent.is_alive():
        raise CardFault("The card agent stopped. Start it again.")


def start_fork_server() -> None:
    """Start the fork server with the card modules imported, so that the first card is not slow."""
    multiprocessing.set_forkserver_preload([f"card_agent.{name}" for name in _PRELOADED])
    process = _context.Process(target=_nothing, daemon=True)
    process.start()
    process.join()


def _nothing() -> None:
    """Be a process that ends at once."""


def _converse(connection: Connection, pins: Sequence[Pin]) -> tuple[Any, ...]:
    try:
        for pin in pins:
            connection.send_bytes(pin.reveal().encode())
        if not connection.poll(ANSWER_WITHIN_SECONDS):
            raise CardFault("The card did not answer. Take it out, insert it again and try again.")
        answer: tuple[Any, ...] = connection.recv()
        return answer
    except (EOFError, OSError) as error:
        raise CardFault("The card's program stopped. Insert the card again and try again.") from error


def _unwrap(answer: tuple[Any, ...]) -> Any:
    if answer[0] == "returned":
        return answer[1]
    _, code, message, facts = answer
    raise crossing_a_pipe(code, message, facts)


def _on_card(
    open_card: CardOpener,
    serial: str,
    operation: Callable[..., Result],
    arguments: tuple[object, ...],
    *pins: Pin,
) -> Result:
    return operation(open_card(serial), *pins, *arguments)


def _serve(connection: Connection, question: Callable[..., object], pin_count: int) -> None:
    """Answer one question in the card process."""
    # Ctrl-C at the agent reaches this process too; the operation it has begun ends in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pins = [Pin(connection.recv_bytes().decode()) for _ in range(pin_count)]
    try:
        connection.send(("returned", question(*pins)))
    except CardAgentError as error:
        connection.send(("raised", error.code, str(error), error.facts()))
    except Exception as error:  # the process' outermost frame: the agent must get an answer
        # Only the kind of the error: its text could hold anything.
        sentence = f"The card failed ({type(error).__name__}). Insert it again and try again."
        connection.send(("raised", CardFault.code, sentence, {}))
    finally:
        for pin in pins:
            pin.forget()
