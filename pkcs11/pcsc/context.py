"""A connection to pcscd, its readers, and cards in them."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Final, Self

from pcsc import winscard
from pcsc.errors import NoCard, NoReader, PcscError
from pcsc.waiting import Wait

FREE_WITHIN_SECONDS = 10
"""How long another program may have a card for itself before it is said to be in use."""
_STATUS_WORD: Final = 2
_REMOVED: Final = 0x80100069


@dataclass(frozen=True)
class ReaderStatus:
    """A reader at one moment. ``atr`` is empty without a card, or when the card is mute.

    ``state`` is what pcscd said (SCARD_STATE_*), for waiting until it changes.
    """

    name: str
    atr: bytes
    state: int

    @property
    def has_card(self) -> bool:
        """Whether a card lies in the reader."""
        return bool(self.state & winscard.STATE_PRESENT)

    @property
    def events(self) -> int:
        """How often a card came or went since pcscd started: another number is another card."""
        return self.state >> winscard.EVENTS_SHIFT

    @property
    def is_mute(self) -> bool:
        """Whether the card in it does not answer."""
        return bool(self.state & winscard.STATE_MUTE)


class Context:
    """A connection to pcscd. Not thread-safe. Raises NoPcscd."""

    def __init__(self) -> None:
        self._handle = ctypes.c_long()
        self._waiting: Wait | None = None
        scope = ctypes.c_ulong(winscard.SCOPE_SYSTEM)
        winscard.call("SCardEstablishContext", scope, None, None, ctypes.byref(self._handle))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._waiting is None or not self._waiting.is_given_up:
            winscard.call("SCardReleaseContext", self._handle)

    def readers(self) -> list[ReaderStatus]:
        """Every reader, in pcscd's order; none when none is connected."""
        names = self._names()
        return self.changed([ReaderStatus(name, b"", winscard.STATE_UNAWARE) for name in names], 0)

    def changed(self, known: Sequence[ReaderStatus], timeout_seconds: float) -> list[ReaderStatus]:
        """The readers as they are once one differs from ``known``.

        Raises PcscError with code 0x8010000A when nothing changes in time, NoReader when one is gone.
        """
        if not known:
            return []
        states = (winscard.ReaderState * len(known))()
        for state, status in zip(states, known, strict=True):
            state.reader, state.current_state = status.name.encode(), status.state
        timeout = ctypes.c_ulong(int(timeout_seconds * 1000))
        winscard.call("SCardGetStatusChange", self._handle, timeout, states, ctypes.c_ulong(len(known)))
        return [
            ReaderStatus(
                status.name, bytes(state.atr[: state.atr_length]), state.event_state & ~winscard.STATE_CHANGED
            )
            for state, status in zip(states, known, strict=True)
        ]

    @contextmanager
    def connect(self, reader: str, *, reset_after: bool = False) -> Iterator[Connection]:
        """The card in the reader, shared with others, and for this program alone until the block ends.

        ``reset_after`` resets the card at the end, which logs everybody out. Raises NoCard, NoReader,
        CardMute; CardInUse when another program has the card for itself and does not let go in time.
        """
        handle, protocol = ctypes.c_long(), ctypes.c_ulong()
        self._waiting = Wait(
            partial(self._have_to_itself, reader, handle, protocol), partial(self._give_back, handle)
        )
        self._waiting.wait(FREE_WITHIN_SECONDS)
        after = winscard.RESET_CARD if reset_after else winscard.LEAVE_CARD
        try:
            yield Connection(handle, protocol.value)
        finally:
            _disconnect(handle, after)

    def reset(self, reader: str) -> None:
        """Reset the card: whoever was logged in to it is logged out. Raises as connect()."""
        with self.connect(reader, reset_after=True):
            pass

    def _have_to_itself(self, reader: str, handle: ctypes.c_long, protocol: ctypes.c_ulong) -> None:
        protocols = ctypes.c_ulong(winscard.PROTOCOL_T0 | winscard.PROTOCOL_T1)
        shared = ctypes.c_ulong(winscard.SHARE_SHARED)
        arguments = (reader.encode(), shared, protocols, ctypes.byref(handle), ctypes.byref(protocol))
        winscard.call("SCardConnect", self._handle, *arguments)
        try:
            winscard.call("SCardBeginTransaction", handle)
        except PcscError:
            _disconnect(handle, winscard.LEAVE_CARD)
            raise

    def _give_back(self, handle: ctypes.c_long) -> None:
        """What came too late. The context was in use as long, so it ends here and not in __exit__()."""
        with suppress(PcscError):
            _disconnect(handle, winscard.LEAVE_CARD)
        with suppress(PcscError):
            winscard.call("SCardReleaseContext", self._handle)

    def _names(self) -> list[str]:
        length = ctypes.c_ulong()
        try:
            winscard.call("SCardListReaders", self._handle, None, None, ctypes.byref(length))
            names = ctypes.create_string_buffer(length.value)
            winscard.call("SCardListReaders", self._handle, None, names, ctypes.byref(length))
        except NoReader:
            return []
        return [name.decode() for name in names.raw[: length.value].split(b"\0") if name]


def _disconnect(handle: ctypes.c_long, after: int) -> None:
    """Ends the transaction too."""
    winscard.call("SCardDisconnect", handle, ctypes.c_ulong(after))


class Connection:
    """A card that this program has connected to. Made by Context.connect."""

    def __init__(self, handle: ctypes.c_long, protocol: int) -> None:
        self._handle = handle
        self._protocol = protocol

    def transmit(self, apdu: bytes) -> bytes:
        """The card's answer, with the status word in its last two octets. Raises NoCard, CardWasReset."""
        request = winscard.IoRequest(self._protocol, ctypes.sizeof(winscard.IoRequest))
        answer = ctypes.create_string_buffer(winscard.LONGEST_ANSWER)
        length = ctypes.c_ulong(len(answer))
        size = ctypes.c_ulong(len(apdu))
        winscard.call(
            "SCardTransmit",
            self._handle,
            ctypes.byref(request),
            apdu,
            size,
            None,
            answer,
            ctypes.byref(length),
        )
        if length.value < _STATUS_WORD:
            # Some drivers report a card that is pulled in the middle of a command as no answer at all.
            raise NoCard("SCardTransmit", _REMOVED)
        return answer.raw[: length.value]
