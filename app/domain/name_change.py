"""A change of somebody's name: seen on a document, by somebody else than the person."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.domain.person import Person
from app.domain.personal_name import is_name, written_name
from app.errors import InvalidInput, NotPermitted


class NameChangeReason(StrEnum):
    """Why a name changes."""

    MARRIAGE = "marriage"
    DIVORCE = "divorce"
    DEED_POLL = "deed_poll"
    CORRECTION = "correction"


class CannotChangeOwnName(NotPermitted):
    """Somebody would change their own record."""

    code = "cannot_change_own_name"


@dataclass(frozen=True)
class NameChange:
    """The new names, why, and the number of the certificate, deed or photo document that was seen."""

    given_name: str
    middle_names: str
    family_name: str
    reason: NameChangeReason
    document_number: str


def require_sound(change: NameChange, person: Person) -> None:
    """Refuse names that cannot be right, a change without a document, and one that changes nothing.

    Raises:
        InvalidInput: with one problem a field.
    """
    problems = {}
    for field, label in (("given_name", "given name"), ("family_name", "family name")):
        if not is_name(getattr(change, field)):
            problems[field] = f"Enter the {label} as on the document, in letters."
    if change.middle_names.strip() and not is_name(change.middle_names):
        problems["middle_names"] = "Enter the middle names in letters, or leave it empty."
    if not 3 <= len(change.document_number.strip()) <= 60:
        problems["document_number"] = "Enter the number of the document that you have seen."
    new = tuple(map(written_name, (change.given_name, change.middle_names, change.family_name)))
    if new == (person.given_name, person.middle_names, person.family_name):
        problems["family_name"] = "These are the names on record already. Nothing was changed."
    if problems:
        raise InvalidInput(problems)
