"""A person whom the registration authority knows: names, how to reach them, and when two may be one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from difflib import SequenceMatcher
from enum import StrEnum

from app.domain.evidence import Evidence
from app.domain.personal_name import is_name, written_name
from app.domain.professional_registration import ProfessionalRegistration
from app.errors import InvalidInput, Refusal


class PersonStatus(StrEnum):
    """Whether the person may hold a card and access."""

    ACTIVE = "active"
    CLOSED = "closed"


class Assurance(StrEnum):
    """What the person's identity rests on.

    ``MIGRATED``: another directory said so and nobody here has seen a document. Such a person keeps the
    access they had and gets no card until their identity is verified.
    """

    EVIDENCE = "evidence"
    MIGRATED = "migrated"


class DocumentAlreadyKnown(Refusal):
    """A document or professional registration already belongs to somebody."""

    code = "document_already_known"


class LikelyDuplicates(Refusal):
    """People who may be the same person exist, and nobody has said that they are not."""

    code = "likely_duplicates"


class IdentityToBeVerified(Refusal):
    """The person was taken over from another directory and nobody has seen their documents yet."""

    code = "identity_to_be_verified"


class PersonClosed(Refusal):
    """The person's profile is closed."""

    code = "person_closed"


@dataclass(frozen=True)
class Person:
    """A registered person. Names are as on the photo document; ``card_name`` is as printed on the card.

    Somebody taken over from another directory has no date of birth here, and no e-mail.
    """

    uid: str
    title: str
    given_name: str
    middle_names: str
    family_name: str
    card_name: str
    date_of_birth: date | None
    email: str
    mobile: str
    status: PersonStatus
    registered_at: datetime
    registered_by: str
    assurance: Assurance = Assurance.EVIDENCE

    @property
    def name(self) -> str:
        """Given and family name, as colleagues see it."""
        return f"{self.given_name} {self.family_name}"


@dataclass(frozen=True)
class PersonSummary:
    """What a list of people shows of each. ``why`` says why somebody is a possible duplicate."""

    uid: str
    name: str
    date_of_birth: date | None
    email: str
    status: PersonStatus
    why: str = ""


@dataclass(frozen=True)
class Registration:
    """What an operator enters to register somebody.

    Attributes:
        given_name, middle_names, family_name: exactly as on the photo document.
        card_name: as it shall be printed on the card; empty for given and family name.
        registrations: numbers with professional bodies.
        evidence: the three documents that were seen.
        photo: the cropped JPEG that ``registering.crop_photo`` gave.
        confirmed_checked: the operator ticked that the originals were checked against the person.
        duplicates_considered: the operator has seen the possible duplicates and says it is none of them.
    """

    title: str
    given_name: str
    middle_names: str
    family_name: str
    card_name: str
    date_of_birth: date
    email: str
    mobile: str
    registrations: tuple[ProfessionalRegistration, ...]
    evidence: tuple[Evidence, ...]
    photo: bytes
    confirmed_checked: bool
    duplicates_considered: bool = False

    @property
    def name_on_card(self) -> str:
        """The chosen name on the card, or given and family name."""
        return written_name(self.card_name) or written_name(f"{self.given_name} {self.family_name}")


_EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>.]+(\.[^@\s<>.]+)+")
_MOBILE = re.compile(r"\+?[0-9]{10,15}")
_OLDEST_YEARS, _YOUNGEST_YEARS = 110, 14


def require_personal_details(registration: Registration, today: date) -> None:
    """Refuse names, dates and addresses that cannot be right.

    Raises:
        InvalidInput: with one problem a field.
    """
    problems = {
        **_name_problems(registration),
        **_date_of_birth_problems(registration.date_of_birth, today),
        **_contact_problems(registration),
    }
    if problems:
        raise InvalidInput(problems)


def _name_problems(registration: Registration) -> dict[str, str]:
    problems = {}
    for field, label in (("given_name", "given name"), ("family_name", "family name")):
        if not is_name(getattr(registration, field)):
            problems[field] = f"Enter the {label} as on the photo document, in letters."
    optional = (("title", "title"), ("middle_names", "middle names"), ("card_name", "name on the card"))
    for field, label in optional:
        text = getattr(registration, field)
        if text.strip() and not is_name(text):
            problems[field] = f"Enter the {label} in letters, or leave it empty."
    if len(registration.title.strip()) > 35:
        problems["title"] = "Enter a title of at most 35 letters."
    return problems


def _date_of_birth_problems(date_of_birth: date, today: date) -> dict[str, str]:
    age = (today - date_of_birth).days / 365.25
    if _YOUNGEST_YEARS <= age <= _OLDEST_YEARS:
        return {}
    return {"date_of_birth": "Enter the date of birth as on the photo document; this one cannot be right."}


def _contact_problems(registration: Registration) -> dict[str, str]:
    problems = {}
    email = registration.email.strip()
    if len(email) > 254 or _EMAIL.fullmatch(email) is None:
        problems["email"] = "Enter an e-mail address, as in name@example.nhs.uk."
    mobile = normalised_mobile(registration.mobile)
    if mobile and _MOBILE.fullmatch(mobile) is None:
        problems["mobile"] = "Enter a mobile number of 10 to 15 digits, or leave it empty."
    return problems


def normalised_mobile(text: str) -> str:
    """The number without spaces, hyphens and brackets."""
    return re.sub(r"[\s()-]", "", text)


def name_key(text: str) -> str:
    """A name without case, accents and punctuation, so that O’Neill and ONEILL compare equal."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c if c.isalnum() else " " * c.isspace() for c in decomposed).split())


@dataclass(frozen=True)
class KnownPerson:
    """What is compared when looking for duplicates."""

    given_name: str
    family_name: str
    date_of_birth: date | None
    email: str = ""


_SIMILAR = 0.82


def reason_for_likely_duplicate(one: KnownPerson, other: KnownPerson) -> str:
    """Why two may be one person, in words; empty when nothing says so.

    Same e-mail; or same date of birth and a name in common that is alike; or the same names when days and
    months of birth were swapped or one digit differs.
    """
    if one.email and one.email.casefold() == other.email.casefold():
        return "the same e-mail address"
    given = _alike(one.given_name, other.given_name)
    family = _alike(one.family_name, other.family_name)
    swapped = _alike(one.given_name, other.family_name) and _alike(one.family_name, other.given_name)
    if one.date_of_birth is None or other.date_of_birth is None:
        return "a similar name, and no date of birth is known of one" if given and family else ""
    if one.date_of_birth == other.date_of_birth and (given or family or swapped):
        return "the same date of birth and a similar name"
    if given and family and _one_slip_apart(one.date_of_birth, other.date_of_birth):
        return "a similar name and a date of birth that differs by one slip"
    return ""


def _alike(one: str, other: str) -> bool:
    first, second = name_key(one), name_key(other)
    return first == second or SequenceMatcher(None, first, second).ratio() >= _SIMILAR


def _one_slip_apart(one: date, other: date) -> bool:
    if (one.year, one.month, one.day) == (other.year, other.day, other.month):
        return True
    return sum(a != b for a, b in zip(one.isoformat(), other.isoformat(), strict=True)) <= 1


def names_in(persons: Sequence[PersonSummary]) -> str:
    """The names and ids of people in one sentence part, for a refusal."""
    return ", ".join(f"{person.name} ({person.uid})" for person in persons)
