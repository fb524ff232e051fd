"""A nation that does not exist: the same one each time, made little by little.

Organisations are of very unequal size, as real ones are (Zipf-like); a person has one role profile, or two,
three or four, 1.5 on average; every tenth role profile has ended.
"""

from __future__ import annotations

import bisect
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

from app.domain.rbac import NationalRoles
from app.domain.uuid import id_of

GIVEN = [
    "Oliver",
    "Amelia",
    "Harry",
    "Isla",
    "Noah",
    "Ava",
    "Leo",
    "Mia",
    "Arthur",
    "Ivy",
    "Priya",
    "Mohammed",
    "Aisha",
    "Wei",
    "Chidi",
    "Grace",
    "Zofia",
    "Liam",
]
FAMILY = [
    "Smith",
    "Jones",
    "Taylor",
    "Brown",
    "Williams",
    "Wilson",
    "Johnson",
    "Davies",
    "Patel",
    "Wright",
    "Walker",
    "Khan",
    "Singh",
    "Evans",
    "Thomas",
    "Roberts",
    "Green",
    "Hall",
    "Wood",
    "Clarke",
    "Begum",
    "Nowak",
    "Okafor",
    "O'Neill",
    "Hughes",
    "Müller",
]
TODAY = date(2026, 6, 15)
NOW = datetime(2026, 6, 15, 9, tzinfo=UTC)
MOST_ROLES = 4
_HOW_MANY = (range(1, MOST_ROLES + 1), (62, 28, 8, 2))
ENDED = 0.1
KINDS_OF_ACCESS = 40
_FIRST_PERSON, _FIRST_PLACE, _FIRST_ROLE = 100_000_000, 200_000_000, 500_000_000


@dataclass(frozen=True)
class Access:
    """A job role with additional activities, as many people have it."""

    job_role_code: str
    activity_codes: tuple[str, ...]


@dataclass(frozen=True)
class Role:
    """A role profile of somebody."""

    id: str
    place_id: str
    organisation: str
    access: Access
    starts_on: date
    ends_on: date | None

    @property
    def counts(self) -> bool:
        """Whether it gives access today."""
        return self.ends_on is None or self.ends_on >= TODAY


@dataclass(frozen=True)
class Somebody:
    """A person with their role profiles; every organisation among them is a place of theirs."""

    uid: str
    given_name: str
    family_name: str
    roles: tuple[Role, ...]


@dataclass(frozen=True)
class Nation:
    """How many there are of everything; systems and organisations are fewer when the people are few."""

    people: int
    national: NationalRoles
    seed: int = 42

    @property
    def organisations(self) -> int:
        """21,000 for a million people."""
        return min(21_000, max(50, self.people // 20))

    @property
    def systems(self) -> int:
        """27,000 for a million people: a third accredited systems, two endpoints for each."""
        return min(27_000, max(60, self.people // 15)) // 3 * 3

    @cached_property
    def codes(self) -> list[str]:
        """The ODS codes."""
        letters = "ABCDEFGHJKLMNPRSTVWXY"
        return [
            f"{letters[n // 1000 % 21]}{(n * 37 + 12345) % 100_000:05d}" for n in range(self.organisations)
        ]

    @cached_property
    def accesses(self) -> list[Access]:
        """What kinds of access there are."""
        chosen = random.Random(self.seed)
        roles = sorted(code for code, role in self.national.job_roles.items() if role.is_current)
        activities = sorted(self.national.activities)
        return [
            Access(code, tuple(sorted(chosen.sample(activities, chosen.randint(1, 8)))))
            for code in chosen.sample(roles, KINDS_OF_ACCESS)
        ]

    @cached_property
    def _sizes(self) -> list[float]:
        return list(itertools.accumulate(1 / (place + 5) ** 0.8 for place in range(self.organisations)))

    def everybody(self) -> Iterator[Somebody]:
        """All people in order of their ids."""
        chance, role_numbers = random.Random(self.seed), itertools.count(_FIRST_ROLE)
        for number in range(self.people):
            yield self._somebody(number, chance, role_numbers)

    def _somebody(self, number: int, chance: random.Random, role_numbers: Iterator[int]) -> Somebody:
        given, family = chance.choice(GIVEN), chance.choice(FAMILY)
        places: dict[str, str] = {}
        roles = []
        for _ in range(chance.choices(*_HOW_MANY)[0]):
            code = self.codes[bisect.bisect(self._sizes, chance.random() * self._sizes[-1])]
            place = places.setdefault(code, id_of(_FIRST_PLACE + number * MOST_ROLES + len(places)))
            roles.append(self._role(next(role_numbers), place, code, chance))
        return Somebody(id_of(_FIRST_PERSON + number), given, family, tuple(roles))

    def _role(self, role_number: int, place: str, code: str, chance: random.Random) -> Role:
        ended = chance.random() < ENDED
        return Role(
            *(id_of(role_number), place, code, chance.choice(self.accesses)),
            starts_on=date(2010 + chance.randrange(15), chance.randrange(1, 13), 1),
            ends_on=TODAY - timedelta(days=chance.randrange(1, 300)) if ended else None,
        )

    def asid(self, number: int) -> str:
        """The ASID of the accredited system with this number."""
        return f"{200_000_000_000 + number}"

    def party_key(self, number: int) -> str:
        """What joins a system to its endpoints."""
        return f"{self.codes[number]}-{800_000 + number}"

    def interactions_of(self, number: int) -> tuple[str, ...]:
        """Six interactions of a system, of fifty that all systems have between them."""
        return tuple(
            f"urn:nhs:names:services:mm:PORX_IN{(number * 6 + nth) % 50:06d}UK01" for nth in range(6)
        )

    def manufacturer(self, number: int) -> str:
        """Who made a system."""
        return f"YGM{number % 90:02}"

    def host(self, number: int) -> str:
        """Where a system's endpoints are."""
        return f"{self.codes[number].lower()}.mhs.example"

    def address(self, number: int) -> str:
        """The address of a system's endpoints."""
        return f"https://{self.host(number)}/reliable/{number}"
