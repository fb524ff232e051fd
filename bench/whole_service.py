"""The whole service for a measurement, somebody at work at its desk, and the CPU that its processes use."""

from __future__ import annotations

import time
from collections.abc import Iterator
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

_IDLE_SECONDS = 5
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

    def server_cpu_seconds(self) -> float:
        """CPU seconds that every server process has used so far; the card agent is not one."""
        return cpu_seconds(_server_processes(self.service.process.pid))

    def idle_server_cpu(self) -> float:
        """CPU seconds that the server processes use in a second in which nobody asks anything of them.

        Most of it is the worker's, which compares the directory with the database all the time.
        """
        before = self.server_cpu_seconds()
        time.sleep(_IDLE_SECONDS)
        return (self.server_cpu_seconds() - before) / _IDLE_SECONDS


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


def _server_processes(supervisor: int) -> list[int]:
    """The server programs and their workers: the supervisor's, without the desk's and the relying party."""
    children = _children_by_parent()
    found = [child for child in children.get(supervisor, []) if not _is_of_the_desk_or_an_example(child)]
    for process in found:
        found.extend(children.get(process, []))
    return found


def _children_by_parent() -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            parent = int(status.read_text().rsplit(")", 1)[1].split()[1])
            children.setdefault(parent, []).append(int(status.parent.name))
    return children


def _is_of_the_desk_or_an_example(process: int) -> bool:
    command = Path(f"/proc/{process}/cmdline").read_bytes()
    return any(part in command for part in (b"card_agent", b"virtual_card", b"examples.prescribing"))
