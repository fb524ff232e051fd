"""How long issuing a card takes on every kind of card, against the bare sum of its token calls.

``python -m bench.issue_card [--profile softhsm|smartcard-hsm|piv|tpm|all] [--quick]`` starts the whole
service in a folder of its own, plays the people at the desk through the card agent's real pages, and
prints figures in words and, last, one line of JSON. What the token calls are: ``bench.token_calls``. A TPM
lies in no reader: of it the token calls alone are measured.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cryptoki
from bench.blank_cards import BlankCards, blank_cards
from bench.certificate_orders import CertificateFigures, measure_certificates
from bench.report import median_ms, tell
from bench.token_calls import seconds_of_token_calls, seconds_with_module_loaded
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
from virtual_card.pcsc import KINDS

PORT_OFFSET = 7000
_NEW_PIN = "59174028"
_FIRST_NUMBER = 1
_TARGET = 1.5
_WARMING_UP = 6
_CPU_LIMIT_MS = 15


@dataclass(frozen=True)
class Round:
    """One card: wall seconds until its form is shown, and from the form to its end; CPU seconds of each
    server program beyond what it uses when nobody asks anything of it; wall seconds of the token calls, and
    of those with the module loaded beforehand.

    ``opening`` and ``whole`` are None where no agent was at work.
    """

    opening: float | None
    whole: float | None
    server_cpu: ServerCpu
    token_calls: float
    loaded: float


def main() -> None:
    """Measure and print."""
    profiles = cryptoki.load_card_profiles()
    parser = argparse.ArgumentParser(prog="python -m bench.issue_card", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer cards: ends within a minute a profile")
    parser.add_argument("--profile", choices=[*profiles, "all"], default="softhsm")
    chosen = parser.parse_args()
    cards = 6 if chosen.quick else 40
    names = list(profiles) if chosen.profile == "all" else [chosen.profile]
    rounds = {name: _in_a_process_of_its_own(name, cards) for name in names}
    _tell(rounds, measure_certificates(cards))


def _in_a_process_of_its_own(name: str, cards: int) -> list[Round]:
    """The PC/SC library keeps to the pcscd that it found first, and each profile has one of its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as processes:
        return processes.submit(_measured, name, cards).result()


def _measured(name_of_profile: str, cards: int) -> list[Round]:
    """The first rounds warm everything up: each of the web program's processes makes its statements once."""
    profile = cryptoki.load_card_profiles()[name_of_profile]
    with tempfile.TemporaryDirectory() as name, blank_cards(profile, Path(name)) as blank:
        folder = Path(name)
        if profile.name == "tpm":
            return list(itertools.islice(_rounds_without_agent(blank), cards + 1))[1:]
        readers = ("--pcsc", profile.name) if profile.name in KINDS else ()
        with (
            running_service(folder / "var", PORT_OFFSET, *readers) as service,
            open_desk(service) as desk,
        ):
            return list(itertools.islice(_rounds(desk, blank), cards + _WARMING_UP))[_WARMING_UP:]


def _rounds(desk: Desk, blank: BlankCards) -> Iterator[Round]:
    """They take turns, so that what else the machine does meets both alike."""
    idle = desk.idle_server_cpu()
    with Driver(desk.service.agent) as driver:
        for number in itertools.count(_FIRST_NUMBER):
            uid = desk.register(number)
            driver.place("left", desk.operator.card_serial)
            driver.take_blank("right")
            opening, whole, cpu = _issue(desk, driver, uid, idle)
            driver.remove("right")
            yield Round(opening, whole, cpu, *_token_seconds(blank))


def _rounds_without_agent(blank: BlankCards) -> Iterator[Round]:
    while True:
        yield Round(None, None, {}, *_token_seconds(blank))


def _token_seconds(blank: BlankCards) -> tuple[float, float]:
    with blank() as open_card:
        token_calls = seconds_of_token_calls(open_card)
    with blank() as open_card:
        return token_calls, seconds_with_module_loaded(open_card)


def _issue(desk: Desk, driver: Driver, uid: str, idle: ServerCpu) -> tuple[float, float, ServerCpu]:
    """Between the two times a person reads the form and enters the PINs."""
    hop = desk.hop(uid)
    desk.wait_until_done()  # the person's registration is no part of the card
    cpu, began = desk.server_cpu_seconds(), time.perf_counter()
    asked = driver.open_issue(hop)
    entered = time.perf_counter()
    for _ in driver.issue_from(asked, desk.operator.pin, _NEW_PIN):
        pass
    issued = time.perf_counter()
    desk.wait_until_done()  # what the worker publishes, and the status answers, belong to the card
    used = desk.server_cpu_since(cpu)
    return entered - began, issued - entered, net_of(used, idle, time.perf_counter() - began)


