"""Reads one submitted form: takes each field once, gathers what is wrong, keeps what was typed.

The same object goes to the template (``form.value``, ``form.problem``, ``form.problems``), so that the error
summary and the messages at the fields always say the same thing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from datetime import date

from werkzeug.datastructures import MultiDict

from app.errors import InvalidInput, NotFound, NotPermitted, Refusal
from app.web.error_pages import status_of

#: The "field" of a refusal that is about no field in particular.
WHOLE_FORM = ""
_DAY_PARTS = ("day", "month", "year")
_BETWEEN_PARTS = re.compile(r"[\s/.-]+")
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip


class Problems:
    """What is wrong, by field, in the order found. Empty means nothing is, and is falsy."""

    def __init__(self, by_field: Mapping[str, str] | None = None, known_fields: Collection[str] = ()) -> None:
        self.by_field = dict(by_field or {})
        self._known_fields = known_fields

    def __bool__(self) -> bool:
        return bool(self.by_field)

    @property
    def summary(self) -> list[dict[str, str]]:
        """The error summary's list: each sentence, linked to its field when the page has that field."""
        return [self._entry(field, sentence) for field, sentence in self.by_field.items()]

    def _entry(self, field: str, sentence: str) -> dict[str, str]:
        if field == WHOLE_FORM:
            return {"text": sentence}
        if f"{field}-day" in self._known_fields:
            return {"text": sentence, "href": f"#{field}-day"}
        return {"text": sentence, "href": f"#{field}"}


class SubmittedForm:
    """One form as it was sent, or as it is first shown (``SubmittedForm()``).

    Args:
        fields: field name to the texts that were sent; unknown names do no harm.
    """

    def __init__(self, fields: Mapping[str, str] | MultiDict[str, str] | None = None) -> None:
        self._fields: MultiDict[str, str] = MultiDict(fields or {})
        self._problems: dict[str, str] = {}
        self._status_of_refusal: int | None = None

    @property
    def status(self) -> int:
        """The HTTP status of the page that shows this form: 200 until something is wrong with it."""
        return self._status_of_refusal or (422 if self._problems else 200)

    @property
    def problems(self) -> Problems:
        """What is wrong so far."""
        return Problems(self._problems, self._fields.keys())

    def value(self, name: str) -> str:
        """What was typed, for showing it again."""
        return self._fields.get(name, "")

    def values(self, name: str) -> list[str]:
        """Everything that was ticked under one name."""
        return self._fields.getlist(name)

    def keep(self, name: str, value: str) -> None:
        """Hold a value that the page carries on, as if it had been sent."""
        self._fields[name] = value

    def problem(self, name: str) -> str | None:
        """The sentence at this field, if something is wrong with it."""
        return self._problems.get(name)

    def refuse(self, name: str, sentence: str) -> None:
        """Say what is wrong with a field; the first sentence stays."""
        self._problems.setdefault(name, sentence)

    def add_problems(self, refusal: Refusal) -> None:
        """Take over why a use case refused, so that the page can say it and nothing typed is lost.

        Raises:
            NotPermitted, NotFound: as they are given; no answer on this page would help.
        """
        if type(refusal) in (NotPermitted, NotFound):
            raise refusal
        if isinstance(refusal, InvalidInput):
            for name, sentence in refusal.problems.items():
                self.refuse(name, sentence)
        else:
            self.refuse(WHOLE_FORM, str(refusal))
            self._status_of_refusal = status_of(refusal)

    def text(self, name: str, *, missing: str | None = None, longest: int = 100) -> str:
        """One line of text, spaces trimmed, in Unicode's composed form (NFC).

        Args:
            missing: the sentence when nothing was typed; None when the field may be empty.
            longest: the most characters.
        """
        typed = unicodedata.normalize("NFC", self.value(name)).strip()
        if not typed and missing:
            self.refuse(name, missing)
        if len(typed) > longest:
            self.refuse(name, f"Use {longest} characters or fewer.")
        if any(unicodedata.category(character) == "Cc" and character not in "\r\n\t" for character in typed):
            self.refuse(name, "Remove the characters that cannot be printed.")
        return typed

    def search_text(self, missing: str) -> str:
        """What was searched for, in the field ``q``; empty when the page was only opened.

        Args:
            missing: the sentence when somebody pressed Search and had typed nothing.
        """
        return self.text("q", missing=missing if "q" in self._fields else None)

    def choices(self, name: str, offered: Collection[str]) -> tuple[str, ...]:
        """Those of the values ticked that the page offered, each once, in the order sent."""
        return tuple(dict.fromkeys(value for value in self.values(name) if value in offered))

    def choice(self, name: str, offered: Collection[str], missing: str) -> str:
        """One of the values that the page offered."""
        chosen = self.value(name)
        if chosen not in offered:
            self.refuse(name, missing)
        return chosen

    def is_ticked(self, name: str) -> bool:
        """Whether a checkbox was ticked."""
        return self.value(name) == "yes"

    def day(self, name: str, *, what: str, missing: str | None) -> date | None:
        """A date from the three boxes ``name-day``, ``name-month`` and ``name-year``.

        A month may be a name (``May``, ``february``), and a whole date may be in the first box
        alone, as it is pasted from elsewhere (``1/2/1990``, ``1990-02-01``).

        Args:
            what: the date's name at the beginning of a sentence, "The date of birth".
            missing: the sentence when all three are empty; None when there need not be a date.
        """
        parts = [self.value(f"{name}-{part}").strip() for part in _DAY_PARTS]
        if not any(parts):
            if missing:
                self.refuse(name, missing)
            return None
        try:
            return _date_from_parts(parts)
        except ValueError:
            self.refuse(name, f"{what} must be a real date, with a year of four digits, such as 27 3 1985.")
            return None

    def require_no_problems(self) -> None:
        """Refuse the form when anything is wrong with it.

        Raises:
            InvalidInput: with every problem found, by field.
        """
        if self._problems:
            raise InvalidInput(self._problems)


def _date_from_parts(parts: list[str]) -> date:
    if not any(parts[1:]):
        parts = _pasted(parts[0])
    day, month, year = _number(parts[0]), _month(parts[1]), _number(parts[2])
    if year < 1900:
        raise ValueError("a year has four digits")
    return date(year, month, day)


def _pasted(text: str) -> list[str]:
    parts = _BETWEEN_PARTS.split(text)
    if len(parts) != 3:
        raise ValueError("a date has three parts")
    return parts[::-1] if len(parts[0]) == 4 else parts


def _month(text: str) -> int:
    """By number, or by name, whole or in short."""
    word = text.casefold()
    named = [month for month, name in enumerate(_MONTHS, start=1) if len(word) > 2 and name.startswith(word)]
    return named[0] if named else _number(text)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else -1
