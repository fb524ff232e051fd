"""How long renewing, repairing, unlocking and clearing a card take at the desk.

``python -m bench.card_jobs [--profile softhsm|smartcard-hsm|piv] [--quick]`` starts the whole service in a
folder of its own, plays the people at the desk through the card agent's real pages, each kind of job on one
card again and again, and prints figures in words and, last, one line of JSON. Measured is from the site's
link to *done*; the ratios are against issuing that card in the same run.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from app.bootstrap.cards import renewal_rules
from app.domain.renewal_job import Signing
from app.ra.renewing import Renewing
from app.ra.repairing import Repairing
from app.ra.unlocking import Unlocking
from bench.report import median_ms, tell
from card_agent import card_operations
from card_agent.errors import PinIncorrect, PinLocked
from card_agent.pin import Pin
from tests.support.card_jobs import JobAtDesk
from tests.support.cards_of_service import processes_of
from tests.support.killing import Processes
from tests.support.office import NEW_PIN, Office
from tests.support.running_service import SOFTHSM, Service, running_service
from tests.support.years import Years
from virtual_card.pcsc import KINDS

PORT_OFFSET = 7200
_WRONG = "48301957"
_WARMING_UP = 2


class Card:
    """One person's card, and each kind of job for it."""

    def __init__(self, service: Service, office: Office) -> None:
        self._office, self._years, self._cards = office, Years(service), processes_of(service)
        self._uid = office.register()
        self._serial = ""

    def issue(self) -> float:
        """Issue a new card in place of the one before; wall seconds."""
        self._uid = self._office.register()
        self._serial = self._office.lay_out_cards()
        issuance_id = self._office.issuing.begin(self._office.actor, self._uid)
        hop, began = self._office.hop(issuance_id), time.perf_counter()
        _require_done(self._office.issue(hop))
        return time.perf_counter() - began

    def renew(self) -> float:
        """Renew it, signed by the operator."""
        self._years.let_end(self._serial, days=30)
        renewing = Renewing(self._office.database, renewal_rules())
        job_id = renewing.begin(self._office.actor, self._serial, Signing.OPERATOR)
        return self._seconds(job_id, {"holder_pin": NEW_PIN, "signer_pin": self._office.priya.pin})

    def repair(self) -> float:
        """Write its certificates again."""
        job_id = Repairing(self._office.database).begin(self._office.actor, self._serial)
        return self._seconds(job_id, {"holder_pin": NEW_PIN})

    def unlock(self) -> float:
        """Lock it, and unlock it with the same PIN."""
        for _ in range(3):
            with suppress(PinIncorrect, PinLocked):
                self._cards.run(self._serial, card_operations.check_pin, [Pin(_WRONG)])
        self._cards.end()
        job_id = Unlocking(self._office.database).begin(self._office.actor, self._serial)
        pins = {"signer_pin": self._office.priya.pin, "new_pin": NEW_PIN, "repeated_pin": NEW_PIN}
        return self._seconds(job_id, pins)

    def _seconds(self, job_id: str, fields: Mapping[str, str]) -> float:
        self._office.put_back(self._serial)
        job = JobAtDesk(self._office, self._office.actor, self._serial, job_id, fields)
        hop, began = job.hop(), time.perf_counter()
        _require_done(self._office.work_off(hop, fields))
        return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.card_jobs", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds: ends within a minute")
    parser.add_argument("--profile", choices=[SOFTHSM, *KINDS], default=SOFTHSM)
    chosen = parser.parse_args()
    cards = [] if chosen.profile == SOFTHSM else ["--pcsc", chosen.profile]
    with (
        tempfile.TemporaryDirectory() as name,
        running_service(Path(name) / "var", PORT_OFFSET, *cards) as service,
    ):
        office = Office(service, Processes(service).layout)
        card = Card(service, office)
        medians = _medians(
            (card.issue, card.renew, card.repair, card.unlock), _WARMING_UP + (6 if chosen.quick else 24)
        )
        office.database.close()
    _tell(chosen.profile, medians)


def _medians(jobs: tuple[Callable[[], float], ...], rounds: int) -> dict[str, float]:
    """Milliseconds of each, in turns, so that what else the machine does meets all alike."""
    measured = [{job.__name__: job() for job in jobs} for _ in range(rounds)][_WARMING_UP:]
    return {name: median_ms(each[name] for each in measured) for name in measured[0]}


def _require_done(seen: str) -> None:
    if seen:
        raise SystemExit(f"The desk says: {seen}")


def _tell(profile: str, medians: Mapping[str, float]) -> None:
    words = {f"{profile}: {name}, from the link to done": f"{ms:.0f} ms" for name, ms in medians.items()}
    figures = {f"{name}_ms": ms for name, ms in medians.items()}
    ratios = {f"{name}_to_issue": ms / medians["issue"] for name, ms in medians.items() if name != "issue"}
    tell("card_jobs", words, figures, ratios)


if __name__ == "__main__":
    main()
