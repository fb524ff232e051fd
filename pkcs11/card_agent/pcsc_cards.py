"""The card port on cards in real readers, through the PKCS#11 module that the card's profile names.

All of this runs in a card process. The module is loaded for one operation, the token is found by its serial
(a slot number changes whenever a reader comes or goes), and however the operation ends, every session is
closed and the card is reset: as long as a card is unlocked, any program on the computer can have it sign.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

import cryptoki
import pcsc
from card_agent.errors import (
    BegunElsewhere,
    CardFault,
    CardRemoved,
    KeysNotOnCard,
    LastTry,
    PinIncorrect,
    PinLocked,
    SoLastTry,
    UnlockLastTry,
)
from card_agent.kept_process import require_agent_alive
from card_agent.logged_in_token import LoggedInToken, contents_of, first_that_fits, token_errors
from card_agent.opensc_settings import use_own_settings
from card_agent.pin import Pin
from card_agent.ports import Card, CardContents, KeyProof, KeySet, LoggedInCard, PublicKeys, Purpose
from card_agent.reader_movements import movements, was_moved
from card_agent.reader_scan import by_profile, readers_now
from cryptoki import CardProfile, InsertedCard, Session
from cryptoki import errors as cryptoki_errors

_NOT_MADE_ANEW = (
    "One try of this card's SO PIN is left, and the card is not made anew with it. "
    "Undo the issuance on the site and use another card."
)


@dataclass(frozen=True)
class PcscCardOpener:
    """Opens a card in a reader by its serial. Goes to the card process by pickling."""

    profiles: tuple[str, ...]

    def __call__(self, serial: str, reader: str = "") -> Card:
        """Return the card. It is looked for when it is used, in that reader first if one is given."""
        return PcscCard(serial, self.profiles, reader)


@dataclass(frozen=True)
class _Opened:
    """A card in use, how often one had come or gone in its reader before, and what closes it."""

    card: InsertedCard
    events: int | None
    closing: ExitStack


class PcscCard:
    """The Card port on the card of that serial, in whichever reader it lies."""

    def __init__(self, serial: str, profiles: Sequence[str], reader: str = "") -> None:
        self._serial = serial
        self._profiles = profiles
        self._reader = reader
        self._held: InsertedCard | None = None
        self._ahead: _Opened | None = None

    def open_ahead(self) -> None:
        """Load the module for the call that comes next."""
        self._ahead = self._opened(ExitStack())

    def close_ahead(self) -> None:
        """Finalise a module that no call has taken; the card is reset."""
        opened, self._ahead = self._ahead, None
        if opened is not None:
            opened.closing.close()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the module loaded until the block ends."""
        with self._inserted() as self._held:
            try:
                yield
            finally:
                self._held = None

    def contents(self, keys: KeySet | None = None) -> CardContents:
        """Read the certificates and how many tries are left."""
        with self._inserted() as card:
            return contents_of(card.certificates(), card.tries_left(), keys)

    @contextmanager
    def log_in(self, pin: Pin, *, consent_to_last_try: bool = False) -> Iterator[LoggedInCard]:
        """Log in as the holder, to sign and to write."""
        with self._inserted() as card, _logged_in(card, pin, consent_to_last_try) as session:
            yield LoggedInToken(session, card)

    def initialise(self, so_pin: Pin, pin: Pin, earlier_so_pins: Sequence[Pin] = ()) -> bool:
        """Erase the card with one of its earlier SO PINs, or as a blank card, and give it the new PINs.

        A blank card takes any SO PIN; one that was begun before takes its own only, and counts wrong ones. A
        desk that does not know it (it was stopped meanwhile) empties the card with the PIN that was chosen
        for it: it keeps its SO PIN, which the site has, and the answer is False.
        """
        label = f"card {self._serial}"
        with self._inserted() as card:
            is_begun = card.token.info.label.startswith(label)
            if earlier_so_pins or not is_begun:
                try:
                    _erase(card, label, so_pin.reveal(), pin.reveal(), earlier_so_pins)
                except cryptoki_errors.PinIncorrect:
                    if not is_begun:
                        raise
                except cryptoki_errors.LastTryNeedsConsent as error:
                    raise CardFault(_NOT_MADE_ANEW) from error
                else:
                    return True
            _empty(card, pin)
            return False

    def proofs(self, keys: KeySet, public_keys: PublicKeys) -> Mapping[Purpose, KeyProof]:
        """Read the card's proofs for the keys of the set."""
        with self._inserted() as card:
            read = {
                purpose: card.proof_of(public_key, keys.cka_id(purpose))
                for purpose, public_key in public_keys.items()
            }
        return {
            purpose: KeyProof(proof.kind.value, proof.evidence) for purpose, proof in read.items() if proof
        }

    def unblock(self, so_pins: Sequence[Pin], new_pin: Pin, *, consent_to_last_try: bool = False) -> int:
        """Set the new PIN in the way of this kind of card, which gives all tries back."""
        pin = new_pin.reveal()
        with self._inserted() as card, _so_last_try(UnlockLastTry):
            number, _ = first_that_fits(
                (each.reveal() for each in so_pins),
                lambda so_pin: card.unblock(so_pin, pin, consent_to_last_try=consent_to_last_try),
            )
        return number

    def change_so_pin(self, present: Pin, following: Pin, *, consent_to_last_try: bool = False) -> None:
        """Change it in the way of this kind of card."""
        new = following.reveal()
        with self._inserted() as card, _so_last_try(SoLastTry):
            first_that_fits(
                (present.reveal(),),
                lambda so_pin: card.change_so_pin(so_pin, new, consent_to_last_try=consent_to_last_try),
            )

    def clear(self, so_pins: Sequence[Pin], pin: Pin, *, consent_to_last_try: bool = False) -> Sequence[str]:
        """Erase it with its SO PIN; one that was erased by a run which was cut off has that of blank ones."""
        with self._inserted() as card, _so_last_try(SoLastTry):
            blank = card.profile.blank_so_pin
            known = [each.reveal() for each in so_pins]
            candidates = [blank, *known] if card.is_cleared else [*known, blank]
            _, left = first_that_fits(
                candidates,
                lambda so_pin: card.clear(so_pin, pin.reveal(), consent_to_last_try=consent_to_last_try),
            )
        return left

    @contextmanager
    def _inserted(self) -> Iterator[InsertedCard]:
        if self._held is not None:
            with token_errors():
                yield self._held
            return
        require_agent_alive()
        with ExitStack() as stack:
            opened = self._opened_ahead(stack) or self._opened(stack)
            try:
                with token_errors():
                    yield opened.card
            except CardRemoved as fault:
                raise _taken_out(self._serial) from fault
            except (CardFault, KeysNotOnCard) as fault:
                # A card pulled in the middle is a general error, a device error or a lost handle, by module;
                # or it shows no keys.
                if was_moved(opened.card.reader, opened.events):
                    raise _taken_out(self._serial) from fault
                raise

    def _opened_ahead(self, stack: ExitStack) -> _Opened | None:
        """What open_ahead() opened, unless the card was moved since."""
        opened, self._ahead = self._ahead, None
        if opened is None:
            return None
        if movements(opened.card.reader) != opened.events:
            opened.closing.close()
            return None
        stack.push(opened.closing)
        return opened

    def _opened(self, stack: ExitStack) -> _Opened:
        """Open the card by the first profile of a card in a reader whose module shows the serial."""
        readers = readers_now()
        # Where it is said to lie; if it does not, wherever it lies.
        for only in dict.fromkeys((self._reader, "")):
            for name, places in by_profile(readers, self._profiles).items():
                if only and only not in places:
                    continue
                use_own_settings(only, [each.name for each in readers])
                with suppress(CardRemoved), token_errors():
                    card = stack.enter_context(cryptoki.inserted_card(_profile(name), self._serial))
                    return _Opened(card, _events(readers, card.reader), stack)
        raise _taken_out(self._serial)


