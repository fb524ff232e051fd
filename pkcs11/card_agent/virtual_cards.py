"""The card and desk ports on ``virtual_card``: cards in software (SoftHSM) and a desk kept in a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import cryptoki
import virtual_card
from card_agent.errors import CardFault, CardRemoved, KeysNotOnCard, LastTry, Refusal
from card_agent.kept_process import require_agent_alive
from card_agent.logged_in_token import (
    BLANK,
    LoggedInToken,
    contents_of,
    first_that_fits,
    token_errors,
)
from card_agent.pin import Pin, random_pin
from card_agent.ports import (
    Card,
    CardContents,
    Desk,
    KeyProof,
    KeySet,
    LoggedInCard,
    PublicKeys,
    Purpose,
    ReaderState,
)

_SO_PIN_DIGITS = 16
# The lock of the card, and SoftHSM's files by which its processes tell each other of changes.
_CHANGED_BY_READING = ("lock", "token.lock", "generation")


@dataclass(frozen=True)
class VirtualCardOpener:
    """Opens a card of the desk in ``desk_folder`` by its serial. Goes to the card process by pickling."""

    desk_folder: Path

    def __call__(self, serial: str, reader: str = "") -> Card:
        """Return the card. Raises CardMissing when the desk has no such card."""
        return _VirtualCardPort(virtual_card.Desk(self.desk_folder), serial)


class VirtualDesk:
    """The desk of the folder, as the pages see it."""

    def __init__(self, folder: Path) -> None:
        self._desk = virtual_card.Desk(folder)

    @property
    def has_drawer(self) -> bool:
        """Cards in software are moved on the page."""
        return True

    def readers(self) -> Sequence[ReaderState]:
        """Return both readers."""
        with refusals():
            readers = self._desk.readers()
        return [
            ReaderState(reader.position, reader.name, reader.card.serial if reader.card else None)
            for reader in readers
        ]

    def drawer(self) -> Sequence[str]:
        """Return the serials of the cards in no reader."""
        inserted = {state.card_serial for state in self.readers()}
        return [card.serial for card in self._desk.cards() if card.serial not in inserted]

    def insert(self, reader: str, serial: str) -> None:
        """Insert a card of the drawer. Raises Refusal."""
        with refusals():
            self._desk.insert(reader, serial)

    def remove(self, reader: str) -> None:
        """Take the card out. Raises Refusal for an unknown reader."""
        with refusals():
            self._desk.remove(reader)

    def take_blank(self, reader: str) -> str:
        """Insert a new blank card and return its serial. Raises Refusal."""
        if any(state.reader == reader and state.card_serial for state in self.readers()):
            raise Refusal("There is a card in this reader. Remove it first.")
        with refusals():
            card = self._desk.take_blank_card(profile="softhsm")
            self._desk.insert(reader, card.serial)
        return card.serial

    def fingerprint(self, serial: str) -> object:
        """Return a value that changes with the card's files; what changes by reading alone is left out."""
        with refusals():
            folder = self._desk.card(serial).folder
        paths = (path for path in folder.rglob("*") if path.name not in _CHANGED_BY_READING)
        return max(map(_changed_at, paths), default=0)


