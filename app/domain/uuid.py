"""The 12-digit ids of the spine: people, their places in organisations, role profiles, positions.

Current series: nine digits, ``10``, one check digit. The check digit is a Luhn sum of the first eleven
digits, not complemented, with weight 1 on the eleventh. Older series: nine digits, ``98``, and the check
digit of an NHS number. Both are derived from published ids, not from a specification, so a wrong check digit
is a warning when somebody types an id, and never a reason to refuse one that exists.
"""

from __future__ import annotations


def check_digit(first_eleven: str) -> str:
    """The twelfth digit of the current series, from the first eleven."""
    return str(sum(_luhn_weighted(digit, place) for place, digit in enumerate(reversed(first_eleven))) % 10)


def _luhn_weighted(digit: str, place_from_right: int) -> int:
    weighted = int(digit) * (1 + place_from_right % 2)
    return weighted - 9 if weighted > 9 else weighted


def id_of(number: int) -> str:
    """The id of the current series for a number of at most nine digits.

    Raises:
        ValueError: the number has more than nine digits; a new series is needed.
    """
    if not 0 < number < 1_000_000_000:
        raise ValueError(f"the series of 12-digit ids ends at 999999999, not {number}")
    first_eleven = f"{number:09d}10"
    return first_eleven + check_digit(first_eleven)


def check_digit_is_right(identifier: str) -> bool | None:
    """Whether the check digit fits; None when the id belongs to a series without a known rule."""
    match identifier[9:11]:
        case "10":
            return check_digit(identifier[:11]) == identifier[11]
        case "98":
            return _nhs_number_check_digit(identifier[:9]) == identifier[11]
        case _:
            return None


def _nhs_number_check_digit(first_nine: str) -> str:
    weighted = (int(digit) * weight for digit, weight in zip(first_nine, range(10, 1, -1), strict=True))
    remainder = sum(weighted) % 11
    return {0: "0", 1: "X"}.get(remainder, str(11 - remainder))


def compact_id(text: str) -> str:
    """An id as it is kept, from how people write it: ``7100 0001 2105``, ``7100-0001-2105``."""
    return "".join(text.replace("-", " ").split())


def mistyped_notice(text: str) -> str | None:
    """A sentence for whoever typed an id that is probably mistyped; None when nothing looks wrong."""
    digits = compact_id(text)
    if not digits.isascii() or not digits.isdigit():
        return None
    if len(digits) != 12:
        return f"A user id (UUID) has 12 digits; you typed {len(digits)}. Check it against the smartcard."
    if check_digit_is_right(digits) is False:
        return f"{digits} may be mistyped: its last digit does not fit the others. Check the smartcard."
    return None
