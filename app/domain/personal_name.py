"""What a person's name may be: as on the photo document, and such that a certificate can hold it."""

from __future__ import annotations

import unicodedata

PUNCTUATION = frozenset(" '’-.")
"""What stands between the letters of names: O’Neill, Smith-Jones, St. John."""

_LONGEST = 100


def is_name(text: str) -> bool:
    """Whether the text can be a name: letters of any script, and what stands between them.

    The certificate authority certifies nothing else, so that what is refused here is not refused at the desk,
    when the card is issued.
    """
    name = written_name(text)
    return 0 < len(name) <= _LONGEST and name[0].isalpha() and all(_may_stand_in(each) for each in name)


def _may_stand_in(character: str) -> bool:
    return character in PUNCTUATION or unicodedata.category(character)[0] in "LM"


def written_name(text: str) -> str:
    """The name as it is kept: in normal form C, with single plain spaces, however it was pasted."""
    composed = unicodedata.normalize("NFC", text.strip())
    plain = (" " if unicodedata.category(each) == "Zs" else each for each in composed)
    return " ".join(filter(None, "".join(plain).split(" ")))
