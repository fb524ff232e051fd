"""Organisations as the Organisation Data Service (ODS) lists them, and who is a member of whom."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

CODE = re.compile(r"[A-Z0-9]{3,12}")


class OrganisationStatus(StrEnum):
    """The status of ODS's files; a file without one has only open and closed organisations."""

    ACTIVE = "active"
    CLOSED = "closed"
    DORMANT = "dormant"
    PROPOSED = "proposed"


@dataclass(frozen=True)
class OrganisationSummary:
    """An organisation as a list shows it. ``kind`` is in words, e.g. ``GP practice``."""

    code: str
    name: str
    kind: str
    postcode: str
    status: OrganisationStatus

    @property
    def is_open(self) -> bool:
        """Whether it works now: neither closed, dormant nor only proposed."""
        return self.status is OrganisationStatus.ACTIVE


@dataclass(frozen=True)
class Organisation:
    """One organisation.

    Attributes:
        code: its ODS code, e.g. ``A81001``.
        kind: in words; ``kind_code`` is that of the directory's nhsOrgTypeCode, empty where none is known.
        address: five lines, empty ones kept; usually building, street, locality, town, county.
        closed_on: the last day on which it was open.
        parent_code: a practice's commissioner, or the health geography of a trust or commissioner; the
            parent need not be listed.
        successor_code: who took over its work, where known.
        joined_on, left_on: when it joined and left ``parent_code``.
        source: the file it comes from, e.g. ``epraccur``; ``ord`` for the full reference data.
        is_site: whether it is a place of another organisation (record class RC2), ``parent_code``.
        role_codes: ODS's roles, the primary one first, e.g. ``("RO177", "RO76")``; unknown to the CSV
            reports.
        uprn: the property's number in the national register; empty where none is known.
        legal_from, legal_until: when it existed in law; ``opened_on`` and ``closed_on`` are of its work.
    """

    code: str
    name: str
    kind: str
    kind_code: str
    status: OrganisationStatus
    address: tuple[str, ...]
    postcode: str
    telephone: str
    opened_on: date | None
    closed_on: date | None
    parent_code: str | None
    successor_code: str | None
    joined_on: date | None
    left_on: date | None
    national_grouping: str
    health_geography: str
    sub_type: str
    source: str
    is_site: bool = False
    role_codes: tuple[str, ...] = ()
    uprn: str = ""
    legal_from: date | None = None
    legal_until: date | None = None

    @property
    def is_open(self) -> bool:
        """Whether it works now: neither closed, dormant nor only proposed."""
        return self.status is OrganisationStatus.ACTIVE

    @property
    def town(self) -> str:
        """The town: the fourth address line, or the last one that is filled in."""
        filled = [line for line in self.address if line]
        return self.address[3] or (filled[-1] if filled else "") if len(self.address) > 3 else ""


@dataclass(frozen=True)
class Membership:
    """That an organisation belongs or belonged to another. ``left_on`` is the last day."""

    organisation_code: str
    parent_code: str
    kind: str
    joined_on: date
    left_on: date | None

    def holds_on(self, day: date) -> bool:
        """Whether it belonged on that day."""
        return self.joined_on <= day and (self.left_on is None or day <= self.left_on)


def search_words(text: str) -> list[str]:
    """The words of a text as they are compared: no case, no accents, no punctuation."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("'", "").replace("’", ""))
    return re.findall(r"[a-z0-9]+", "".join(each for each in plain if not unicodedata.combining(each)))


def search_text(organisation: Organisation) -> str:
    """What words are looked for in: each word behind a space; the postcode with and without its space."""
    places = " ".join(organisation.address[2:])
    words = search_words(f"{organisation.name} {organisation.postcode} {places}")
    joined = "".join(search_words(organisation.postcode))
    return " " + " ".join([*words, joined])
