"""Role checks per second, against slapd's own cheapest operation through the same client in the same run.

``python -m bench.role_check [--quick]`` starts a private slapd of its own with small data, asks it over
LDAPS with a system's certificate, checks every answer, and prints figures in words and, last, one line of
JSON.

The cheapest operation is a Compare on the suffix entry: the same message, with nothing to look up and one
short access rule. Short rounds of both take turns, so that what else the machine does meets both alike.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from bench.report import cpu_seconds, tell
from directory.client import DirectoryClient
from directory.connection import COMPARE_TRUE, open_session
from directory.entries import Entry
from directory.names import SUFFIX
from directory.people import OrgPersonEntry, PersonEntry, RoleEntry
from directory.rebuilding import rebuild
from directory.services import AccreditedSystemEntry, Approval
from tests.support.slapd import TestDirectory, running_slapd

ASID = "200000000149"
SINCE = date(2024, 1, 1)
NOW = datetime(2026, 6, 15, 9, tzinfo=UTC)
ACTIVITIES = ("B0420", "B0278", "B0572", "B0570", "B0380", "B8028")


@dataclass
class Measured:
    """One kind of operation: how long each took, in seconds, and slapd's CPU seconds meanwhile."""

    operation: Callable[[], None]
    seconds: list[float] = field(default_factory=list)
    server_seconds: float = 0.0

    @property
    def per_second(self) -> float:
        """Operations in a second, one after the other."""
        return len(self.seconds) / sum(self.seconds)

    def percentile(self, percent: int) -> float:
        """Milliseconds within which that many of a hundred were answered."""
        return statistics.quantiles(self.seconds, n=100)[percent - 1] * 1000

    @property
    def server_microseconds(self) -> float:
        """CPU time of slapd for one operation."""
        return self.server_seconds / len(self.seconds) * 1e6


def entries(people: int) -> Iterator[Entry]:
    """The asking system and ``people`` people, each with one role and every third of them also a second."""
    approval = Approval(NOW, NOW)
    yield AccreditedSystemEntry(
        ASID,
        "A81001",
        "A81001-1",
        ("urn:nhs:names:services:mm:PORX_IN1",),
        approval,
        reads=("endpoints", "people"),
    )
    for number in range(people):
        first = 555_000_000_000 + number * 10
        count = 2 if number % 3 == 0 else 1
        places = tuple(_place(first + 1 + 2 * nth, organisation(number + nth)) for nth in range(count))
        yield PersonEntry(f"{first}", f"Person {number}", "Person", date(2026, 6, 15), org_persons=places)


def organisation(number: int) -> str:
    """One of 200 organisation codes."""
    return f"A{81000 + number % 200}"


def _place(identity: int, code: str) -> OrgPersonEntry:
    role = RoleEntry(
        *(f"{identity + 1}", "S8000:G8000:R8003", '"Clinical":"Clinical Provision":"Prescriber"'),
        activities=(("B0420", "Prepare a prescription"),),
        resolved_activities=ACTIVITIES,
        opened_on=SINCE,
    )
    return OrgPersonEntry(f"{identity}", code, f"SURGERY {code}", SINCE, None, (role,))


def questions(people: int) -> Iterator[tuple[str, str, str, bool]]:
    """Uid, activity, organisation and the right answer, for ever: half of them yes."""
    for turn in itertools.count():
        number = turn * 7919 % people
        held = turn % 2 == 0
        activity = ACTIVITIES[turn % len(ACTIVITIES)] if held else "B9999"
        yield f"{555_000_000_000 + number * 10}", activity, organisation(number), held


def run(directory: TestDirectory, people: int, rounds: int, seconds: float) -> dict[str, Measured]:
    """Ask in turns and return what was measured, by name."""
    rebuild(directory.slapd, entries(people))
    tls = directory.system(ASID)
    asked = questions(people)
    with (
        closing(DirectoryClient(directory.slapd.ldaps_url, tls)) as checker,
        open_session(directory.slapd.ldaps_url, tls) as session,
    ):

        def check() -> None:
            uid, activity, code, right = next(asked)
            assert checker.may(uid, activity, code) is right

        def dated() -> None:
            uid, activity, code, right = next(asked)
            assert checker.may_at(uid, activity, code, NOW) is right

        def cheapest() -> None:
            assert session.compare(SUFFIX, "o", "nhs") == COMPARE_TRUE

        measured = {"check": Measured(check), "dated": Measured(dated), "cheapest": Measured(cheapest)}
        for one in measured.values():
            one.operation()
        for _, one in itertools.product(range(rounds), measured.values()):
            measure(one, directory.slapd.pid, seconds)
    return measured


def measure(one: Measured, slapd: int, seconds: float) -> None:
    """Do the operation for that long and note each duration."""
    cpu, end = cpu_seconds([slapd]), time.perf_counter() + seconds
    while (begun := time.perf_counter()) < end:
        one.operation()
        one.seconds.append(time.perf_counter() - begun)
    one.server_seconds += cpu_seconds([slapd]) - cpu


def report(measured: dict[str, Measured], people: int) -> None:
    """Print the figures in words and then as one line of JSON."""
    check, dated, cheapest = measured["check"], measured["dated"], measured["cheapest"]
    print(f"{people} people, one connection over TLS, one question at a time; every answer was right.")
    words = {"role check (one Compare)": check, "dated role check (one search)": dated, "cheapest": cheapest}
    figures = {"people": float(people)}
    for name, one in measured.items():
        figures |= {f"{name}_per_second": one.per_second, f"{name}_slapd_cpu_us": one.server_microseconds}
        figures |= {f"{name}_p50_ms": one.percentile(50), f"{name}_p99_ms": one.percentile(99)}
    ratios = {
        "check_to_cheapest": cheapest.per_second / check.per_second,
        "dated_to_check": check.per_second / dated.per_second,
        "check_to_cheapest_slapd_cpu": check.server_microseconds / cheapest.server_microseconds,
    }
    tell("role_check", {name: in_words(one) for name, one in words.items()}, figures, ratios)


def in_words(one: Measured) -> str:
    """One kind of operation's figures as a sentence."""
    return (
        f"{one.per_second:.0f} a second, median {one.percentile(50):.2f} ms,"
        f" 99% within {one.percentile(99):.2f} ms, {one.server_microseconds:.0f} us of slapd's CPU each"
    )


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="end within a minute")
    quick = parser.parse_args().quick
    people, rounds, seconds = (1000, 30, 0.1) if quick else (10_000, 100, 0.2)
    with tempfile.TemporaryDirectory(prefix="spine-") as folder, running_slapd(Path(folder)) as directory:
        report(run(directory, people, rounds, seconds), people)


if __name__ == "__main__":
    main()
