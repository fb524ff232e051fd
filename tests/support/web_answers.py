"""What people type into the forms of the site."""

from __future__ import annotations

from datetime import date

from app.domain.evidence import EvidenceKind
from tests.support.registration_authority import picture, registration
from tests.support.web import uploaded


def parts(name: str, day: date) -> dict[str, str]:
    return {f"{name}-day": str(day.day), f"{name}-month": str(day.month), f"{name}-year": str(day.year)}


def answers(**changed: str) -> dict[str, object]:
    """What an agent types to register Amara."""
    amara = registration()
    passport, bill, _ = amara.evidence
    assert passport.expires_on is not None
    assert bill.issued_on is not None
    return {
        "title": "Dr",
        "given_name": "Amara",
        "family_name": "Osei",
        "email": amara.email,
        **parts("date_of_birth", amara.date_of_birth),
        "evidence.0.kind": EvidenceKind.UK_PASSPORT.value,
        "evidence.0.number": passport.number,
        **parts("evidence.0.expires_on", passport.expires_on),
        "evidence.1.kind": EvidenceKind.UTILITY_BILL.value,
        "evidence.1.number": bill.number,
        **parts("evidence.1.issued_on", bill.issued_on),
        "evidence.2.kind": EvidenceKind.NATIONAL_INSURANCE_LETTER.value,
        "evidence.2.number": "AB123456C",
        "confirmed_checked": "yes",
        "photo": uploaded(picture(900, 700)),
        **changed,
    }
