"""The card port on cards in real readers, through the PKCS#11 module that the card's profile names.

All of this runs in a card process. The module is loaded for one operation, the token is found by its serial
(a slot number changes whenever a reader comes or goes), and however the operation ends, every session is
closed and the card is reset: as long as a card is unlocked, any program on the computer can have it sign.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cryptoki
import pcsc
from card_agent.card_process import require_agent_alive
from card_agent.errors import CardFault, CardRemoved, LastTry, PinIncorrect, PinLocked
from card_agent.logged_in_token import LoggedInToken, certificates_by_purpose, token_errors
from card_agent.pin import Pin
from card_agent.ports import Card, CardContents, KeyProof, KeySet, LoggedInCard, Purpose
from cryptoki import CardProfile, CardProof, Module, Session, Token
from cryptoki import errors as cryptoki_errors

_OPENSC_SETTINGS: Final = Path(__file__).with_name("opensc.conf")


@dataclass(frozen=True)
class TokenSeen:
    """A token in a reader, and the card profile by which it is driven."""

    reader: str
    serial: str
    profile: str


@dataclass(frozen=True)
class Scan:
    """What the modules show: the tokens, and by profile why its module cannot be used."""

    tokens: tuple[TokenSeen, ...]
    unusable: dict[str, str]


def scan(profiles: Sequence[str]) -> Scan:
    """Return the tokens in every reader. A card that two profiles drive is the first one's."""
    known, tokens, unusable = _profiles(), dict[str, TokenSeen](), dict[str, str]()
    for name in profiles:
        try:
            for token in _tokens_of(known[name]):
                tokens.setdefault(token.reader, token)
        except cryptoki_errors.CryptokiError as error:
            unusable[name] = str(error)
    return Scan(tuple(tokens.values()), unusable)


@dataclass(frozen=True)
class PcscCardOpener:
    """Opens a card in a reader by its serial. ``profiles`` are tried in order. Goes by pickling."""

    profiles: tuple[str, ...]

    def __call__(self, serial: str) -> Card:
        """Return the card. It is looked for when it is used."""
        known = _profiles()
        return PcscCard(serial, [known[name] for name in self.profiles])


class PcscCard:
    """The Card port on the card of that serial, in whichever reader it lies."""

    def __init__(self, serial: str, profiles: Sequence[CardProfile]) -> None:
        self._serial = serial
        self._profiles = profiles

    def contents(self) -> CardContents:
        """Read the certificates and how many tries are left."""
        with self._token() as found:
            with found.token.open() as session:
                certificates = certificates_by_purpose(session.certificates())
            return CardContents(certificates, found.tries_left())

    @contextmanager
    def log_in(self, pin: Pin, *, consent_to_last_try: bool = False) -> Iterator[LoggedInCard]:
        """Log in as the holder."""
        with self._token() as found, found.login(pin, consent_to_last_try) as session:
            yield LoggedInToken(session)

    def initialise(self, so_pin: Pin, pin: Pin, earlier_so_pins: Sequence[Pin] = ()) -> None:
        """Erase the card with one of its earlier SO PINs, or as a blank card, and give it the new PINs."""
        with self._token() as found:
            present = found.erase(so_pin.reveal(), [earlier.reveal() for earlier in earlier_so_pins])
            if present != so_pin.reveal():
                with found.token.login_so(present) as session:
                    session.set_pin(present, so_pin.reveal())
            with found.token.login_so(so_pin.reveal()) as session:
                session.init_pin(pin.reveal())

    def proofs(self, keys: KeySet) -> Mapping[Purpose, KeyProof]:
        """Read the card's proofs for the keys of the set."""
        with self._token() as found:
            read = {purpose: found.proof_of(keys.cka_id(purpose)) for purpose in Purpose}
        return {
            purpose: KeyProof(proof.kind.value, proof.evidence) for purpose, proof in read.items() if proof
        }

    @contextmanager
    def _token(self) -> Iterator[_Found]:
        require_agent_alive()
        for profile in self._profiles:
            with _loaded(profile) as module:
                found = _found(module, self._serial, profile)
                if found is not None:
                    with self._ended_in_order(found):
                        yield found
                    return
        raise _taken_out(self._serial)

    @contextmanager
    def _ended_in_order(self, found: _Found) -> Iterator[None]:
        before = _events_of(found.reader)
        try:
            with token_errors():
                yield
        except CardFault as fault:
            # A card pulled in the middle is a general error, a device error or a lost handle, by module.
            if _events_of(found.reader) != before:
                raise _taken_out(self._serial) from fault
            raise
        finally:
            with suppress(cryptoki_errors.CryptokiError):
                found.token.close_all_sessions()
            found.module.finalize()
            with suppress(pcsc.errors.PcscError), pcsc.Context() as context:
                context.reset(found.reader)


