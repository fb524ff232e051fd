"""The desk port on the readers of this computer. People put the cards in and take them out by hand."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock

import pcsc
from card_agent.card_process import CardProcesses
from card_agent.errors import ReadersUnavailable, Refusal
from card_agent.ports import Desk, ReaderState
from card_agent.reader_scan import Scan, scan

# A card that was not recognised is looked at again after this time: it may have been put in only just now.
_UNKNOWN_FOR_SECONDS = 1.5
# What another program does to a card does not show in its reader, so a card is read again after this time.
_CONTENTS_FOR_SECONDS = 3.0

_MUTE = "The card does not answer. Take it out, turn it round, and insert it with the chip first."
_BY_HAND = "Cards are put into these readers, and taken out of them, by hand."


@dataclass(frozen=True)
class _Known:
    """What was found in a reader: ``serial`` is None for a card that no profile of this agent drives."""

    events: int
    serial: str | None
    looked_at: float


class ReadersDesk:
    """The readers that pcscd knows, with the cards in them that one of ``profiles`` drives.

    ``look`` asks the modules, in a card process.
    """

    has_drawer = False

    def __init__(
        self,
        profiles: Sequence[str],
        processes: CardProcesses,
        look: Callable[[Sequence[str]], Scan] = scan,
    ) -> None:
        self._profiles = tuple(profiles)
        self._processes = processes
        self._look = look
        self._known: dict[str, _Known] = {}
        self._unusable: dict[str, str] = {}
        self._lock = Lock()

    def readers(self) -> Sequence[ReaderState]:
        """Return the readers that are there now, by name. Raises ReadersUnavailable."""
        seen = _readers_seen()
        with self._lock:
            if not all(self._is_known(reader) for reader in seen):
                self._look_into(seen)
            return [self._state(reader) for reader in seen]

    def drawer(self) -> Sequence[str]:
        """Return nothing: nobody knows what lies in a real drawer."""
        return []

    def insert(self, reader: str, serial: str) -> None:
        """Refuse: only a hand can do it."""
        raise Refusal(_BY_HAND)

    def remove(self, reader: str) -> None:
        """Refuse: only a hand can do it."""
        raise Refusal(_BY_HAND)

    def take_blank(self, reader: str) -> str:
        """Refuse: only a hand can do it."""
        raise Refusal(_BY_HAND)

    def fingerprint(self, serial: str) -> object:
        """Return a value that changes when the card comes or goes, is logged in to, or after some seconds."""
        with self._lock:
            events = [known.events for known in self._known.values() if known.serial == serial]
        return events, self._processes.logins(serial), int(time.monotonic() / _CONTENTS_FOR_SECONDS)

    def _is_known(self, reader: pcsc.ReaderStatus) -> bool:
        known = self._known.get(reader.name)
        if not reader.has_card or reader.is_mute:
            return True
        if known is None or known.events != reader.events:
            return False
        return known.serial is not None or time.monotonic() - known.looked_at < _UNKNOWN_FOR_SECONDS

    def _look_into(self, seen: Sequence[pcsc.ReaderStatus]) -> None:
        found: Scan = self._processes.ask(partial(self._look, self._profiles))
        serials = {token.reader: token.serial for token in found.tokens}
        self._processes.lie_in({token.serial: token.reader for token in found.tokens})
        now = time.monotonic()
        self._unusable = dict(found.unusable)
        self._known = {
            reader.name: _Known(reader.events, serials.get(reader.name), now)
            for reader in seen
            if reader.has_card
        }

    def _state(self, reader: pcsc.ReaderStatus) -> ReaderState:
        known = self._known.get(reader.name)
        serial = known.serial if known and reader.has_card else None
        return ReaderState(_identifier(reader.name), reader.name, serial, self._trouble(reader, serial))

    def _trouble(self, reader: pcsc.ReaderStatus, serial: str | None) -> str:
        if not reader.has_card or serial:
            return ""
        return _MUTE if reader.is_mute else self._why_unknown()

    def _why_unknown(self) -> str:
        if self._unusable:
            missing = " ".join(self._unusable.values())
            return f"The card in this reader cannot be used, because its software is missing. {missing}"
        return (
            "The card in this reader is of no kind that this card agent works with "
            f"({', '.join(self._profiles)}). Take it out and use another card."
        )


def _readers_seen() -> list[pcsc.ReaderStatus]:
    """A connection of its own each time: any thread may ask, and a pcscd that was started again is found."""
    try:
        with pcsc.Context() as context:
            return sorted(context.readers(), key=lambda reader: reader.name)
    except pcsc.errors.LibraryMissing as error:
        raise ReadersUnavailable(ReadersUnavailable.NO_LIBRARY) from error
    except pcsc.errors.NoPcscd as error:
        raise ReadersUnavailable(ReadersUnavailable.NO_SERVICE) from error
    except pcsc.errors.PcscError:
        return []  # a reader was pulled out at this moment


def _identifier(name: str) -> str:
    """Return the reader's name as a word for the pages' forms and addresses."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


_DESK: type[Desk] = ReadersDesk  # states which port the class meets
