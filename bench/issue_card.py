"""How long issuing a card takes, against the bare sum of its token calls; server CPU; certificates a second.

``python -m bench.issue_card [--quick]`` starts the whole service in a folder of its own, plays the people at
the desk through the card agent's real pages, and prints figures in words and, last, one line of JSON.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cryptoki
from bench.certificate_orders import CertificateFigures, measure_certificates
from bench.report import median_ms, tell
from bench.token_calls import seconds_of_token_calls
from bench.whole_service import Desk, open_desk
from card_agent.driver import Driver
from tests.support.running_service import running_service

PORT_OFFSET = 7000
_NEW_PIN = "59174028"
_FIRST_NUMBER = 1


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.issue_card", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer cards: ends within a minute")
    cards = 6 if parser.parse_args().quick else 40
    with tempfile.TemporaryDirectory() as folder:
        with running_service(Path(folder) / "var", PORT_OFFSET) as service, open_desk(service) as desk:
            rounds = list(itertools.islice(_rounds(desk), cards + 1))[1:]
        certificates = measure_certificates(cards)
    _tell(rounds, certificates)


def _rounds(desk: Desk) -> Iterator[tuple[float, float, float]]:
    """For each card: wall seconds, server CPU seconds, and wall seconds of the bare token calls right after.

    They take turns, so that what else the machine does meets both alike. The first round warms everything up.
    """
    module = cryptoki.load_card_profiles()["softhsm"].module
    with Driver(desk.service.agent) as driver:
        for number in itertools.count(_FIRST_NUMBER):
            uid = desk.register(number)
            driver.place("left", desk.operator.card_serial)
            driver.take_blank("right")
            wall, cpu = _issue(desk, driver, uid)
            driver.remove("right")
            yield wall, cpu, seconds_of_token_calls(module)


def _issue(desk: Desk, driver: Driver, uid: str) -> tuple[float, float]:
    hop, cpu = desk.hop(uid), desk.server_cpu_seconds()
    began = time.perf_counter()
    for _ in driver.issue(hop, desk.operator.pin, _NEW_PIN):
        pass
    wall = time.perf_counter() - began
    # The worker still publishes; its work belongs to the card.
    time.sleep(0.5)
    return wall, desk.server_cpu_seconds() - cpu


def _tell(rounds: list[tuple[float, float, float]], certificates: CertificateFigures) -> None:
    whole, bare = median_ms(each[0] for each in rounds), median_ms(each[2] for each in rounds)
    cpu = statistics.fmean(each[1] for each in rounds) * 1000
    ratio = statistics.median(each[0] / each[2] for each in rounds)
    tell(
        "issue_card",
        {
            f"Whole personalisation, 2 x P-256 on SoftHSM (median of {len(rounds)})": f"{whole:.0f} ms",
            "The bare sum of its token calls, in turn with it": f"{bare:.0f} ms",
            "Whole against bare, pair by pair (median)": f"{ratio:.2f}",
            "Server CPU a card: web, CA, worker, directory, status": f"{cpu:.0f} ms",
            "Certificates by the CA process, everything included": f"{certificates.process_per_second:.0f}/s",
            "CPU a certificate by the CA process": f"{certificates.process_cpu_ms:.2f} ms",
            "The same checks with a key in memory and no database": f"{certificates.memory_cpu_ms:.2f} ms",
            "Only built and signed in memory": f"{certificates.bare_cpu_ms:.3f} ms",
        },
        {
            "personalisation_ms": whole,
            "token_calls_ms": bare,
            "server_cpu_ms_per_card": cpu,
            "certificates_per_second": certificates.process_per_second,
            "certificate_cpu_ms": certificates.process_cpu_ms,
            "certificate_in_memory_cpu_ms": certificates.memory_cpu_ms,
        },
        {
            "personalisation_to_token_calls": ratio,
            "certificate_to_in_memory_key": certificates.process_cpu_ms / certificates.memory_cpu_ms,
        },
    )


if __name__ == "__main__":
    main()
