"""Whether a card was pulled or put in while it was worked on, by PC/SC's count of what came and went."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Final

import pcsc

_NOTICED_WITHIN_SECONDS: Final = 1.0


def movements(reader: str) -> int | None:
    """Return how often a card came or went in the reader of that name, or None when the reader is gone."""
    with suppress(pcsc.errors.PcscError), pcsc.Context() as context:
        return next((seen.events for seen in context.readers() if seen.name == reader), None)
    return None


def was_moved(reader: str, before: int | None) -> bool:
    """Say whether there were others than ``before``. pcscd looks at its readers a few times a second only."""
    deadline = time.monotonic() + _NOTICED_WITHIN_SECONDS
    while movements(reader) == before:
        if time.monotonic() > deadline:
            return False
        time.sleep(_NOTICED_WITHIN_SECONDS / 10)
    return True
