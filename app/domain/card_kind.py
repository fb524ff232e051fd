"""Kinds of card, as the registration authority knows them: the parts of a card profile that it needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_PLACES = {"N": "[0-9]", "A": "[0-9A-Z]"}


@dataclass(frozen=True)
class CardKind:
    """One kind of card.

    Attributes:
        name: of its card profile, e.g. ``smartcard-hsm``.
        back_number: how the number on the back is written, e.g. ``NNNN NNNN NNNN``: N for a digit, A for a
            letter or digit, anything else as it stands.
    """

    name: str
    description: str
    back_number: str

    def is_back_number(self, text: str) -> bool:
        """Whether the text, in capitals and without what stands between, is a back number of this kind."""
        places = [_PLACES[each] for each in self.back_number if each in _PLACES]
        return re.fullmatch("".join(places), text) is not None

    def written(self, number: str) -> str:
        """A back number as the card shows it; one of another form as it is."""
        if not self.is_back_number(number):
            return number
        characters = iter(number)
        return "".join(next(characters) if each in _PLACES else each for each in self.back_number)


def bare_back_number(text: str) -> str:
    """A back number in capitals, without blanks and hyphens, as it is stored."""
    return re.sub(r"[\s-]", "", text).upper()


def parse(document: Mapping[str, Any]) -> Mapping[str, CardKind]:
    """The kinds of ``config/card_profiles.toml``, by name. The card agent checks the file as a whole."""
    return {
        name: CardKind(name, table["description"], table["back_number"]) for name, table in document.items()
    }
