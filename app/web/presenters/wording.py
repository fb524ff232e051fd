"""How dates, times, names and states are written on every page, after the NHS digital service manual."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

#: The longest word that is kept whole in a table.
_LONGEST_WORD = 24
_LOCAL_TIME = ZoneInfo("Europe/London")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_PROCESSES = {
    "ca": "Certificate authority",
    "ca-operator": "Operator of the certificate authority",
    "cli": "Command line",
}


@dataclass(frozen=True)
class Tag:
    """A state in a coloured box: the words carry the meaning, the colour only helps."""

    text: str
    colour: str


@dataclass(frozen=True)
class Cell:
    """One cell of a table: text, perhaps as a link or behind a tag."""

    text: str = ""
    href: str = ""
    tag: Tag | None = None
    is_time: bool = False

    @property
    def has_long_word(self) -> bool:
        """Whether a word may have to be broken so that the table fits: a serial number, a digest."""
        return any(len(word) > _LONGEST_WORD for word in self.text.split())


@dataclass(frozen=True)
class Row:
    """One row of a summary list: what it is and its value, perhaps with a tag or a link."""

    key: str
    value: str = ""
    tag: Tag | None = None
    href: str = ""


@dataclass(frozen=True)
class TableOf:
    """A table: its caption in one of the design system's sizes, the heads of its columns, and its rows."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    when_empty: str = ""
    size: str = "m"


def day(value: date | None) -> str:
    """A date as people write it, ``27 March 1985``; nothing for None."""
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}" if value else ""


def moment(value: datetime | None) -> str:
    """A moment in the time of the United Kingdom, ``22 November 2026 at 4:05pm``; nothing for None."""
    return f"{day(value.astimezone(_LOCAL_TIME).date())} at {clock_time(value)}" if value else ""


def day_cell(value: date | None) -> Cell:
    """A day in a cell that keeps it readable beside wider ones."""
    return Cell(day(value), is_time=True)


def moment_cell(value: datetime | None) -> Cell:
    """A moment in a cell that keeps it readable beside wider ones."""
    return Cell(moment(value), is_time=True)


def clock_time(value: datetime) -> str:
    """The time of day in the United Kingdom, ``4:05pm``."""
    local = value.astimezone(_LOCAL_TIME)
    return f"{local.hour % 12 or 12}:{local.minute:02}{'am' if local.hour < 12 else 'pm'}"


def period(starts_on: date, ends_on: date | None) -> str:
    """``1 May 2026 to 30 April 2027``, or ``from 1 May 2026`` when there is no end."""
    return f"{day(starts_on)} to {day(ends_on)}" if ends_on else f"from {day(starts_on)}"


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 person``, ``2 people``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def grouped(number: str) -> str:
    """A 12-digit user id in groups of four, as it is read out: ``6560 0575 0104``."""
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))


def phone_number(digits: str) -> str:
    """A mobile number as it is read out, ``07700 900321``; another country's as it was given."""
    is_british = len(digits) == 11 and digits.startswith("0")
    return f"{digits[:5]} {digits[5:]}" if is_british else digits


def process_name(uid: str) -> str:
    """One of our programs, by the id it has in the audit: ``system:first-start`` as ``First start``."""
    name = uid.removeprefix("system:")
    return _PROCESSES.get(name) or sentence(name)


def sentence(code: str) -> str:
    """A code with underscores as words, ``key_compromise`` as ``Key compromise``."""
    return code.replace("_", " ").replace("-", " ").capitalize()
