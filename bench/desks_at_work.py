"""What issuing a card costs the server under steady work, when several desks issue one card after another.

``python -m bench.desks_at_work [--quick]`` starts the whole service in a folder of its own, registers people,
and then issues their cards at several desks at once: the calls that the card agent makes, over TLS, with keys
in memory instead of tokens. Beside it, in the same run, the same calls with nobody else at work and a pause
before each card. CPU is what each server program uses beyond what it uses when nobody asks anything. It
prints figures in words and, last, one line of JSON.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench.desk_in_memory import DeskInMemory, desk_in_memory
from bench.report import tell
from bench.whole_service import (
    Desk,
    ServerCpu,
    answering_ms,
    average_of,
    net_of,
    open_desk,
    told_by_program,
)
from card_agent.driver import Driver
from tests.support.running_service import running_service

PORT_OFFSET = 7200
_DESKS = 4
_CPU_LIMIT_MS = 15
# Each of the web program's processes makes its statements once.
_WARMING_UP = 24
_PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class AtWork:
    """CPU seconds a card of each program, and cards a second."""

    cpu: ServerCpu
    cards_per_second: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.desks_at_work", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer cards: ends within a minute")
    cards, alone = (160, 4) if parser.parse_args().quick else (1200, 20)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_service(Path(folder) / "var", PORT_OFFSET) as service,
        open_desk(service) as desk,
    ):
        with Driver(service.agent) as driver:
            driver.place("left", desk.operator.card_serial)
        with desk_in_memory(desk) as at_desk:
            _tell(*_measured(desk, at_desk, cards, alone), cards)


def _measured(desk: Desk, at_desk: DeskInMemory, cards: int, alone: int) -> tuple[AtWork, ServerCpu]:
    numbers = itertools.count(1)
    _issue_all(at_desk, _begun(desk, numbers, _WARMING_UP))
    idle = desk.idle_server_cpu()
    single = average_of([_alone(desk, at_desk, next(numbers), idle) for _ in range(alone)])
    hops = _begun(desk, numbers, cards)
    desk.wait_until_done()  # registering is no part of the cards
    return _at_work(desk, at_desk, hops, idle), single


_Hops = Sequence[tuple[str, int]]


def _begun(desk: Desk, numbers: Iterator[int], cards: int) -> _Hops:
    """The addresses at which so many cards are issued, to people who are registered here."""
    return [(desk.hop(desk.register(number)), number) for number in itertools.islice(numbers, cards)]


def _issue_all(at_desk: DeskInMemory, hops: _Hops) -> None:
    with ThreadPoolExecutor(_DESKS) as desks:
        for _ in desks.map(lambda hop: at_desk.issue(*hop), hops):
            pass


def _at_work(desk: Desk, at_desk: DeskInMemory, hops: _Hops, idle: ServerCpu) -> AtWork:
    cpu, began = desk.server_cpu_seconds(), time.perf_counter()
    _issue_all(at_desk, hops)
    wall = time.perf_counter() - began
    desk.wait_until_done()  # what the worker publishes, and the status answers, belong to the cards
    used = net_of(desk.server_cpu_since(cpu), idle, time.perf_counter() - began)
    return AtWork({program: each / len(hops) for program, each in used.items()}, len(hops) / wall)


def _alone(desk: Desk, at_desk: DeskInMemory, number: int, idle: ServerCpu) -> ServerCpu:
    hop = desk.hop(desk.register(number))
    desk.wait_until_done()
    time.sleep(_PAUSE_SECONDS)
    cpu, began = desk.server_cpu_seconds(), time.perf_counter()
    at_desk.issue(hop, number)
    desk.wait_until_done()
    return net_of(desk.server_cpu_since(cpu), idle, time.perf_counter() - began)


def _tell(at_work: AtWork, alone: ServerCpu, cards: int) -> None:
    answering = {"at_work": answering_ms(at_work.cpu), "alone": answering_ms(alone)}
    whole = sum(at_work.cpu.values()) * 1000
    figures = {f"{each}_cpu_ms_per_card": cpu * 1000 for each, cpu in at_work.cpu.items()}
    tell(
        "desks_at_work",
        {
            f"Cards a second, {_DESKS} desks at once ({cards} cards)": f"{at_work.cards_per_second:.1f}",
            f"Server CPU a card under steady work, web, CA and status (limit {_CPU_LIMIT_MS} ms)": (
                f"{answering['at_work']:.1f} ms: {told_by_program(at_work.cpu)}"
            ),
            "The same with all programs": f"{whole:.1f} ms",
            f"Server CPU of a card after a second of silence (limit {_CPU_LIMIT_MS} ms)": (
                f"{answering['alone']:.1f} ms: {told_by_program(alone)}"
            ),
        },
        {
            **figures,
            "cards_per_second": at_work.cards_per_second,
            "server_cpu_ms_per_card": answering["at_work"],
            "all_programs_cpu_ms_per_card": whole,
            "server_cpu_ms_per_card_alone": answering["alone"],
        },
        {f"server_cpu_{name}_to_limit": each / _CPU_LIMIT_MS for name, each in answering.items()},
    )


if __name__ == "__main__":
    main()
