"""What the pages say about a card: whose it is and whether it can sign in. Read without a PIN."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.x509.oid import NameOID

from card_agent.card_operations import contents
from card_agent.card_process import CardProcesses
from card_agent.errors import CardAgentError
from card_agent.ports import CardContents, Desk, KeySet, Purpose, ReaderState

_COMMON_NAME = re.compile(r"(?P<uid>[0-9]{12})_(?P<name>.+)")


@dataclass(frozen=True)
class CardView:
    """A card and where it lies. ``holder_uid`` and ``holder_name`` are empty for a blank card.

    ``keys`` is the set that its certificates are of. ``trouble`` is a sentence when the card cannot be read,
    else empty. ``awaits_so_consent`` says that the last try of its SO PIN waits for a second person,
    ``would_unlock`` that it is to unlock the card.
    """

    serial: str
    place: str
    holder_uid: str = ""
    holder_name: str = ""
    tries_left: int = 0
    certificates: Mapping[Purpose, bytes] = field(default_factory=dict)
    keys: KeySet = KeySet.FIRST
    trouble: str = ""
    awaits_so_consent: bool = False
    would_unlock: bool = False

    @property
    def is_blank(self) -> bool:
        """Say whether the card can be read and holds no certificate."""
        return not self.certificates and not self.trouble

    @property
    def can_sign_in(self) -> bool:
        """Say whether the card holds an authentication certificate."""
        return Purpose.AUTHENTICATION in self.certificates

    @property
    def is_at_last_try(self) -> bool:
        """Say whether a wrong PIN would lock the card now."""
        return self.can_sign_in and self.tries_left == 1

    @property
    def is_locked(self) -> bool:
        """Say whether the card refuses every PIN."""
        return self.can_sign_in and self.tries_left == 0


@dataclass(frozen=True)
class ReaderView:
    """A reader and the card in it, if any. ``trouble`` says why what lies in it is no use."""

    reader: str
    name: str
    card: CardView | None
    trouble: str = ""


class CardViews:
    """Reads the cards of the desk for the pages, and remembers a card until it changes."""

    def __init__(self, desk: Desk, processes: CardProcesses) -> None:
        self._desk = desk
        self._processes = processes
        self._known: dict[str, tuple[object, CardContents]] = {}

    def readers(self) -> list[ReaderView]:
        """Return the readers with what is in them. Raises ReadersUnavailable."""
        return [
            ReaderView(state.reader, state.name, self._card_in(state), state.trouble)
            for state in self._desk.readers()
        ]

    def cards_in_readers(self) -> list[CardView]:
        """Return the cards that lie in a reader. Raises ReadersUnavailable."""
        return [reader.card for reader in self.readers() if reader.card]

    def lying(self) -> str:
        """Return what lies in which reader as one text, by which a page sees that a card came or went.

        Raises ReadersUnavailable.
        """
        states = self._desk.readers()
        return "; ".join(f"{state.reader}: {state.card_serial or state.trouble}" for state in states)

    def drawer(self) -> list[CardView]:
        """Return the cards that lie in no reader."""
        return [self._view(serial, "the drawer") for serial in self._desk.drawer()]

    def _card_in(self, state: ReaderState) -> CardView | None:
        return self._view(state.card_serial, state.name) if state.card_serial else None

    def _view(self, serial: str, place: str) -> CardView:
        try:
            read = self._contents(serial)
        except CardAgentError as error:
            return CardView(serial, place, trouble=str(error))
        uid, name = holder_on(read.certificates)
        tries = self._processes.so_last_tries
        return CardView(
            *(serial, place, uid, name, read.tries_left, read.certificates, read.keys),
            awaits_so_consent=tries.is_awaited(serial),
            would_unlock=tries.would_unlock(serial),
        )

    def _contents(self, serial: str) -> CardContents:
        fingerprint = self._desk.fingerprint(serial)
        known = self._known.get(serial)
        if known is None or known[0] != fingerprint:
            known = fingerprint, self._processes.run(serial, contents)
            self._known[serial] = known
        return known[1]


def holder_on(certificates: Mapping[Purpose, bytes]) -> tuple[str, str]:
    """Return the holder's uid and name from the certificates' common name ``<uid>_<Given>_<Family>``.

    A common name of another shape is returned whole as the name, with an empty uid.
    """
    for purpose in Purpose:
        if purpose in certificates:
            return _uid_and_name(certificates[purpose])
    return "", ""


def _uid_and_name(certificate: bytes) -> tuple[str, str]:
    subject = x509.load_der_x509_certificate(certificate).subject
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    common_name = str(names[0].value) if names else ""
    match = _COMMON_NAME.fullmatch(common_name)
    return (match["uid"], match["name"].replace("_", " ")) if match else ("", common_name)
