"""How many cards an hour one desk makes in a batch, the card agent in the loop, against the bare token calls.

``python -m bench.batch [--quick]`` starts the whole service in a folder of its own, begins a batch, and plays
the operator at the desk: the PIN once, then one blank card after another through the agent's real pages. It
prints figures in words and, last, one line of JSON.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlencode

import cryptoki
from app.ra.batching import Batching
from app.ra.desk_jobs import DeskJobs, DeskPolicy
from bench.blank_cards import BlankCards, blank_cards
from bench.report import median_ms, tell
from bench.token_calls import seconds_of_token_calls
from bench.whole_service import Desk, net_of, open_desk
from card_agent.driver import Driver
from tests.fakes.certificate_authority import InMemoryCertificateAuthority
from tests.support.running_service import running_service

PORT_OFFSET = 7100
_TOKEN_ROUNDS = 5


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.batch", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer cards: ends within a minute")
    cards = 6 if parser.parse_args().quick else 200
    with (
        tempfile.TemporaryDirectory() as folder,
        running_service(Path(folder) / "var", PORT_OFFSET) as service,
        open_desk(service) as desk,
    ):
        ends, cpu = _batch(desk, cards)
        bare = _token_calls(Path(folder))
    _tell([later - earlier for earlier, later in pairwise(ends)], bare, cpu / cards)


def _token_calls(folder: Path) -> list[float]:
    """Wall seconds of the bare token calls of a card, several times."""
    with blank_cards(cryptoki.load_card_profiles()["softhsm"], folder) as blank:
        return [_once(blank) for _ in range(_TOKEN_ROUNDS)]


def _once(blank: BlankCards) -> float:
    with blank() as open_card:
        return seconds_of_token_calls(open_card)


def _batch(desk: Desk, cards: int) -> tuple[list[float], float]:
    """Make the batch; when each card was done (the run's beginning first), and the server's CPU seconds
    beyond what it uses when nobody asks anything of it.
    """
    idle = desk.idle_server_cpu()
    uids = [desk.register(number) for number in range(1, cards + 1)]
    with Driver(desk.service.agent) as driver:
        driver.place("left", desk.operator.card_serial)
        driver.take_blank("right")
        desk.wait_until_done()  # registering is no part of the batch
        cpu = desk.server_cpu_seconds()
        address = driver.begin_batch(_hop(desk, uids), desk.operator.pin)
        ends = [time.perf_counter()]
        while True:
            ends += [time.perf_counter() for _ in driver.run_batch(address)]
            if driver.batch(address).finished:
                desk.wait_until_done()
                used = desk.server_cpu_since(cpu)
                return ends, sum(net_of(used, idle, time.perf_counter() - ends[0]).values())


def _hop(desk: Desk, uids: list[str]) -> str:
    # Only the desk's calls need a certificate authority, and those go to the running service.
    jobs = DeskJobs(desk.database, InMemoryCertificateAuthority(), DeskPolicy(desk.service.web))
    batching = Batching(desk.database, jobs)
    batch_id = batching.begin(desk.actor, "Measured", uids, None)
    query = {"op": desk.service.web, "ticket": batching.ticket(desk.actor, batch_id)}
    return f"{desk.service.agent}/batch?{urlencode(query)}"


def _tell(cards: list[float], bare: list[float], cpu: float) -> None:
    median = statistics.median(cards)
    tell(
        "batch",
        {
            f"Cards an hour at one desk, blanks changed by a program (median of {len(cards)})": (
                f"{3600 / median:.0f}"
            ),
            "A card of the batch, from one to the next": f"{median * 1000:.0f} ms",
            "The bare sum of its token calls, measured in the same run": f"{median_ms(bare):.0f} ms",
            "Server CPU a card": f"{cpu * 1000:.0f} ms",
        },
        {
            "cards_per_hour": 3600 / median,
            "card_ms": median * 1000,
            "token_calls_ms": median_ms(bare),
            "server_cpu_ms_per_card": cpu * 1000,
        },
        {"card_to_token_calls": median / statistics.median(bare)},
    )


if __name__ == "__main__":
    main()
