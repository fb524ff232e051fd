"""What a card agent found wrong with a workstation, as a caller sends it to the registration authority."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from app.errors import InvalidInput

KEPT_FOR = timedelta(days=90)
MOST_KEPT = 5_000
_MOST_FINDINGS = 40
_LONGEST_TEXT = 500
# Letters and digits that nobody mistakes for each other when they are read out on the telephone.
_REFERENCE_SIGNS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
_REFERENCE = re.compile(f"[{_REFERENCE_SIGNS}]{{4}}-[{_REFERENCE_SIGNS}]{{4}}")
_CODE = re.compile(r"[a-z][a-z_]{0,39}")
_CARD_SERIAL = re.compile(r"[A-Za-z0-9-]{1,32}")
_UID = re.compile(r"[0-9]{12}")


class FindingState(StrEnum):
    """How good or bad a finding is."""

    FINE = "fine"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: what was found, why it matters, what to do. ``code`` never changes."""

    code: str
    state: FindingState
    what: str
    why: str
    to_do: str


@dataclass(frozen=True)
class CardSeen:
    """A card in a reader of the workstation; ``holder_uid`` is empty for a blank or unknown card."""

    serial: str
    holder_uid: str


@dataclass(frozen=True)
class WorkstationReport:
    """A report as it is kept.

    Attributes:
        reference: what the caller reads out, as in ``K7QF-3M2P``.
        address: the network address that it came from.
    """

    reference: str
    received_at: datetime
    address: str
    agent_version: str
    findings: Sequence[Finding]
    cards: Sequence[CardSeen]

    @property
    def worst(self) -> FindingState:
        """The worst state of all findings."""
        order = list(FindingState)
        return max((each.state for each in self.findings), key=order.index, default=FindingState.FINE)


def new_reference() -> str:
    """A random reference."""
    signs = "".join(secrets.choice(_REFERENCE_SIGNS) for _ in range(8))
    return f"{signs[:4]}-{signs[4:]}"


def reference_from_untrusted(text: str) -> str | None:
    """The reference as somebody typed it, in any case and with any spaces; None when it is none."""
    signs = re.sub(r"[\s-]", "", text).upper()
    reference = f"{signs[:4]}-{signs[4:]}"
    return reference if _REFERENCE.fullmatch(reference) else None


def findings_from_untrusted(listed: object) -> tuple[Finding, ...]:
    """The findings in a report: at most 40, each exactly of our form, text without control characters.

    Raises:
        InvalidInput
    """
    return tuple(_finding(each) for each in _short_list(listed, "findings"))


def cards_from_untrusted(listed: object) -> tuple[CardSeen, ...]:
    """The cards in a report.

    Raises:
        InvalidInput
    """
    return tuple(_card(each) for each in _short_list(listed, "cards"))


def _short_list(listed: object, name: str) -> Sequence[Mapping[str, Any]]:
    if not isinstance(listed, list) or len(listed) > _MOST_FINDINGS:
        raise InvalidInput({name: f"“{name}” must be a list of at most {_MOST_FINDINGS}."})
    if not all(isinstance(each, dict) for each in listed):
        raise InvalidInput({name: f"“{name}” must hold objects."})
    return listed


def _finding(given: Mapping[str, Any]) -> Finding:
    if set(given) != {"code", "state", "what", "why", "to_do"} or given["state"] not in list(FindingState):
        raise InvalidInput({"findings": "A finding has code, state, what, why and to_do."})
    if not isinstance(given["code"], str) or not _CODE.fullmatch(given["code"]):
        raise InvalidInput({"findings": "A finding's code is small letters."})
    what, why, to_do = (_text(given[name]) for name in ("what", "why", "to_do"))
    return Finding(given["code"], FindingState(given["state"]), what, why, to_do)


def _card(given: Mapping[str, Any]) -> CardSeen:
    serial, uid = given.get("serial"), given.get("holder_uid")
    if set(given) != {"serial", "holder_uid"} or not isinstance(serial, str) or not isinstance(uid, str):
        raise InvalidInput({"cards": "A card has serial and holder_uid."})
    if not _CARD_SERIAL.fullmatch(serial) or not (uid == "" or _UID.fullmatch(uid)):
        raise InvalidInput({"cards": "A card's serial is letters and digits, its holder_uid 12 digits."})
    return CardSeen(serial, uid)


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT or not value.isprintable():
        raise InvalidInput({"findings": f"A text has at most {_LONGEST_TEXT} printable characters."})
    return value