class _VirtualCardPort:
    """The Card port on one virtual card, in a card process."""

    def __init__(self, desk: virtual_card.Desk, serial: str) -> None:
        self._desk = desk
        self._card = desk.card(serial)
        self._held: virtual_card.OpenedCard | None = None
        self._ahead: tuple[virtual_card.OpenedCard, ExitStack] | None = None

    def open_ahead(self) -> None:
        """Load the module, and keep the card from others, for the call that comes next."""
        with ExitStack() as stack:
            opened = stack.enter_context(self._opened())
            self._ahead = opened, stack.pop_all()

    def close_ahead(self) -> None:
        """Finalise a module that no call has taken."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead[1].close()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the module loaded, and the card from others, until the block ends."""
        with self._opened() as self._held:
            try:
                yield
            finally:
                self._held = None

    def contents(self, keys: KeySet | None = None) -> CardContents:
        """Read the certificates; a card in the drawer can be read too, because the desk page names it."""
        with self._opened() as opened:
            found = opened.certificates_without_pin()
        return contents_of(found, self._card.tries_left(), keys)

    def proofs(self, keys: KeySet, public_keys: PublicKeys) -> Mapping[Purpose, KeyProof]:
        """Return nothing: SoftHSM proves nothing."""
        return {}

    @contextmanager
    def log_in(self, pin: Pin, *, consent_to_last_try: bool = False) -> Iterator[LoggedInCard]:
        """Log in as the holder."""
        self._require_in_reader()
        if self._card.tries_left() == 1 and not consent_to_last_try:
            raise LastTry(LastTry.SENTENCE)
        with self._opened() as opened, opened.login(pin.reveal()) as session:
            yield LoggedInToken(session)

    def initialise(self, so_pin: Pin, pin: Pin, earlier_so_pins: Sequence[Pin] = ()) -> bool:
        """Erase what an earlier, unfinished issuance left (SoftHSM: without a SO PIN), then initialise."""
        self._require_in_reader()
        with self._opened() as opened:
            if opened.is_initialised:
                opened.erase()
            opened.initialise(so_pin.reveal(), pin.reveal(), f"card {self._card.serial}")
        return True

    def unblock(self, so_pins: Sequence[Pin], new_pin: Pin, *, consent_to_last_try: bool = False) -> int:
        """Set the new PIN and give all tries back."""
        self._require_in_reader()
        pin = new_pin.reveal()
        with self._opened() as opened:
            known = (each.reveal() for each in so_pins)
            number, _ = first_that_fits(known, lambda so_pin: opened.unblock(so_pin, pin))
        return number

    def change_so_pin(self, present: Pin, following: Pin, *, consent_to_last_try: bool = False) -> None:
        """Change it by C_SetPIN."""
        self._require_in_reader()
        new = following.reveal()
        with self._opened() as opened:
            first_that_fits((present.reveal(),), lambda so_pin: opened.change_so_pin(so_pin, new))

    def clear(self, so_pins: Sequence[Pin], pin: Pin, *, consent_to_last_try: bool = False) -> Sequence[str]:
        """Erase everything, which takes no SO PIN here; look as its holder; and erase it again."""
        self._require_in_reader()
        with self._opened() as opened, random_pin(_SO_PIN_DIGITS) as so_pin:
            if opened.is_initialised:
                opened.erase()
            opened.initialise(so_pin.reveal(), pin.reveal(), f"card {self._card.serial}")
            with opened.login(pin.reveal()) as session:
                left = session.object_names()
            opened.erase()
            opened.card.tries.reset()
        return left

    @contextmanager
    def _opened(self) -> Iterator[virtual_card.OpenedCard]:
        if self._held is not None:
            with _card_errors():
                yield self._held
            return
        with _card_errors(), ExitStack() as stack:
            ahead, self._ahead = self._ahead, None
            if ahead is not None:
                stack.push(ahead[1])
            yield ahead[0] if ahead is not None else stack.enter_context(self._alone())

    @contextmanager
    def _alone(self) -> Iterator[virtual_card.OpenedCard]:
        profile = cryptoki.load_card_profiles()[self._card.profile]
        with virtual_card.open_card(self._card, profile) as opened:
            require_agent_alive()
            yield opened

    def _require_in_reader(self) -> None:
        inserted = {reader.card.serial for reader in self._desk.readers() if reader.card}
        if self._card.serial not in inserted:
            raise CardRemoved(
                f"Card {self._card.serial} was taken out of the reader. Insert it again, then go on."
            )


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what the desk refuses into the agent's own refusal, with the desk's sentence."""
    try:
        yield
    except virtual_card.errors.VirtualCardError as error:
        raise Refusal(str(error)) from error


@contextmanager
def _card_errors() -> Iterator[None]:
    """Turn the errors of the card and its module into the agent's own."""
    try:
        with token_errors():
            yield
    except virtual_card.errors.CardNotInitialised as error:
        raise KeysNotOnCard(BLANK) from error
    except virtual_card.errors.VirtualCardError as error:
        raise CardFault(str(error)) from error


def _changed_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0  # a file that a card process replaces just now


_DESK: type[Desk] = VirtualDesk  # states which port the class meets
