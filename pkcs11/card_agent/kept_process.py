"""One card process: a program apart from the agent's, which answers one question after another.

It comes from a fork server that has the modules imported but has loaded no PKCS#11 module, which must be
initialised after the fork. It ends with the agent, when the agent closes the pipe, and by itself when nobody
has asked anything for a while. PINs go through the pipe, never in arguments.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from multiprocessing.connection import Connection
from typing import Any

from card_agent import opened_ahead
from card_agent.errors import CardAgentError, CardFault, crossing_a_pipe
from card_agent.pin import Pin

ANSWER_WITHIN_SECONDS = 60
IDLE_SECONDS = 60
_IN_ORDER_WITHIN_SECONDS = 10
_PRELOADED = ("key_set_operations", "emulated_desk", "pcsc_cards", "virtual_cards", "rehearsal")
_TAKEN, _ANSWER, _REFUSED, _END = "taken", "answer", "refused", "end"
_NO_QUESTION = -1

_context = multiprocessing.get_context("forkserver")


class KeptProcess:
    """The agent's end of one card process. Not for several threads at once."""

    def __init__(self, idle_seconds: float = IDLE_SECONDS) -> None:
        self._ours, theirs = _context.Pipe()
        self._process = _context.Process(target=_serve, args=(theirs, idle_seconds), daemon=True)
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int | None:
        """Return the process id."""
        return self._process.pid

    def get_ahead(self, work: Callable[[], object]) -> None:
        """Have the process do what the next question would wait for. If it fails, the process ends."""
        with suppress(OSError):
            self._ours.send((work, _NO_QUESTION))

    def takes(self, question: Callable[..., object], pin_count: int) -> bool:
        """Put the question; False when the process has ended, and then nothing of it was begun."""
        try:
            self._ours.send((question, pin_count))
            self._received()
        except (EOFError, OSError):
            return False
        return True

    def answers(self, pins: Sequence[Pin]) -> Iterator[Any]:
        """Give the PINs and return what the question yields, or the one thing that it returns, as it comes.

        Raises what it refused, or CardFault.
        """
        try:
            for pin in pins:
                self._ours.send_bytes(pin.reveal().encode())
            while (message := self._received())[0] == _ANSWER:
                yield message[1]
        except (EOFError, OSError) as error:
            raise CardFault("The card's program stopped. Insert the card again and try again.") from error
        if message[0] == _REFUSED:
            raise crossing_a_pipe(*message[1:])

    def end(self) -> None:
        """Have the process end what it has begun, in order, and end it. Ending it twice does nothing."""
        self._ours.close()
        self._process.join(_IN_ORDER_WITHIN_SECONDS)
        self._process.kill()
        self._process.join()

    def _received(self) -> tuple[Any, ...]:
        if not self._ours.poll(ANSWER_WITHIN_SECONDS):
            self._process.kill()
            raise CardFault(
                "The card did not answer. Another program may be using it: close that program, "
                "or take the card out, insert it again and try again."
            )
        message: tuple[Any, ...] = self._ours.recv()
        return message


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
    KeptProcess().end()


def _serve(connection: Connection, idle_seconds: float) -> None:
    """Answer questions in the card process until nobody asks any more."""
    # Ctrl-C at the agent reaches this process too; the operation it has begun ends in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with closing(opened_ahead.IN_THIS_PROCESS), suppress(EOFError, OSError):
        while _is_asked(connection, idle_seconds):
            question, pin_count = connection.recv()
            if pin_count == _NO_QUESTION:
                try:
                    question()
                except Exception:  # the next question meets it in a process of its own, and can be told
                    return
                continue
            connection.send((_TAKEN,))
            pins = [Pin(connection.recv_bytes().decode()) for _ in range(pin_count)]
            connection.send(_answered(connection, question, pins))


def _is_asked(connection: Connection, idle_seconds: float) -> bool:
    """Wait for the next question; False when there was none for so long. No card is kept open meanwhile."""
    if connection.poll(min(opened_ahead.KEPT_SECONDS, idle_seconds)):
        return True
    opened_ahead.IN_THIS_PROCESS.close()
    return connection.poll(idle_seconds)


def _answered(
    connection: Connection, question: Callable[..., object], pins: Sequence[Pin]
) -> tuple[object, ...]:
    """Answer one question; return what the agent is told last."""
    try:
        with closing(_answers(question, pins)) as answers:
            for answer in answers:
                connection.send((_ANSWER, answer))
    except CardAgentError as error:
        return _REFUSED, error.code, str(error), error.facts()
    except Exception as error:  # the process' outermost frame: the agent must get an answer
        # Only the kind of the error: its text could hold anything.
        sentence = f"The card failed ({type(error).__name__}). Insert it again and try again."
        return _REFUSED, CardFault.code, sentence, {}
    finally:
        for pin in pins:
            pin.forget()
    return (_END,)


def _answers(question: Callable[..., object], pins: Sequence[Pin]) -> Generator[object, None, None]:
    with closing(opened_ahead.IN_THIS_PROCESS):
        answer = question(*pins)
        if isinstance(answer, Generator):
            yield from answer
        else:
            yield answer
