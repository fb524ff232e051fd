"""The whole service for a measurement, somebody at work at its desk, and the CPU that its processes use."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import urlencode

from app.adapters.photo import PillowPhotos
from app.bootstrap.database import open_database
from app.bootstrap.permissions import permissions
from app.ca_files import CONFIG
from app.domain.actor import Actor
from app.domain.evidence import Evidence, EvidenceKind
from app.domain.permissions_policy import PermissionsPolicy
from app.domain.person import Registration
from app.ra.issuing import Issuing
from app.ra.registering import Registering
from app.settings import load
from app.storage.database import Database
from bench.report import cpu_seconds
from tests.support.running_service import Holder, Service

_IDLE_SECONDS = 15
# The status program asks for new certificates twice a second, and then has their answers signed.
_SETTLES_WITHIN = 1.0
_PROGRAMS = {
    "web": b"app.wsgi:web",
    "CA": b"app.ca_server",
    "worker": b"app.cli\0worker",
    "directory": b"-m\0directory\0",
    "status": b"app.wsgi:status",
}

ANSWERING = ("web", "CA", "status")
"""What answers a desk's calls. The others carry the change on, and do that for many cards at once."""

ServerCpu = Mapping[str, float]
"""CPU seconds by program; ``others`` are the look-ups, the metrics and what cleans up at last."""
_OF_THE_DESK_OR_AN_EXAMPLE = (b"card_agent", b"virtual_card", b"examples.prescribing")
_PHOTO = CONFIG / "founding" / "example-clinician.jpg"


@dataclass(frozen=True)
class Desk:
    """The RA agent's desk: what the use cases need to register people and to begin issuing cards."""

    service: Service
    database: Database
    operator: Holder
    actor: Actor

    def register(self, number: int) -> str:
        """Register the person with this number, who does not exist, and return the user id."""
        registering = Registering(self.database, PillowPhotos())
        return registering.register(self.actor, _registration(number))

    def hop(self, uid: str) -> str:
        """Begin to issue a card to the person; the address that the browser is sent to."""
        issuing = Issuing(self.database)
        ticket = issuing.ticket(self.actor, issuing.begin(self.actor, uid))
        return f"{self.service.agent}/job?{urlencode({'op': self.service.web, 'ticket': ticket})}"

    def server_cpu_seconds(self) -> ServerCpu:
        """CPU seconds that each server program has used so far; the card agent is not one."""
        programs = _server_processes(self.service.process.pid)
        return {program: cpu_seconds(processes) for program, processes in programs.items()}

    def idle_server_cpu(self) -> ServerCpu:
        """CPU seconds that each program uses in a second in which nobody asks anything of it."""
        self.wait_until_done()
        return average_of(
            [self.server_cpu_since(self.server_cpu_seconds(), wait=1) for _ in range(_IDLE_SECONDS)]
        )

    def server_cpu_since(self, before: ServerCpu, wait: float = 0) -> ServerCpu:
        """CPU seconds that each program has used since then, after a wait of so many seconds."""
        time.sleep(wait)
        return {program: now - before.get(program, 0) for program, now in self.server_cpu_seconds().items()}

    def wait_until_done(self) -> None:
        """Until everything announced is published and status answers are made: nothing of it is left over."""
        while self._is_anything_announced():
            time.sleep(0.02)
        time.sleep(_SETTLES_WITHIN)

    def _is_anything_announced(self) -> bool:
        with self.database.read() as work:
            return work.outbox.progress().waiting > 0


@contextmanager
def open_desk(service: Service) -> Iterator[Desk]:
    """The desk of the service's RA agent."""
    database = open_database(load(service.settings))
    operator = service.people()["RA agent"]
    try:
        yield Desk(service, database, operator, _actor(database, operator, permissions()))
    finally:
        database.close()


def _actor(database: Database, holder: Holder, policy: PermissionsPolicy) -> Actor:
    with database.read() as work:
        role = work.role_profiles.of(holder.uid)[0]
    permissions = policy.permissions_of(role.job_role_code, role.activity_codes)
    return Actor(holder.uid, holder.name, role.id, role.organisation_code, permissions)


def _registration(number: int) -> Registration:
    """Somebody whose names, documents and date of birth are nobody else's: no duplicate is suspected."""
    expires_on = date(2034, 6, 1)
    return Registration(
        title="",
        given_name=_letters(number * 7919),
        middle_names="",
        family_name=_letters(number * 104_729 + 1),
        card_name="",
        date_of_birth=date(1950, 1, 1) + timedelta(days=37 * number % 15_000),
        email=f"measured.{number}@example.nhs.uk",
        mobile="",
        registrations=(),
        evidence=(
            Evidence(EvidenceKind.UK_PASSPORT, f"{500_000_000 + number}", expires_on=expires_on),
            Evidence(EvidenceKind.NATIONAL_INSURANCE_LETTER, f"JW{number % 1_000_000:06}A"),
            Evidence(EvidenceKind.NATIONAL_IDENTITY_CARD, f"ID{number:08}", expires_on=expires_on),
        ),
        photo=_PHOTO.read_bytes(),
        confirmed_checked=True,
        duplicates_considered=True,
    )


def _letters(number: int) -> str:
    """A name of eight letters from a number."""
    letters = "".join(chr(ord("a") + number // 26**place % 26) for place in range(8))
    return letters.capitalize()


def average_of(used: Sequence[ServerCpu]) -> ServerCpu:
    """The mean; of worker and slapd the median.

    Together they compare a slice of the directory every five seconds, whatever else they do, and that takes
    more than twenty cards: into which second or card it falls is chance.
    """
    averages = {"worker": statistics.median, "directory": statistics.median}
    return {
        program: averages.get(program, statistics.fmean)([each[program] for each in used])
        for program in used[0]
    }


def told_by_program(cpu: ServerCpu) -> str:
    """In words: milliseconds of each program."""
    return ", ".join(f"{program} {each * 1000:.1f}" for program, each in cpu.items())


def answering_ms(cpu: ServerCpu) -> float:
    """Milliseconds of the programs that answer."""
    return sum(cpu[program] for program in ANSWERING) * 1000


def net_of(used: ServerCpu, idle: ServerCpu, seconds: float) -> ServerCpu:
    """What was used in so many seconds beyond what is used when nobody asks anything."""
    return {program: cpu - idle[program] * seconds for program, cpu in used.items()}


def _server_processes(supervisor: int) -> dict[str, list[int]]:
    """The processes of each program: the supervisor's, without the desk's and the relying party."""
    children = _children_by_parent()
    found: dict[str, list[int]] = {program: [] for program in (*_PROGRAMS, "others")}
    for child in children.get(supervisor, []):
        command = Path(f"/proc/{child}/cmdline").read_bytes()
        if not any(part in command for part in _OF_THE_DESK_OR_AN_EXAMPLE):
            program = next((name for name, mark in _PROGRAMS.items() if mark in command), "others")
            found[program] += [child, *children.get(child, [])]
    return found


def _children_by_parent() -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            parent = int(status.read_text().rsplit(")", 1)[1].split()[1])
            children.setdefault(parent, []).append(int(status.parent.name))
    return children
