"""The form that registers a person: one page of fields, a photo, and the answers carried to the check page.

Nothing of an unfinished registration is stored on the server: the check page carries every answer, the
cropped photo too, in hidden fields, and everything is read and checked again when it comes back. Field names
are those of ``app.domain.person.Registration``, so that what a rule finds wrong lands at its field.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import date

from werkzeug.datastructures import MultiDict

from app.domain.evidence import Evidence, EvidenceKind, require_sufficient
from app.domain.person import LikelyDuplicates, Registration, require_personal_details
from app.domain.photo import MIDDLE, Crop
from app.domain.professional_registration import (
    ProfessionalBody,
    ProfessionalRegistration,
    require_registrations,
)
from app.errors import InvalidInput, Refusal
from app.web.forms.submitted import Problems, SubmittedForm

CroppedFromUntrusted = Callable[[bytes, Crop], bytes]

DOCUMENTS = range(3)
REGISTRATIONS = range(2)
ORDINALS = ("first", "second", "third")
KEPT_PHOTO = "photo_kept"
_DATE_PARTS = ("day", "month", "year")
_UNKNOWN_DAY = date(1900, 1, 1)


def _carried_names() -> tuple[str, ...]:
    names = ["title", "given_name", "middle_names", "family_name", "card_name", "email", "mobile"]
    days = ["date_of_birth"]
    for row in REGISTRATIONS:
        names += [f"registrations.{row}.body", f"registrations.{row}"]
    for row in DOCUMENTS:
        names += [f"evidence.{row}.kind", f"evidence.{row}.number"]
        days += [f"evidence.{row}.issued_on", f"evidence.{row}.expires_on"]
    names += [f"{day}-{part}" for day in days for part in _DATE_PARTS]
    return (*names, "confirmed_checked", KEPT_PHOTO)


CARRIED_NAMES = _carried_names()


_PAGE_ORDER = (
    "title", "given_name", "middle_names", "family_name", "card_name", "date_of_birth", "email", "mobile",
    "registrations", "evidence", "photo", "confirmed_checked",
)  # fmt: skip


def _place_on_page(field: str) -> tuple[int, str]:
    section = field.partition(".")[0]
    return (_PAGE_ORDER.index(section) if section in _PAGE_ORDER else -1, field)


class RegistrationForm(SubmittedForm):
    """The registration form as it was sent.

    Args:
        cropped_from_untrusted: cuts a picture to the card's frame; raises InvalidInput under ``photo``.
        fields: what was typed.
        photo_file: the file chosen with it, or empty.
    """

    def __init__(
        self,
        cropped_from_untrusted: CroppedFromUntrusted,
        fields: MultiDict[str, str] | None = None,
        photo_file: bytes = b"",
    ) -> None:
        super().__init__(fields)
        self._cropped_from_untrusted = cropped_from_untrusted
        self._photo_file = photo_file

    @property
    def problems(self) -> Problems:
        """What is wrong so far, in the order of the page."""
        found = super().problems.by_field
        ordered = sorted(found, key=lambda field: _place_on_page(field))
        return Problems({field: found[field] for field in ordered}, CARRIED_NAMES)

    @property
    def carried(self) -> list[tuple[str, str]]:
        """Every answer, for the hidden fields of the check page."""
        return [(name, self.value(name)) for name in CARRIED_NAMES if self.value(name)]

    @property
    def photo_kept(self) -> str:
        """The cropped photo in base64 that the page carries; empty when there is none yet."""
        return self.value(KEPT_PHOTO)

    def registration(self, today: date) -> Registration | None:
        """What was entered, when every rule that needs no look-up agrees; None with problems otherwise."""
        registration = self._registration()
        self._check(lambda: require_personal_details(registration, today))
        self._check(lambda: require_registrations(registration.registrations))
        if not any(self.problem(f"evidence.{row}.kind") for row in DOCUMENTS):
            self._check(lambda: require_sufficient(registration.evidence, today))
        if not registration.confirmed_checked:
            self.refuse("confirmed_checked", "Tick to say that you have checked the original documents.")
        return None if self.problems else registration

    def add_problems(self, refusal: Refusal) -> None:
        """Take over what a rule or use case found wrong, at the rows of the page."""
        if isinstance(refusal, LikelyDuplicates):
            refusal = InvalidInput({"duplicates_considered": str(refusal)})
        elif isinstance(refusal, InvalidInput):
            refusal = InvalidInput({self._field_on_page(f): text for f, text in refusal.problems.items()})
        super().add_problems(refusal)

    def _field_on_page(self, field: str) -> str:
        """Rules count the professional registrations given; the page has empty rows between them."""
        name, _, place = field.partition(".")
        if name != "registrations" or not place.isdigit():
            return field
        filled = [row for row in REGISTRATIONS if self.value(f"registrations.{row}.body")]
        return f"registrations.{filled[int(place)]}"

    def _check(self, rule: Callable[[], object]) -> None:
        try:
            rule()
        except InvalidInput as refusal:
            self.add_problems(refusal)

    def _registration(self) -> Registration:
        return Registration(
            title=self.text("title"),
            given_name=self.text("given_name"),
            middle_names=self.text("middle_names"),
            family_name=self.text("family_name"),
            card_name=self.text("card_name"),
            date_of_birth=self._date_of_birth(),
            email=self.text("email", longest=254),
            mobile=self.text("mobile"),
            registrations=self._professional_registrations(),
            evidence=tuple(self._document(row) for row in DOCUMENTS),
            photo=self._photo(),
            confirmed_checked=self.is_ticked("confirmed_checked"),
            duplicates_considered=self.is_ticked("duplicates_considered"),
        )

    def _date_of_birth(self) -> date:
        born = self.day("date_of_birth", what="The date of birth", missing="Enter the date of birth.")
        return born or _UNKNOWN_DAY

    def _professional_registrations(self) -> tuple[ProfessionalRegistration, ...]:
        return tuple(
            ProfessionalRegistration(body, number)
            for row in REGISTRATIONS
            for body, number in [self._professional_registration(row)]
            if body is not None
        )

    def _professional_registration(self, row: int) -> tuple[ProfessionalBody | None, str]:
        chosen, number = self.value(f"registrations.{row}.body"), self.text(f"registrations.{row}")
        if chosen not in set(ProfessionalBody):
            if number:
                self.refuse(
                    f"registrations.{row}.body", "Choose the professional body that gave this number."
                )
            return None, number
        return ProfessionalBody(chosen), number

    def _document(self, row: int) -> Evidence:
        name, which = f"evidence.{row}", ORDINALS[row]
        kind = self.choice(f"{name}.kind", set(EvidenceKind), f"Choose what the {which} document is.")
        return Evidence(
            kind=EvidenceKind(kind) if kind in set(EvidenceKind) else EvidenceKind.UTILITY_BILL,
            number=self.text(f"{name}.number", missing=f"Enter the number on the {which} document."),
            issued_on=self._day_of(f"{name}.issued_on", f"The date of issue of the {which} document"),
            expires_on=self._day_of(f"{name}.expires_on", f"The expiry date of the {which} document"),
        )

    def _day_of(self, name: str, what: str) -> date | None:
        return self.day(name, what=what, missing=None)

    def _photo(self) -> bytes:
        try:
            if self._photo_file:
                self._keep_photo(self._cropped_from_untrusted(self._photo_file, self._crop()))
            if self.photo_kept:
                return self._cropped_from_untrusted(_from_base64(self.photo_kept), MIDDLE)
        except InvalidInput as refusal:
            self.add_problems(refusal)
            return b""
        self.refuse("photo", "Choose a photo of the person.")
        return b""

    def _keep_photo(self, photo: bytes) -> None:
        self.keep(KEPT_PHOTO, base64.b64encode(photo).decode())

    def _crop(self) -> Crop:
        return Crop(
            zoom=self._percent("photo-zoom", 100, 100, 400),
            across=self._percent("photo-across", 50, 0, 100),
            down=self._percent("photo-down", 50, 0, 100),
        )

    def _percent(self, name: str, usual: int, lowest: int, highest: int) -> int:
        typed = self.value(name)
        number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= 3 else usual
        return min(max(number, lowest), highest)


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as cause:
        raise InvalidInput({"photo": "Choose the photo again."}) from cause
