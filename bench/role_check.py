"""Role checks per second, against slapd's own cheapest operation through the same client in the same run.

``python -m bench.role_check [--quick]`` starts a private slapd of its own with small data, asks it over LDAPS
with a system's certificate, with 1, 8 and 64 questions in flight, checks every answer, and prints figures in
words and, last, one line of JSON.

The cheapest operation is a Compare on the suffix entry: the same message, with nothing to look up and one
short access rule. The naive search names the object class too, as anybody would: at this size it looks
harmless.
"""

from __future__ import annotations

import argparse
import itertools
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date
from pathlib import Path

from bench import asking
from bench.asking import IN_FLIGHT, NOW, WAITING, Askers, Case, Measured, Name, measure
from bench.report import tell
from directory.entries import Entry
from directory.people import OrgPersonEntry, PersonEntry, RoleEntry
from directory.rebuilding import rebuild
from directory.services import AccreditedSystemEntry, Approval
from tests.support.slapd import TestDirectory, running_slapd

ASID = "200000000149"
SINCE = date(2024, 1, 1)
ACTIVITIES = ("B0420", "B0278", "B0572", "B0570", "B0380", "B8028")
COMPARED = ("check", "cheapest", "dated", "naive")


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


def cases(people: int) -> Iterator[Case]:
    """Questions with their right answers, for ever: half of them yes."""
    for turn in itertools.count():
        number = turn * 7919 % people
        held = turn % 2 == 0
        activity = ACTIVITIES[turn % len(ACTIVITIES)] if held else "B9999"
        yield Case((f"{555_000_000_000 + number * 10}", activity, organisation(number)), held)


def run(directory: TestDirectory, people: int, rounds: int, seconds: float) -> dict[Name, Measured]:
    """Ask in turns and return what was measured."""
    rebuild(directory.slapd, entries(people))
    checks = list(itertools.islice(cases(people), 2 * people))
    by_kind = dict.fromkeys(COMPARED, checks) | {"cheapest": [Case(each.about, True) for each in checks]}
    wanted = [(kind, number) for number in (WAITING, *IN_FLIGHT) for kind in COMPARED]
    with closing(Askers(directory.slapd.ldaps_url, directory.system(ASID), by_kind)) as askers:
        return measure(askers, directory.slapd.pid, wanted, rounds, seconds)


def report(measured: Mapping[Name, Measured], people: int) -> None:
    """Print the figures in words and then as one line of JSON."""
    print(f"{people} people, over TLS with a client certificate; every answer was right.")
    most = measured["check", IN_FLIGHT[-1]]
    busy = {"slapd": most.server_cpu, "the asking processes": most.client_cpu}
    used = ", ".join(f"{name} {seconds / most.wall:.1f}" for name, seconds in busy.items())
    print(f"Cores in use at {IN_FLIGHT[-1]} checks in flight, of {os.cpu_count()}: {used}.")
    limits = {"client_cpu_to_limit_of_100_us": measured["check", WAITING].client_microseconds / 100}
    told = {"people": float(people)} | asking.figures(measured)
    tell("role_check", asking.words(measured), told, asking.ratios(measured) | limits)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="end within a minute")
    quick = parser.parse_args().quick
    people, rounds, seconds = (1000, 8, 0.2) if quick else (10_000, 40, 0.5)
    with tempfile.TemporaryDirectory(prefix="spine-") as folder, running_slapd(Path(folder)) as directory:
        report(run(directory, people, rounds, seconds), people)


if __name__ == "__main__":
    main()
