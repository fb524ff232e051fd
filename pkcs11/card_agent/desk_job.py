"""The job that the site gives the desk, as values. What arrives is checked before it is believed."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from card_agent.errors import JobUnusable, SiteUnavailable
from card_agent.pin_policy import PinPolicy
from card_agent.ports import Purpose

# The names of the two purposes in the job API's JSON.
JSON_NAMES = {Purpose.AUTHENTICATION: "authentication", Purpose.CONTENT_COMMITMENT: "content_commitment"}

BEFORE_CERTIFICATION = ("begun", "approved", "personalising")
CERTIFIED = "certified"
FINISHED = ("active", "undone")

_NONCE = re.compile(r"[A-Za-z0-9_-]{43,128}")


@dataclass(frozen=True)
class Party:
    """A person the job names. Both are empty where there is no operator (the founding ceremony)."""

    uid: str
    name: str


@dataclass(frozen=True)
class IssuedCertificates:
    """What the site's certificate authority issued: DER by purpose, and the nonce that completion proves."""

    by_purpose: Mapping[Purpose, bytes]
    completion_nonce: str


@dataclass(frozen=True)
class Job:
    """One issuance as the site knows it. ``card_serial`` is empty until a card is bound to it.

    ``is_locked``: nobody is to know the PIN. ``usable_from``: the holder's first day; None when it works at
    once. ``temporary_hours``: how long a temporary access card works; None for a regular one.
    """

    id: str
    state: str
    holder: Party
    operator: Party
    card_profile: str
    card_serial: str
    pin_policy: PinPolicy
    so_pin_escrow_key: bytes
    certificates: IssuedCertificates | None
    is_locked: bool = False
    usable_from: date | None = None
    temporary_hours: int | None = None

    @property
    def needs_approval(self) -> bool:
        """Say whether the operator is to sign: for each run that makes keys. The founding has no operator."""
        return bool(self.operator.uid) and self.state in BEFORE_CERTIFICATION


def id_and_kind_from_untrusted(message: object) -> tuple[str, str]:
    """Return the job's id and kind, the two things that every job has in one form. Raises SiteUnavailable."""
    try:
        table = as_table(message)
        return as_text(table["id"]), as_text(table["kind"])
    except (KeyError, TypeError) as error:
        raise unreadable() from error


def unreadable() -> SiteUnavailable:
    """Return the refusal of a job in no form that this agent knows."""
    return SiteUnavailable("The site sent a job that cannot be read. Tell your IT service desk.")


def job_from_untrusted(message: object) -> Job:
    """Return the job in the site's JSON. Raises SiteUnavailable (cannot be read) or JobUnusable."""
    try:
        job = _job(as_table(message))
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable() from error
    _require_usable(as_table(message), job)
    return job


def certificates_from_untrusted(message: object) -> IssuedCertificates:
    """Return the certificates in the site's JSON. Raises SiteUnavailable when they cannot be read."""
    try:
        return _certificates(as_table(message))
    except (KeyError, TypeError, ValueError) as error:
        raise SiteUnavailable(
            "The site sent certificates that cannot be read. Tell your IT service desk."
        ) from error


def _job(table: Mapping[str, object]) -> Job:
    certificates = table.get("certificates")
    return Job(
        id=as_text(table["id"]),
        state=as_text(table["state"]),
        holder=as_party(table["holder"]),
        operator=as_party(table["operator"]) if table.get("operator") else Party("", ""),
        card_profile=as_text(table["card_profile"]),
        card_serial=as_text(table.get("card_serial") or ""),
        pin_policy=as_pin_policy(table["pin_policy"]),
        so_pin_escrow_key=as_text(table["so_pin_escrow_key"]).encode(),
        certificates=_certificates(as_table(certificates)) if certificates else None,
        is_locked=table.get("is_locked") is True,
        usable_from=_day(table.get("usable_from")),
        temporary_hours=_hours(table.get("temporary_hours")),
    )


def _day(value: object) -> date | None:
    return date.fromisoformat(as_text(value)) if value else None


def _hours(value: object) -> int | None:
    return None if value is None else as_whole(value)


def _require_usable(table: Mapping[str, object], job: Job) -> None:
    if table.get("kind") != "issue_card" or table.get("key_type") != "EC-P256":
        raise JobUnusable(
            "This desk cannot do this job: it issues cards with EC P-256 keys only. Undo the issuance."
        )
    if job.holder.uid == job.operator.uid:
        raise JobUnusable("Nobody can issue a card to themselves. Another operator must issue it.")


def _certificates(table: Mapping[str, object]) -> IssuedCertificates:
    return IssuedCertificates(
        {purpose: as_bytes(table[name]) for purpose, name in JSON_NAMES.items()},
        _nonce(table["completion_nonce"]),
    )


def as_party(message: object) -> Party:
    """Return the person. Raises KeyError or TypeError."""
    table = as_table(message)
    return Party(as_text(table["uid"]), as_text(table["name"]))


def as_pin_policy(message: object) -> PinPolicy:
    """Return how PINs must look. Raises KeyError or TypeError."""
    table = as_table(message)
    return PinPolicy(as_whole(table["minimum"]), as_whole(table["maximum"]))


def as_table(message: object) -> Mapping[str, object]:
    """Return the JSON object. Raises TypeError."""
    if not isinstance(message, dict):
        raise TypeError("not a table")
    return message


def as_text(value: object) -> str:
    """Return the text. Raises TypeError."""
    if not isinstance(value, str):
        raise TypeError("not text")
    return value


def _nonce(value: object) -> str:
    """A nonce and nothing else: the new key signs it, and must not sign another protocol's message."""
    text = as_text(value)
    if _NONCE.fullmatch(text) is None:
        raise ValueError("not a nonce")
    return text


def as_whole(value: object) -> int:
    """Return the whole number. Raises TypeError."""
    if not isinstance(value, int):
        raise TypeError("not a whole number")
    return value


def as_bytes(value: object) -> bytes:
    """Return the bytes that came as base64. Raises TypeError or ValueError."""
    try:
        return base64.b64decode(as_text(value), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
