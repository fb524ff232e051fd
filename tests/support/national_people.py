"""A directory of national shape for tests of cost: many people, one large organisation, systems besides.

People are copies of one per organisation that the product's own code makes, with ids of their own: a tenth of
the time that making each would take, and the same records.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from directory.entries import Entry, Record
from directory.people import OrgPersonEntry, PersonEntry, RoleEntry
from directory.services import AccreditedSystemEntry, Approval, MessageHandlingSystemEntry

ASID = "200000000149"
INTERACTION = "urn:nhs:names:services:gp2gp:RCMR_IN010000UK05"
LARGE = "RXX"
ORGANISATIONS = tuple(f"A{number}" for number in range(81000, 81200))
ACTIVITIES = ("B0420", "B0278", "B0572", "B0570", "B0380", "B8028")
DAY = date(2026, 6, 15)
APPROVAL = Approval(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
_FIRST = 555_000_000_000


@dataclass(frozen=True)
class _Copy:
    """Somebody like the one whose records are given, with ids of their own."""

    like: tuple[Record, ...]
    number: int
    owns_subtree: bool = True

    @property
    def dn(self) -> str:
        """As ``PersonEntry.dn``."""
        return next(self.records()).dn

    def records(self) -> Iterator[Record]:
        """As ``PersonEntry.records``."""
        ids = {_id(0, part): _id(self.number, part) for part in range(3)}
        for one in self.like:
            dn = one.dn
            for before, after in ids.items():
                dn = dn.replace(before, after)
            attributes = {
                name: (ids.get(values[0], values[0]),) if len(values) == 1 else values
                for name, values in one.attributes.items()
            }
            yield Record(dn, attributes)


def _id(number: int, part: int) -> str:
    return f"{_FIRST + number * 10 + part}"


def uid(number: int) -> str:
    """The user id of a person by number."""
    return _id(number, 0)


def organisation(number: int) -> str:
    """Where the person works: three of twenty in the one large organisation."""
    return LARGE if number % 20 < 3 else ORGANISATIONS[number % len(ORGANISATIONS)]


def endpoint(code: str) -> str:
    """Where the organisation's one endpoint is."""
    return f"https://{code.lower()}.example/fhir"


def entries(people: int) -> Iterator[Entry]:
    """The asking system, an endpoint for each organisation, and so many people with a role each."""
    yield AccreditedSystemEntry(
        *(ASID, "A81001", "A81001-1", (INTERACTION,), APPROVAL), reads=("endpoints", "people")
    )
    codes = (LARGE, *ORGANISATIONS)
    for code in codes:
        host = f"{code.lower()}.example"
        yield MessageHandlingSystemEntry(
            *(f"S{code}", code, f"{code}-1", INTERACTION, endpoint(code), host, APPROVAL)
        )
    likes = {code: tuple(_person(code).records()) for code in codes}
    for number in range(people):
        yield _Copy(likes[organisation(number)], number)


def _person(code: str) -> PersonEntry:
    role = RoleEntry(
        *(_id(0, 2), "S8000:G8000:R8003", '"Clinical":"Clinical Provision":"Prescriber"'),
        activities=(("B0420", "Prepare a prescription"),),
        resolved_activities=ACTIVITIES,
        opened_on=date(2024, 1, 1),
    )
    place = OrgPersonEntry(_id(0, 1), code, f"ORGANISATION {code}", date(2024, 1, 1), None, (role,))
    return PersonEntry(_id(0, 0), "Osei Amara", "Osei", DAY, org_persons=(place,))
