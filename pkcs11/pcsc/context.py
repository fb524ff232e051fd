"""A connection to pcscd, its readers, and cards in them."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from pcsc import winscard
from pcsc.errors import NoCard, NoReader

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
        scope = ctypes.c_ulong(winscard.SCOPE_SYSTEM)
        winscard.call("SCardEstablishContext", scope, None, None, ctypes.byref(self._handle))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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
        CardMute, CardInUse.
        """
        handle, protocol = ctypes.c_long(), ctypes.c_ulong()
        protocols = ctypes.c_ulong(winscard.PROTOCOL_T0 | winscard.PROTOCOL_T1)
        shared = ctypes.c_ulong(winscard.SHARE_SHARED)
        arguments = (reader.encode(), shared, protocols, ctypes.byref(handle), ctypes.byref(protocol))
        winscard.call("SCardConnect", self._handle, *arguments)
        after = ctypes.c_ulong(winscard.RESET_CARD if reset_after else winscard.LEAVE_CARD)
        try:
            winscard.call("SCardBeginTransaction", handle)
            yield Connection(handle, protocol.value)
        finally:
            # Ends the transaction too.
            winscard.call("SCardDisconnect", handle, after)

    def reset(self, reader: str) -> None:
        """Reset the card: whoever was logged in to it is logged out. Raises as connect()."""
        with self.connect(reader, reset_after=True):
            pass

    def _names(self) -> list[str]:
        length = ctypes.c_ulong()
        try:
            winscard.call("SCardListReaders", self._handle, None, None, ctypes.byref(length))
            names = ctypes.create_string_buffer(length.value)
            winscard.call("SCardListReaders", self._handle, None, names, ctypes.byref(length))
        except NoReader:
            return []
        return [name.decode() for name in names.raw[: length.value].split(b"\0") if name]


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
