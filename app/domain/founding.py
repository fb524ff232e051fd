"""The founding ceremony: how the first RA manager and the first sponsor come to be.

Afterwards every person is registered, every role granted and every card issued by people of the registration
authority. Before there are any, one reviewable file names two founders, with their evidence, and two
witnesses. The certificate authority fixed the file's digest at its key ceremony and issues each founder's
card once.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.domain.evidence import Evidence, EvidenceKind
from app.domain.permission import Permission
from app.domain.permissions_policy import PermissionsPolicy
from app.domain.person import Registration
from app.domain.position import AccessProfile, Approval, NewPosition
from app.errors import InvalidInput, Refusal

# What the two founders must be able to do so that a third person can follow in the ordinary way.
NEEDED_TO_GO_ON = (
    frozenset({Permission.REGISTER_PERSON, Permission.DECIDE_REQUEST, Permission.ISSUE_CARD}),
    frozenset({Permission.REQUEST_POSITION}),
)


class AlreadyFounded(Refusal):
    """The founding ceremony was held; it cannot be repeated."""

    code = "already_founded"


@dataclass(frozen=True)
class FoundingRecord:
    """What is kept of the ceremony. ``digest`` is the SHA-256 of the founding file, hexadecimal."""

    digest: str
    organisation_code: str
    held_on: date
    witnesses: tuple[str, ...]


@dataclass(frozen=True)
class Founder:
    """One of the two. ``registration.photo`` is empty until the photo file is read."""

    registration: Registration
    position: NewPosition
    photo_file: str


@dataclass(frozen=True)
class FoundingFile:
    """The file: when and where the ceremony was held, who saw it, and the two founders."""

    held_on: date
    organisation_code: str
    witnesses: tuple[str, ...]
    founders: tuple[Founder, ...]


def founding_file_from_untrusted(document: bytes) -> FoundingFile:
    """Read the founding file.

    Raises:
        InvalidInput: under ``founding``, naming what is missing or cannot be read.
    """
    try:
        return _founding_file(tomllib.loads(document.decode()))
    except KeyError as missing:
        raise InvalidInput({"founding": f"The founding file lacks {missing}."}) from None
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidInput({"founding": f"The founding file cannot be read: {error}."}) from None


def _founding_file(table: Mapping[str, Any]) -> FoundingFile:
    ceremony = table["ceremony"]
    return FoundingFile(
        held_on=_day(ceremony["held_on"]),
        organisation_code=str(ceremony["organisation_code"]),
        witnesses=tuple(str(name).strip() for name in ceremony["witnesses"]),
        founders=tuple(_founder(each, ceremony["organisation_code"]) for each in table["founder"]),
    )


def _founder(table: Mapping[str, Any], organisation_code: str) -> Founder:
    registration = Registration(
        title=table.get("title", ""),
        given_name=table["given_name"],
        middle_names=table.get("middle_names", ""),
        family_name=table["family_name"],
        card_name=table.get("card_name", ""),
        date_of_birth=_day(table["date_of_birth"]),
        email=table["email"],
        mobile=table.get("mobile", ""),
        registrations=(),
        evidence=tuple(_evidence(each) for each in table["evidence"]),
        photo=b"",
        confirmed_checked=True,
    )
    return Founder(registration, _position(table["position"], organisation_code), table["photo"])


def _evidence(table: Mapping[str, Any]) -> Evidence:
    return Evidence(
        EvidenceKind(table["kind"]), str(table["number"]), table.get("issued_on"), table.get("expires_on")
    )


def _position(table: Mapping[str, Any], organisation_code: str) -> NewPosition:
    code = table.get("organisation_code", organisation_code)
    profile = AccessProfile(table["job_role_code"], tuple(table["activity_codes"]), (), code)
    approval = Approval(table["approved_by"], _day(table["approved_on"]), table["approval_reference"])
    return NewPosition(code, table["name"], table.get("notes", ""), (profile,), approval)


def _day(value: Any) -> date:
    if type(value) is not date:
        raise ValueError(f"{value!r} is not a date such as 2026-01-31")
    return value


def require_sound(founding: FoundingFile, policy: PermissionsPolicy, today: date) -> None:
    """Refuse a ceremony without two witnesses, or whose founders could not take in a third person.

    Raises:
        InvalidInput: under ``witnesses``, ``founders`` or ``held_on``.
    """
    problems = {}
    if len(set(founding.witnesses) - {""} - _founder_names(founding)) < 2:
        problems["witnesses"] = "Name two witnesses who are not the founders."
    if len(founding.founders) != 2 or len(_founder_names(founding)) != 2:
        problems["founders"] = "Name two founders: the first RA manager and the first sponsor."
    elif not _can_go_on(founding, policy):
        problems["founders"] = (
            "The first founder must be able to register, grant and issue (RA manager), the second to request"
            " (sponsor). Check their job roles and activities against config/permissions.toml."
        )
    if founding.held_on > today:
        problems["held_on"] = "The ceremony cannot have been held in the future."
    if problems:
        raise InvalidInput(problems)


def _founder_names(founding: FoundingFile) -> set[str]:
    people = [founder.registration for founder in founding.founders]
    return {f"{person.given_name} {person.family_name}" for person in people}


def _can_go_on(founding: FoundingFile, policy: PermissionsPolicy) -> bool:
    granted = [
        policy.permissions_of(profile.job_role_code, profile.activity_codes)
        for founder in founding.founders
        for profile in founder.position.access_profiles
    ]
    return all(needed <= has for needed, has in zip(NEEDED_TO_GO_ON, granted, strict=True))
