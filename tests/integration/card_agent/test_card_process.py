"""The card process: kept from one operation to the next, replaced after trouble, outliving nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from card_agent import card_operations
from card_agent.card_process import CardProcesses
from card_agent.errors import CardFault, PinIncorrect
from card_agent.kept_process import KeptProcess
from card_agent.opened_ahead import IN_THIS_PROCESS
from card_agent.pin import Pin
from card_agent.ports import Card, Purpose
from card_agent.virtual_cards import VirtualCardOpener, VirtualDesk
from tests.integration.card_agent.conftest import ROOT
from tests.support.making_cards import prepare
from tests.support.running_service import wait_until
from virtual_card.locking import exclusive

PIN, WRONG, SO_PIN = "59174028", "26849370", "0123456789abcdef"
UID = "555036632106"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("desk")


@pytest.fixture
def processes(folder: Path) -> Iterator[CardProcesses]:
    processes = CardProcesses(VirtualCardOpener(folder))
    yield processes
    processes.end()


@pytest.fixture(scope="module")
def card(folder: Path) -> str:
    """A card with keys."""
    serial = VirtualDesk(folder).take_blank("right")
    processes = CardProcesses(VirtualCardOpener(folder))
    prepare(processes, serial, SO_PIN, PIN, UID)
    processes.end()
    return serial


def sign(processes: CardProcesses, card: str, pin: str = PIN) -> bytes:
    return processes.run(card, card_operations.sign, [Pin(pin)], Purpose.AUTHENTICATION, b"said")


def killed_between_two_steps(card: Card) -> Generator[str, None, None]:
    """An operation whose process dies as one does when its module crashes."""
    with card.held():
        yield "the first step"
        os.kill(os.getpid(), signal.SIGKILL)
        yield "the second step"


def is_there(process: int) -> bool:
    """Whether the process runs; one that ended and was not asked for its status does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_one_process_does_one_operation_after_another(processes: CardProcesses, card: str) -> None:
    first = processes.ask(os.getpid)
    assert sign(processes, card) != sign(processes, card)
    assert processes.ask(os.getpid) == first != os.getpid()


def test_in_a_kept_process_a_pin_is_tried_and_not_remembered(processes: CardProcesses, card: str) -> None:
    sign(processes, card)
    with pytest.raises(PinIncorrect, match="2 tries left"):
        sign(processes, card, WRONG)
    assert sign(processes, card)


def test_between_two_operations_nobody_holds_the_card(
    processes: CardProcesses, card: str, folder: Path
) -> None:
    process = processes.ask(os.getpid)
    sign(processes, card)
    lock = next(folder.rglob(f"{card}/lock"))
    with exclusive(lock, 0, lambda: AssertionError("the process holds the card")):
        assert is_there(process)
    held = [os.readlink(each) for each in Path(f"/proc/{process}/fd").iterdir()]
    assert not [each for each in held if card in each]


def is_held(card: str, folder: Path) -> bool:
    """Whether anybody has the card now."""
    try:
        with exclusive(next(folder.rglob(f"{card}/lock")), 0, BlockingIOError):
            return False
    except BlockingIOError:
        return True


def test_a_card_opened_ahead_is_free_when_its_operation_is_over(
    processes: CardProcesses, card: str, folder: Path
) -> None:
    processes.open_ahead(card)
    wait_until(lambda: is_held(card, folder), "the card is open")
    process = processes.ask(os.getpid)
    assert not is_held(card, folder)
    processes.open_ahead(card)
    wait_until(lambda: is_held(card, folder), "the card is open")
    assert sign(processes, card)
    assert not is_held(card, folder)
    assert processes.ask(os.getpid) == process


def test_on_a_card_opened_ahead_a_pin_is_tried(processes: CardProcesses, card: str) -> None:
    processes.open_ahead(card)
    with pytest.raises(PinIncorrect, match="2 tries left"):
        sign(processes, card, WRONG)
    assert sign(processes, card)


def test_a_card_opened_ahead_for_nothing_is_closed_soon(card: str, folder: Path) -> None:
    kept, opener = KeptProcess(idle_seconds=0.3), VirtualCardOpener(folder)
    kept.get_ahead(partial(IN_THIS_PROCESS.open, card, partial(opener, card)))
    wait_until(lambda: is_held(card, folder), "the card is open")
    wait_until(lambda: not is_held(card, folder), "the card is closed")
    kept.end()


def test_a_card_that_cannot_be_opened_ahead_is_said_by_its_operation(
    processes: CardProcesses, card: str
) -> None:
    processes.open_ahead("NOBODYS")
    with pytest.raises(CardFault, match="NoSuchCard"):
        sign(processes, "NOBODYS")
    processes.open_ahead("NOBODYS")
    assert sign(processes, card)


def test_a_process_that_refused_something_is_not_used_again(processes: CardProcesses, card: str) -> None:
    first = processes.ask(os.getpid)
    with pytest.raises(PinIncorrect):
        sign(processes, card, WRONG)
    wait_until(lambda: not is_there(first), "the process is gone")
    sign(processes, card)
    assert processes.ask(os.getpid) != first


def test_killed_between_two_operations_it_is_replaced(processes: CardProcesses, card: str) -> None:
    first = processes.ask(os.getpid)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: not is_there(first), "the process is gone")
    assert sign(processes, card)
    assert processes.ask(os.getpid) != first


def test_killed_in_the_middle_the_step_fails_and_the_next_operation_works(
    processes: CardProcesses, card: str
) -> None:
    with closing(processes.steps(card, killed_between_two_steps)) as answers:
        assert next(answers) == "the first step"
        with pytest.raises(CardFault, match="program stopped"):
            next(answers)
    assert sign(processes, card)


def test_an_operation_that_is_left_early_ends_and_frees_the_card(processes: CardProcesses, card: str) -> None:
    with closing(processes.steps(card, card_operations.finish, [Pin(PIN)], {}, b"nonce")) as answers:
        assert next(answers) is None
    assert sign(processes, card)


def test_it_ends_when_it_is_told_to(processes: CardProcesses) -> None:
    process = processes.ask(os.getpid)
    processes.end()
    assert not is_there(process)


def test_it_ends_by_itself_when_nobody_asks() -> None:
    process = KeptProcess(idle_seconds=0.1)
    assert process.pid is not None
    pid = process.pid
    wait_until(lambda: not is_there(pid), "the process is gone")
    assert not process.takes(os.getpid, 0)
    process.end()


def test_it_ends_with_an_agent_that_is_killed() -> None:
    agent = subprocess.Popen(
        [sys.executable, "-c", _AGENT], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=_ENVIRONMENT
    )
    assert agent.stdout is not None
    process = int(agent.stdout.readline())
    assert is_there(process)
    agent.kill()
    agent.wait()
    agent.stdout.close()
    wait_until(lambda: not is_there(process), "the process is gone")


_ENVIRONMENT = {"PYTHONPATH": str(ROOT / "pkcs11"), "PATH": "/usr/bin:/bin"}
_AGENT = """
import os, time
from pathlib import Path
from card_agent.card_process import CardProcesses
from card_agent.virtual_cards import VirtualCardOpener
processes = CardProcesses(VirtualCardOpener(Path("nowhere")))
print(processes.ask(os.getpid), flush=True)
time.sleep(60)
"""