@contextmanager
def _so_last_try(kind: type[SoLastTry]) -> Iterator[None]:
    """Say that it is the SO PIN whose last try waits for consent, and what this kind of card cannot do."""
    try:
        yield
    except cryptoki_errors.LastTryNeedsConsent as error:
        raise kind(kind.SENTENCE) from error
    except cryptoki_errors.NotThisKindOfCard as error:
        raise CardFault(str(error)) from error


def _empty(card: InsertedCard, pin: Pin) -> None:
    try:
        with _logged_in(card, pin, consent_to_last_try=False) as session:
            for keys in KeySet:
                LoggedInToken(session, card).clear(keys)
    except (PinIncorrect, PinLocked, LastTry, cryptoki_errors.LastTryNeedsConsent) as refused:
        raise BegunElsewhere(BegunElsewhere.SENTENCE) from refused


def _erase(card: InsertedCard, label: str, so_pin: str, pin: str, earlier: Sequence[Pin]) -> None:
    candidates: list[str | None] = [each.reveal() for each in reversed(earlier)] or [None]
    for present in candidates:
        try:
            card.initialise(so_pin, pin, label, present_so_pin=present)
        except cryptoki_errors.PinIncorrect as error:
            refused = error
        else:
            return
    raise refused


@contextmanager
def _logged_in(card: InsertedCard, pin: Pin, consent_to_last_try: bool) -> Iterator[Session]:
    """Log in; a wrong PIN says how many tries the card still allows."""
    try:
        session = card.login_to_write(pin.reveal(), consent_to_last_try=consent_to_last_try)
    except (cryptoki_errors.PinIncorrect, cryptoki_errors.PinLocked) as error:
        tries_left = card.tries_left()
        if tries_left == 0 or isinstance(error, cryptoki_errors.PinLocked):
            raise PinLocked(PinLocked.SENTENCE) from error
        raise PinIncorrect.with_tries_left(tries_left) from error
    with session:
        yield session


def _events(readers: Sequence[pcsc.ReaderStatus], name: str) -> int | None:
    return next((reader.events for reader in readers if reader.name == name), None)


def _profile(name: str) -> CardProfile:
    return cryptoki.load_card_profiles()[name]


def _taken_out(serial: str) -> CardRemoved:
    return CardRemoved(f"Card {serial} was taken out of the reader. Insert it again, then go on.")
