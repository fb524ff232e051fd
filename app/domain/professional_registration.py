"""Registrations with professional bodies: which bodies there are and how their numbers look.

The bodies are those of the directory's person entry. A number that looks right is not proof of a
registration; that is checked on the body's own public register.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.errors import InvalidInput


class ProfessionalBody(StrEnum):
    """Who gave the number."""

    GMC = "GMC"
    GMP = "GMP"
    GDC = "GDC"
    GDP = "GDP"
    NMC = "NMC"
    RCN = "RCN"
    GPHC = "GPhC"
    CONSULTANT = "consultant"
    OCSPR = "OCS PR"


@dataclass(frozen=True)
class NumberFormat:
    """How the numbers of a body look, and its name on pages."""

    label: str
    pattern: re.Pattern[str]
    example: str


NUMBER_FORMATS: dict[ProfessionalBody, NumberFormat] = {
    ProfessionalBody.GMC: NumberFormat("General Medical Council", re.compile(r"[0-9]{7}"), "7 digits"),
    ProfessionalBody.GMP: NumberFormat(
        "General medical practitioner", re.compile(r"G[0-9]{7}"), "G and 7 digits"
    ),
    ProfessionalBody.GDC: NumberFormat("General Dental Council", re.compile(r"[0-9]{4,6}"), "4 to 6 digits"),
    ProfessionalBody.GDP: NumberFormat("General dental practitioner", re.compile(r"[0-9]{6}"), "6 digits"),
    ProfessionalBody.NMC: NumberFormat(
        "Nursing and Midwifery Council",
        re.compile(r"[0-9]{2}[A-Z][0-9]{4}[A-Z]"),
        "8 characters, as in 99A9999A",
    ),
    ProfessionalBody.RCN: NumberFormat("Royal College of Nursing", re.compile(r"[0-9]{7}"), "7 digits"),
    ProfessionalBody.GPHC: NumberFormat(
        "General Pharmaceutical Council", re.compile(r"[0-9]{7}"), "7 digits"
    ),
    ProfessionalBody.CONSULTANT: NumberFormat("Consultant code", re.compile(r"C[0-9]{7}"), "C and 7 digits"),
    ProfessionalBody.OCSPR: NumberFormat(
        "OCS prescriber code", re.compile(r"[A-Z0-9]{4,10}"), "4 to 10 characters"
    ),
}


@dataclass(frozen=True)
class ProfessionalRegistration:
    """A person's number with one professional body."""

    body: ProfessionalBody
    number: str


def require_registrations(
    registrations: Sequence[ProfessionalRegistration],
) -> tuple[ProfessionalRegistration, ...]:
    """The registrations with numbers in capitals and without spaces.

    Raises:
        InvalidInput: a number does not look like the body's, or a body stands there twice; under
            ``registrations.<index>``.
    """
    known = tuple(
        ProfessionalRegistration(each.body, "".join(each.number.split()).upper()) for each in registrations
    )
    problems = {}
    for index, each in enumerate(known):
        rule = NUMBER_FORMATS[each.body]
        if rule.pattern.fullmatch(each.number) is None:
            problems[f"registrations.{index}"] = f"Enter the {rule.label} number: {rule.example}."
        elif each.body in {earlier.body for earlier in known[:index]}:
            problems[f"registrations.{index}"] = f"The {rule.label} number was entered twice. Remove one."
    if problems:
        raise InvalidInput(problems)
    return known
