"""What is published: records of the tree, and the organisations in it.

Every kind of entry is a frozen dataclass that knows the records (DN and attributes) it consists of. People
are in ``directory.people``, systems in ``directory.services``, code lists in ``directory.reference_data``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from directory import names
from directory.ldif import Attributes, Common

NOT_KNOWN = "Not known"
"""Stands where the published schema demands a value and none is known: LDAP has no empty value."""


Given = Mapping[str, str | Iterable[str] | None]
"""Attributes as they come: what is None or blank is not published."""


class Record:
    """One LDAP entry: its DN, and each attribute's values, none empty, in the order they are published.

    Args:
        parts: its attributes; each attribute stands in one part. What many records have in common is one part
            that they share (``common``), which is worked out and written as LDIF once for all.
    """

    __slots__ = ("dn", "parts")

    def __init__(self, dn: str, *parts: Attributes) -> None:
        self.dn = dn
        self.parts = parts

    @property
    def attributes(self) -> Attributes:
        """All of them."""
        if len(self.parts) == 1:
            return self.parts[0]
        return {name: values for part in self.parts for name, values in part.items()}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and (self.dn, self.attributes) == (other.dn, other.attributes)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Record({self.dn!r}, {self.attributes!r})"


class Entry(Protocol):
    """Something published as one record or as a small subtree of records."""

    @property
    def dn(self) -> str:
        """The DN of the uppermost record."""

    @property
    def owns_subtree(self) -> bool:
        """Whether every record below the uppermost one is this entry's, so that others there are removed."""

    def records(self) -> Iterator[Record]:
        """All its records, a parent before its children."""


@dataclass(frozen=True)
class Gone:
    """What is published no more: the entry ``dn`` and everything below it."""

    dn: str

    @property
    def owns_subtree(self) -> bool:
        """True: nothing below it stays."""
        return True

    def records(self) -> Iterator[Record]:
        """None."""
        return iter(())


def record(dn: str, attributes: Given) -> Record:
    """A record of the given attributes."""
    return Record(dn, cleaned(attributes))


def common(attributes: Given) -> Common:
    """Attributes that several records share."""
    return Common(cleaned(attributes))


def cleaned(attributes: Given) -> dict[str, tuple[str, ...]]:
    """The attributes without None, blank values and repeated values."""
    return {name: values for name, given in attributes.items() if given and (values := _values(given))}


def _values(given: str | Iterable[str]) -> tuple[str, ...]:
    if isinstance(given, str):
        only = given.strip()
        return (only,) if only else ()
    return tuple(dict.fromkeys([value.strip() for value in given if value.strip()]))


def day(when: date | None) -> str | None:
    """A date as the published schema writes it, YYYYMMDD."""
    return None if when is None else when.isoformat().replace("-", "")


def paired(code: str, name: str) -> str:
    """Code and name in one value, so that the two cannot be matched wrongly: ``B0420 Name``."""
    return f"{code} {name}".strip()


def tree() -> Iterator[Record]:
    """The fixed branches, parents first."""
    yield record(names.SUFFIX, {"objectClass": ("top", "organization"), "o": "nhs"})
    branches = (
        names.ORGANISATIONS,
        names.PEOPLE,
        names.SERVICES,
        names.REFERENCE_DATA,
        names.JOB_ROLES,
        names.ACTIVITIES,
        names.AREAS_OF_WORK,
        names.BASELINES,
        names.WORK_GROUPS,
        names.WORK_GROUP_TYPES,
        names.TYPES,
    )
    for dn in branches:
        name = dn.split(",", 1)[0].removeprefix("ou=")
        yield record(dn, {"objectClass": ("top", "organizationalUnit"), "ou": name})


@dataclass(frozen=True)
class OrganisationEntry:
    """An organisation (nhsOrg), a GP practice (nhsGPPractice) when its commissioner is known, or a site.

    Attributes:
        code: ODS code, e.g. ``A81001``.
        address: lines in order; empty lines are kept, as clients split the one value at ``$``.
        town: published as ``l``.
        type_name, type_code: e.g. ``GP Practice`` and ``PR``.
        commissioner_code: published as nhsPCTCode.
        closed_on: as ODS gives it, published as nhsOrgCloseDate.
        is_site: a place of another organisation (nhsSite).
        site_of: the organisation below which the site stands; empty where that is not published.
    """

    code: str
    name: str
    type_name: str
    type_code: str
    address: tuple[str, ...] = ()
    town: str = ""
    postcode: str = ""
    telephone: str = ""
    sub_type: str = ""
    parent_code: str = ""
    commissioner_code: str = ""
    national_grouping: str = ""
    health_geography: str = ""
    opened_on: date | None = None
    closed_on: date | None = None
    joined_on: date | None = None
    left_on: date | None = None
    predecessors: tuple[str, ...] = ()
    successors: tuple[str, ...] = ()
    is_site: bool = False
    site_of: str = ""

    @property
    def dn(self) -> str:
        """``uniqueIdentifier=<ODS code>,ou=Organisations,o=nhs``; a site's below its organisation's."""
        if self.site_of:
            return names.site_dn(self.code, self.site_of)
        return names.organisation_dn(self.code)

    @property
    def owns_subtree(self) -> bool:
        """False: sites and departments below it are entries of their own."""
        return False

    @property
    def object_class(self) -> str:
        """nhsGPPractice demands nhsPCTCode, so a practice without a known commissioner is an nhsOrg."""
        if self.is_site:
            return "nhsSite"
        return "nhsGPPractice" if self.type_code == "PR" and self.commissioner_code else "nhsOrg"

    def records(self) -> Iterator[Record]:
        """The organisation's one record."""
        yield record(self.dn, self._identity() | self._place() | self._history())

    def _identity(self) -> dict[str, str | Iterable[str] | None]:
        return {
            "objectClass": (
                "top",
                "organizationalUnit" if self.is_site else "organization",
                self.object_class,
            ),
            "uniqueIdentifier": self.code,
            "nhsIDCode": self.code,
            "ou" if self.is_site else "o": self.name,
            "nhsOrgType": self.type_name or NOT_KNOWN,
            "nhsOrgTypeCode": self.type_code or NOT_KNOWN,
            "nhsOrgSubType": self.sub_type,
            "nhsParentOrgCode": self.parent_code,
            "nhsPCTCode": self.commissioner_code,
            "nhsDHSCcode": self.national_grouping,
            "nhsSHAcode": self.health_geography,
        }

    def _place(self) -> dict[str, str | Iterable[str] | None]:
        return {
            "postalAddress": postal_address(self.address),
            "l": self.town or NOT_KNOWN,
            "postalCode": self.postcode or NOT_KNOWN,
            "telephoneNumber": self.telephone,
        }

    def _history(self) -> dict[str, str | Iterable[str] | None]:
        return {
            "nhsOrgOpenDate": day(self.opened_on),
            "nhsOrgCloseDate": day(self.closed_on),
            "nhsJoinDate": day(self.joined_on),
            "nhsLeftDate": day(self.left_on),
            "nhsOCSPredecessor": self.predecessors,
            "nhsOCSSuccessor": self.successors,
            "nhsSyntheticIndicator": "0",
        }


def postal_address(lines: Iterable[str]) -> str:
    """Address lines as one Postal Address value: joined by ``$`` (RFC 4517 section 3.3.28)."""
    escaped = [line.strip().replace("\\", "\\5C").replace("$", "\\24") for line in lines]
    return "$".join(escaped).strip("$") or NOT_KNOWN