def _tell(measured: dict[str, list[Round]], certificates: CertificateFigures) -> None:
    words: dict[str, str] = {}
    figures: dict[str, float] = {}
    ratios: dict[str, float] = {}
    for name, rounds in measured.items():
        # The first kind, by itself as before, has the names without a kind.
        suffix = "" if name == "softhsm" else f"_{name.replace('-', '_')}"
        for told in (_of_the_desk, _of_the_tokens, _of_the_server):
            more_words, more_figures, more_ratios = told(name, suffix, rounds)
            words, figures, ratios = words | more_words, figures | more_figures, ratios | more_ratios
    tell(
        "issue_card",
        words | _certificate_words(certificates),
        figures | _certificate_figures(certificates),
        {
            **ratios,
            "certificate_to_in_memory_key": certificates.process_cpu_ms / certificates.memory_cpu_ms,
        },
    )


_Told = tuple[dict[str, str], dict[str, float], dict[str, float]]


def _of_the_tokens(name: str, suffix: str, rounds: list[Round]) -> _Told:
    calls = median_ms(each.token_calls for each in rounds)
    loaded = median_ms(each.loaded for each in rounds)
    words = {
        f"{name}: its token calls, module loaded and card reset for each login": f"{calls:.0f} ms",
        f"{name}: the same with the module loaded beforehand, which no desk may do": f"{loaded:.0f} ms",
    }
    return words, {f"token_calls{suffix}_ms": calls, f"token_calls_loaded{suffix}_ms": loaded}, {}


def _of_the_desk(name: str, suffix: str, rounds: list[Round]) -> _Told:
    wholes = [(each.whole, each) for each in rounds if each.whole is not None]
    if not wholes:
        return {}, {}, {}
    opening = median_ms(each.opening for each in rounds if each.opening is not None)
    whole = median_ms(seconds for seconds, _ in wholes)
    ratio = statistics.median(seconds / each.token_calls for seconds, each in wholes)
    loaded = statistics.median(seconds / each.loaded for seconds, each in wholes)
    words = {
        f"{name}: from the site's link to the form, where the PINs are entered": f"{opening:.0f} ms",
        f"{name}: whole personalisation from there, 2 x P-256 (median of {len(wholes)})": f"{whole:.0f} ms",
        f"{name}: whole against its token calls, pair by pair (median; target {_TARGET})": f"{ratio:.2f}",
        f"{name}: whole against them with the module loaded beforehand": f"{loaded:.2f}",
    }
    ratios = {
        f"personalisation{suffix}_to_token_calls": ratio,
        f"personalisation{suffix}_to_token_calls_loaded": loaded,
    }
    return words, {f"opening{suffix}_ms": opening, f"personalisation{suffix}_ms": whole}, ratios


def _of_the_server(name: str, suffix: str, rounds: list[Round]) -> _Told:
    by_program = average_of([each.server_cpu for each in rounds])
    if not by_program:
        return {}, {}, {}
    cpu = answering_ms(by_program)
    figures = {f"{program}_cpu_ms_per_card{suffix}": each * 1000 for program, each in by_program.items()}
    return (
        {
            f"{name}: server CPU a card, web, CA and status (limit {_CPU_LIMIT_MS} ms)": (
                f"{cpu:.1f} ms: {told_by_program(by_program)}"
            )
        },
        {**figures, f"server_cpu_ms_per_card{suffix}": cpu},
        {f"server_cpu{suffix}_to_limit": cpu / _CPU_LIMIT_MS},
    )


def _certificate_words(certificates: CertificateFigures) -> dict[str, str]:
    return {
        "Certificates by the CA process, everything included": f"{certificates.process_per_second:.0f}/s",
        "CPU a certificate by the CA process": f"{certificates.process_cpu_ms:.2f} ms",
        "The same checks with a key in memory and no database": f"{certificates.memory_cpu_ms:.2f} ms",
        "Only built and signed in memory": f"{certificates.bare_cpu_ms:.3f} ms",
    }


def _certificate_figures(certificates: CertificateFigures) -> dict[str, float]:
    return {
        "certificates_per_second": certificates.process_per_second,
        "certificate_cpu_ms": certificates.process_cpu_ms,
        "certificate_in_memory_cpu_ms": certificates.memory_cpu_ms,
    }


if __name__ == "__main__":
    main()
