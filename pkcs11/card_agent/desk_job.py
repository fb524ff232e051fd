"""The job that the site gives the desk, as values. What arrives is checked before it is believed."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from card_agent.errors import JobUnusable, SiteUnavailable
from card_agent.pin_policy import PinPolicy
from card_agent.ports import Purpose

# The names of the two purposes in the job API's JSON.
JSON_NAMES = {Purpose.AUTHENTICATION: "authentication", Purpose.CONTENT_COMMITMENT: "content_commitment"}

BEFORE_APPROVAL = "begun"
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
    """One issuance as the site knows it. ``card_serial`` is empty until a card is bound to it."""

    id: str
    state: str
    holder: Party
    operator: Party
    card_profile: str
    card_serial: str
    pin_policy: PinPolicy
    so_pin_escrow_key: bytes
    certificates: IssuedCertificates | None


def job_from_untrusted(message: object) -> Job:
    """Return the job in the site's JSON. Raises SiteUnavailable (cannot be read) or JobUnusable."""
    try:
        job = _job(_table(message))
    except (KeyError, TypeError, ValueError) as error:
        raise SiteUnavailable(
            "The site sent a job that cannot be read. Tell your IT service desk."
        ) from error
    _require_usable(_table(message), job)
    return job


def certificates_from_untrusted(message: object) -> IssuedCertificates:
    """Return the certificates in the site's JSON. Raises SiteUnavailable when they cannot be read."""
    try:
        return _certificates(_table(message))
    except (KeyError, TypeError, ValueError) as error:
        raise SiteUnavailable(
            "The site sent certificates that cannot be read. Tell your IT service desk."
        ) from error


def _job(table: Mapping[str, object]) -> Job:
    policy = _table(table["pin_policy"])
    certificates = table.get("certificates")
    return Job(
        id=_text(table["id"]),
        state=_text(table["state"]),
        holder=_party(table["holder"]),
        operator=_party(table["operator"]) if table.get("operator") else Party("", ""),
        card_profile=_text(table["card_profile"]),
        card_serial=_text(table.get("card_serial") or ""),
        pin_policy=PinPolicy(_whole(policy["minimum"]), _whole(policy["maximum"])),
        so_pin_escrow_key=_text(table["so_pin_escrow_key"]).encode(),
        certificates=_certificates(_table(certificates)) if certificates else None,
    )


def _require_usable(table: Mapping[str, object], job: Job) -> None:
    if table.get("kind") != "issue_card" or table.get("key_type") != "EC-P256":
        raise JobUnusable(
            "This desk cannot do this job: it issues cards with EC P-256 keys only. Undo the issuance."
        )
    if job.holder.uid == job.operator.uid:
        raise JobUnusable("Nobody can issue a card to themselves. Another operator must issue it.")


def _certificates(table: Mapping[str, object]) -> IssuedCertificates:
    return IssuedCertificates(
        {purpose: _bytes(table[name]) for purpose, name in JSON_NAMES.items()},
        _nonce(table["completion_nonce"]),
    )


def _party(message: object) -> Party:
    table = _table(message)
    return Party(_text(table["uid"]), _text(table["name"]))


def _table(message: object) -> Mapping[str, object]:
    if not isinstance(message, dict):
        raise TypeError("not a table")
    return message


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not text")
    return value


def _nonce(value: object) -> str:
    """A nonce and nothing else: the new key signs it, and must not sign another protocol's message."""
    text = _text(value)
    if _NONCE.fullmatch(text) is None:
        raise ValueError("not a nonce")
    return text


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError("not a whole number")
    return value


def _bytes(value: object) -> bytes:
    try:
        return base64.b64decode(_text(value), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
