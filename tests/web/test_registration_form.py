"""The registration form reads what was typed, finds everything wrong at once, and loses nothing."""

from __future__ import annotations

import base64
import io
from datetime import date

import pytest
from PIL import Image
from werkzeug.datastructures import MultiDict

from app.adapters.photo import PillowPhotos
from app.domain.evidence import EvidenceKind
from app.domain.professional_registration import ProfessionalBody
from app.web.forms.registration import RegistrationForm

TODAY = date(2026, 11, 22)


def photo() -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (600, 800), (120, 90, 60)).save(written, "JPEG")
    return written.getvalue()


def filled(fields: MultiDict[str, str] | None = None, photo_file: bytes = b"") -> RegistrationForm:
    return RegistrationForm(PillowPhotos().card_photo_from_untrusted, fields, photo_file)


def answers(**changed: str) -> MultiDict[str, str]:
    """A form that can be registered, with some answers changed (``__`` stands for a dot)."""
    fields = {
        "given_name": "Amara",
        "family_name": "Osei",
        "email": "amara.osei@example.nhs.uk",
        "date_of_birth-day": "27",
        "date_of_birth-month": "3",
        "date_of_birth-year": "1985",
        "evidence.0.kind": EvidenceKind.UK_PASSPORT,
        "evidence.0.number": "123456789",
        "evidence.0.expires_on-day": "1",
        "evidence.0.expires_on-month": "1",
        "evidence.0.expires_on-year": "2030",
        "evidence.1.kind": EvidenceKind.UTILITY_BILL,
        "evidence.1.number": "AB12345",
        "evidence.1.issued_on-day": "1",
        "evidence.1.issued_on-month": "11",
        "evidence.1.issued_on-year": "2026",
        "evidence.2.kind": EvidenceKind.NATIONAL_INSURANCE_LETTER,
        "evidence.2.number": "AB123456C",
        "confirmed_checked": "yes",
    }
    return MultiDict({**fields, **{name.replace("__", "."): value for name, value in changed.items()}})


def test_a_complete_form_gives_a_registration() -> None:
    registration = filled(answers(), photo()).registration(TODAY)
    assert registration is not None
    assert (registration.given_name, registration.date_of_birth) == ("Amara", date(1985, 3, 27))
    assert registration.evidence[0].kind is EvidenceKind.UK_PASSPORT
    assert registration.photo.startswith(b"\xff\xd8")


def test_the_photo_is_carried_and_read_again() -> None:
    first = filled(answers(), photo())
    first.registration(TODAY)
    carried = filled(MultiDict(first.carried))
    registration = carried.registration(TODAY)
    assert registration is not None
    assert registration.photo


def test_a_problem_elsewhere_keeps_the_photo_and_every_answer() -> None:
    form = filled(answers(email="nonsense"), photo())
    assert form.registration(TODAY) is None
    assert form.problem("email")
    assert form.photo_kept
    assert form.value("family_name") == "Osei"


def test_an_empty_form_names_every_field_at_once() -> None:
    form = filled()
    assert form.registration(TODAY) is None
    assert {"given_name", "family_name", "date_of_birth", "email", "photo", "confirmed_checked"} <= set(
        form.problems.by_field
    )
    assert {f"evidence.{row}.kind" for row in range(3)} <= set(form.problems.by_field)


def test_a_carried_photo_that_was_tampered_with_is_refused() -> None:
    form = filled(answers(photo_kept=base64.b64encode(b"<svg/>").decode()))
    assert form.registration(TODAY) is None
    assert form.problem("photo")


@pytest.mark.parametrize("kept", ["***", "a", "\u2603"])
def test_a_carried_photo_that_is_no_base64_is_refused(kept: str) -> None:
    form = filled(answers(photo_kept=kept))
    assert form.registration(TODAY) is None
    assert form.problem("photo")


@pytest.mark.parametrize("typed", ["", "-1", "1e9", "99999", "٣", "abc"])
def test_nonsense_for_the_crop_is_as_good_as_none(typed: str) -> None:
    fields = answers()
    fields["photo-zoom"] = fields["photo-across"] = fields["photo-down"] = typed
    assert filled(fields, photo()).registration(TODAY) is not None


def test_a_problem_with_the_second_registration_lands_at_the_second_row() -> None:
    fields = answers()
    fields["registrations.1.body"], fields["registrations.1"] = ProfessionalBody.GMC, "12"
    form = filled(fields, photo())
    assert form.registration(TODAY) is None
    assert form.problem("registrations.1")
    assert form.problem("registrations.0") is None


def test_a_number_without_its_body_is_refused() -> None:
    form = filled(answers(registrations__0="1234567"), photo())
    assert form.registration(TODAY) is None
    assert form.problem("registrations.0.body")


def test_the_declaration_must_be_ticked() -> None:
    form = filled(answers(confirmed_checked=""), photo())
    assert form.registration(TODAY) is None
    assert form.problem("confirmed_checked")
