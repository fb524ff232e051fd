"""What the agent needs of a card and of the desk.

``virtual_cards`` implements it on cards in a folder, ``pcsc_cards`` and ``readers_desk`` on cards in real
readers, and ``emulated_desk`` on readers whose cards are emulated.

A ``Card`` lives in a card process (``card_process``); the agent's own process only ever holds a ``Desk`` and
the values below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec

from card_agent.pin import Pin


class Purpose(StrEnum):
    """What a key pair on the card is for. The value is the CKA_LABEL of its objects."""

    AUTHENTICATION = "authentication"
    CONTENT_COMMITMENT = "content-commitment"


class KeySet(Enum):
    """Where on the card a key pair for each purpose lies. There is room for two sets: the one in use, and the
    one that a renewal makes beside it.
    """

    FIRST = 1
    SECOND = 2

    def cka_id(self, purpose: Purpose) -> bytes:
        """Return the CKA_ID of the key pair and of its certificate.

        On a PIV card they are slots: 1 and 2 are 9A and 9C, 5 and 6 retired slots. 3 and 4 are left out,
        because 4 is slot 9E, whose key signs without a PIN.
        """
        first = 1 if self is KeySet.FIRST else 5
        return bytes([first + (purpose is Purpose.CONTENT_COMMITMENT)])

    @property
    def other(self) -> KeySet:
        """Return the set beside this one."""
        return KeySet.SECOND if self is KeySet.FIRST else KeySet.FIRST


PublicKeys = Mapping[Purpose, ec.EllipticCurvePublicKey]


@dataclass(frozen=True)
class CardContents:
    """What a card shows without a PIN: DER certificates by purpose, of the set ``keys``; PIN tries left."""

    certificates: Mapping[Purpose, bytes]
    tries_left: int
    keys: KeySet = KeySet.FIRST


@dataclass(frozen=True)
class KeyProof:
    """The card's own proof that it made a key: by which method (piv, smartcard-hsm), and its octets."""

    method: str
    proof: tuple[bytes, ...]


@dataclass(frozen=True)
class ReaderState:
    """A reader of the desk: its name in the desk's files, its name on the page, and the card in it.

    ``trouble`` is a sentence when something lies in the reader that cannot be used, else empty.
    """

    reader: str
    name: str
    card_serial: str | None
    trouble: str = ""


class LoggedInCard(Protocol):
    """A card whose PIN was entered, until the block of log_in() ends."""

    @property
    def in_use(self) -> KeySet:
        """Return the set whose certificates are the newest; the first on a card without any."""

    def private_key(self, purpose: Purpose, keys: KeySet | None = None) -> ec.EllipticCurvePrivateKey:
        """Return the key that signs on the card, of the set in use unless said. Raises KeysNotOnCard."""

    def holds_key_of(
        self, purpose: Purpose, public_key: ec.EllipticCurvePublicKey, keys: KeySet | None = None
    ) -> bool:
        """Say whether the private key, of the set in use unless said, is this one's.

        A card that shows no public half signs something with it; False where it does not do that either.
        """

    def may_hold_key_of(self, purpose: Purpose, public_key: ec.EllipticCurvePublicKey, keys: KeySet) -> bool:
        """Say whether the key is this one's, or lost its public half, with which some modules cannot tell.

        Whose that is can be told once its certificate is on the card: it is to sign then.
        """

    def generate(self, purpose: Purpose, keys: KeySet = KeySet.FIRST) -> Mapping[str, bool]:
        """Generate the key pair on the card; return what the module claims about the private key."""

    def write(self, purpose: Purpose, certificate: bytes, keys: KeySet = KeySet.FIRST) -> None:
        """Write the DER certificate with the key's CKA_ID, in place of any certificate of that CKA_ID."""

    def clear(self, keys: KeySet, *, for_new_keys: bool = False) -> None:
        """Destroy every key and certificate of the set; nothing happens when there is none.

        ``for_new_keys``: a key that the card cannot destroy may stay, because the next takes its place.
        """


class Card(Protocol):
    """One card in a reader. Every method may raise CardRemoved or CardFault."""

    def open_ahead(self) -> None:
        """Open the card for the next call, which then need not wait for it; closed again by that call's end.

        Nobody is logged in meanwhile. Raises CardRemoved or CardFault.
        """

    def close_ahead(self) -> None:
        """Close what was opened ahead when no call took it; else nothing happens."""

    def held(self) -> AbstractContextManager[None]:
        """Keep the card open until the block ends: its module is loaded once for what is called inside.

        Outside such a block each call loads the module anew, and so reads the card anew.
        """

    def contents(self, keys: KeySet | None = None) -> CardContents:
        """Return what the card shows without a PIN, of the set in use unless said."""

    def log_in(self, pin: Pin, *, consent_to_last_try: bool = False) -> AbstractContextManager[LoggedInCard]:
        """Log in as the holder until the block ends. Raises PinIncorrect, PinLocked or LastTry."""

    def initialise(self, so_pin: Pin, pin: Pin, earlier_so_pins: Sequence[Pin] = ()) -> bool:
        """Erase the card, set its SO PIN and the holder's PIN; return whether it has this SO PIN now.

        ``earlier_so_pins``, oldest first, are those that an unfinished run may have given it: a real card is
        erased with the SO PIN that it has. Raises BegunElsewhere for one that nobody here can erase or empty.
        """

    def proofs(self, keys: KeySet, public_keys: PublicKeys) -> Mapping[Purpose, KeyProof]:
        """Return the card's proofs that it made these keys of the set; nothing where the card proves nothing.

        To be asked for before certificates are written, which take the place of the proof on some cards.
        """

    def unblock(self, so_pins: Sequence[Pin], new_pin: Pin, *, consent_to_last_try: bool = False) -> int:
        """Set a new PIN as the SO; all tries are left again. The SO PINs are tried in turn.

        Returns which of them was the card's (from 0). Raises CardFault when the card has none of them, and
        SoLastTry before the last try of the SO PIN.
        """

    def change_so_pin(self, present: Pin, following: Pin, *, consent_to_last_try: bool = False) -> None:
        """Give the card another SO PIN. Raises CardFault when it has another present one, and SoLastTry."""

    def clear(self, so_pins: Sequence[Pin], pin: Pin, *, consent_to_last_try: bool = False) -> Sequence[str]:
        """Make the card blank again, with one of its SO PINs where that takes one.

        Returns what its module still lists to its holder, who has the PIN for that moment: class and CKA_ID
        of each object. Raises CardFault when the card has none of the SO PINs or is of a kind that cannot be
        cleared, and SoLastTry.
        """


class Desk(Protocol):
    """The readers, and the drawer of cards beside them where cards are software."""

    @property
    def has_drawer(self) -> bool:
        """Say whether cards are put in and taken out on the desk's page, and not by hand."""

    def readers(self) -> Sequence[ReaderState]:
        """Return the readers, first one first. Raises ReadersUnavailable."""

    def drawer(self) -> Sequence[str]:
        """Return the serials of the cards that lie in no reader."""

    def insert(self, reader: str, serial: str) -> None:
        """Put a card of the drawer in an empty reader. Raises Refusal."""

    def remove(self, reader: str) -> None:
        """Take the card out of the reader; an empty reader stays empty."""

    def take_blank(self, reader: str) -> str:
        """Put a new blank card in the empty reader and return its serial. Raises Refusal."""

    def fingerprint(self, serial: str) -> object:
        """Return a value that changes whenever the card's contents or tries change."""