class _Found:
    """The card's token in this process."""

    def __init__(self, module: Module, reader: str, token: Token, profile: CardProfile) -> None:
        self.module = module
        self.reader = reader
        self.token = token
        self._profile = profile

    def tries_left(self) -> int:
        """Return how many PIN tries the card says are left."""
        return self.token.info.pin_tries_left(_PIN_TRIES)

    @contextmanager
    def login(self, pin: Pin, consent_to_last_try: bool) -> Iterator[Session]:
        """Log in; a wrong PIN says how many tries the card still allows."""
        if self.tries_left() == 1 and not consent_to_last_try:
            raise LastTry(LastTry.SENTENCE)
        try:
            session = self.token.login(pin.reveal(), consent_to_last_try=True)
        except (cryptoki_errors.PinIncorrect, cryptoki_errors.PinLocked) as error:
            tries_left = self.tries_left()
            if tries_left == 0 or isinstance(error, cryptoki_errors.PinLocked):
                raise PinLocked(PinLocked.SENTENCE) from error
            raise PinIncorrect.with_tries_left(tries_left) from error
        with session:
            yield session

    def proof_of(self, cka_id: bytes) -> CardProof | None:
        """Return the card's proof that it made the key with that CKA_ID."""
        with self.token.open() as session:
            public_key = session.public_key(cka_id=cka_id)
        return cryptoki.read_proof(self._profile.attestation, self.token, self.reader, public_key, cka_id)

    def erase(self, new_so_pin: str, earlier: Sequence[str]) -> str:
        """C_InitToken; return the SO PIN that the card has now.

        A blank card takes any; a card that was begun before takes its own only, and counts wrong ones.
        """
        label = f"card {self.token.info.serial}"
        if not earlier and self.token.info.label.startswith(label):
            raise CardFault(
                "This card was begun by a desk that was stopped, and its SO PIN is not known here. "
                "Undo this issuance on the site and begin a new one with another card."
            )
        for so_pin in (*reversed(earlier), new_so_pin):
            try:
                self.token.reinitialise(so_pin, label)
            except cryptoki_errors.PinIncorrect as error:
                refused = error
            else:
                return so_pin
        raise refused


_PIN_TRIES: Final = 3


def _profiles() -> dict[str, CardProfile]:
    return dict(cryptoki.load_card_profiles())


@contextmanager
def _loaded(profile: CardProfile) -> Iterator[Module]:
    os.environ["OPENSC_CONF"] = str(_OPENSC_SETTINGS)
    with token_errors():
        module = Module.load(profile.module, template=profile.template)
    try:
        yield module
    finally:
        module.finalize()


def _tokens_of(profile: CardProfile) -> list[TokenSeen]:
    with _loaded(profile) as module:
        return [
            TokenSeen(slot.description.strip(), slot.token.info.serial, profile.name)
            for slot in module.slots()
            if slot.token and slot.token.info.serial
        ]


def _found(module: Module, serial: str, profile: CardProfile) -> _Found | None:
    with token_errors():
        for slot in module.slots():
            if slot.token and slot.token.info.serial == serial:
                return _Found(module, slot.description.strip(), slot.token, profile)
    return None


def _events_of(reader: str) -> int | None:
    """Return how often a card came or went there, or None when the reader is gone."""
    with suppress(pcsc.errors.PcscError), pcsc.Context() as context:
        return next((seen.events for seen in context.readers() if seen.name == reader), None)
    return None


def _taken_out(serial: str) -> CardRemoved:
    return CardRemoved(f"Card {serial} was taken out of the reader. Insert it again, then go on.")
