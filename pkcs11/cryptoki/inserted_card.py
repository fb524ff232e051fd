"""A personal card, used as its card profile says: one flow for every kind of card.

What differs between kinds (who sets the PIN, how it is unblocked, whose login writes) stands in the profile.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pcsc
from cryptoki import errors, piv_management
from cryptoki.attestation_reading import CardProof, read_proof
from cryptoki.card_profile import CardProfile, PinSetting, SoPinChanging, Unblocking, Writing
from cryptoki.certificates import CertificateObject
from cryptoki.module import Module, Slot
from cryptoki.public_keys import PublicKey
from cryptoki.session import Session
from cryptoki.so_tries import so_tries_left
from cryptoki.token import Token

_CLEARED: Final = "cleared"
_PUK_DIGITS: Final = 8
_PUK_PURPOSE: Final = b"spine-ra PUK of the card with this SO PIN: "


@contextmanager
def inserted_card(
    profile: CardProfile, serial: str | None = None, *, softhsm_conf: Path | None = None
) -> Iterator[InsertedCard]:
    """The card of that serial, or the only one when none is given, for this process until the block ends.

    At the end every session is closed, and a card in a reader is reset, so that nobody uses its login.
    Raises TokenNotFound, SeveralTokensFound, ModuleNotUsable.
    """
    card: InsertedCard | None = None
    module = Module.load(profile.module, softhsm_conf=softhsm_conf, template=profile.template)
    try:
        card = InsertedCard(profile, module, serial)
        yield card
    finally:
        module.finalize()
        if card is not None:
            card.reset()


class InsertedCard:
    """A card that this process uses. Made by inserted_card.

    PINs are refused as by Token.login: PinIncorrect, PinLocked, and LastTryNeedsConsent before the last try.
    """

    def __init__(self, profile: CardProfile, module: Module, serial: str | None) -> None:
        self.profile = profile
        self._module = module
        slot = _slot(module, serial)
        assert slot.token is not None
        self.token: Token = slot.token
        self.reader = slot.description if profile.in_reader else ""

    @property
    def serial(self) -> str:
        """The serial that the card tells."""
        return self.token.info.serial

    def tries_left(self) -> int:
        """How many wrong PINs lock the card, as far as it tells; 0 is locked."""
        return self.token.info.pin_tries_left(self.profile.pin_tries)

    def so_tries_left(self) -> int | None:
        """How many wrong SO PINs lock the card for good; None when it does not tell."""
        return so_tries_left(self.profile.so_tries, self.reader)

    def initialise(self, so_pin: str, pin: str, label: str, *, present_so_pin: str | None = None) -> None:
        """Erase the card, give it this SO PIN and its holder this PIN.

        A card that was initialised before is erased with its ``present_so_pin`` only; one fresh from its
        maker needs none. Raises PinIncorrect for a wrong one, LastTryNeedsConsent when one try of it is
        left, PinLenRange.
        """
        self._check_length(pin)
        self._require_so_tries(consent_to_last_try=False)
        profile = self.profile
        blank = profile.blank_so_pin if self.is_cleared else so_pin
        present = present_so_pin or profile.factory_so_pin or blank
        self.token.reinitialise(present, label)
        if present != so_pin:
            self._set_so_pin(present, so_pin)
        if self.profile.writing is Writing.PIN_AS_SO_PIN:
            piv_management.keep_management_key_behind_pin(self.reader, so_pin)
        if self.profile.pin_setting is PinSetting.INIT_PIN:
            self._init_pin(so_pin, pin, consent_to_last_try=False)
        else:
            self._change_defaults(so_pin, pin)

    def login(self, pin: str, *, consent_to_last_try: bool = False) -> Session:
        """Log in as the holder, to sign."""
        self._check_length(pin)
        return self.token.login(pin, consent_to_last_try=consent_to_last_try)

    def login_to_write(self, pin: str, *, consent_to_last_try: bool = False) -> Session:
        """Log in as the holder, to make keys, sign, and write certificates."""
        if self.profile.writing is Writing.USER:
            return self.login(pin, consent_to_last_try=consent_to_last_try)
        self._check_length(pin)
        self.token.require_user_tries(consent_to_last_try=consent_to_last_try)
        return self.token.login_so(pin)

    def change_pin(self, old_pin: str, new_pin: str, *, consent_to_last_try: bool = False) -> None:
        """The holder sets a new PIN; a wrong old one is a try."""
        self._check_length(new_pin)
        with self.login(old_pin, consent_to_last_try=consent_to_last_try) as session:
            session.set_pin(old_pin, new_pin)

    def unblock(self, so_pin: str, new_pin: str, *, consent_to_last_try: bool = False) -> None:
        """Set a new PIN with the SO PIN; all tries are left afterwards.

        Raises PinIncorrect for a wrong SO PIN, LastTryNeedsConsent before its last try, and NotThisKindOfCard
        where PKCS#11 cannot unblock.
        """
        self._check_length(new_pin)
        self._require_so_tries(consent_to_last_try=consent_to_last_try)
        if self.profile.unblocking is Unblocking.INIT_PIN:
            self._init_pin(so_pin, new_pin, consent_to_last_try=consent_to_last_try)
        elif self.profile.unblocking is Unblocking.PUK:
            self._set_by_puk(f"puk:{puk_of(so_pin)}", f"pin:{new_pin}")
        else:
            raise errors.NotThisKindOfCard(f"A {self.profile.description} cannot be unblocked at the desk.")

    def change_so_pin(self, present: str, following: str, *, consent_to_last_try: bool = False) -> None:
        """Give the card another SO PIN; keys, certificates and the holder's PIN stay.

        Of a PIV card they are three things, changed one after the other: what was changed already, by a run
        that was cut off, is left alone. The PUK, which unblocks, comes last.

        Raises PinIncorrect for a wrong present one, LastTryNeedsConsent before its last try, and
        NotThisKindOfCard where the module cannot.
        """
        self._require_so_tries(consent_to_last_try=consent_to_last_try)
        if self.profile.so_pin_changing is SoPinChanging.SET_PIN:
            self._set_so_pin(present, following)
        elif self.profile.so_pin_changing is SoPinChanging.PIV:
            piv_management.change_management_key(self.token, present, following)
            piv_management.keep_management_key_behind_pin(self.reader, following)
            self._set_by_puk(f"puk:{puk_of(present)}", f"puk:{puk_of(following)}")
        else:
            raise errors.NotThisKindOfCard(f"A {self.profile.description} keeps its SO PIN.")

    @property
    def is_cleared(self) -> bool:
        """Whether it is a card that was cleared, and has the SO PIN of a blank one."""
        return self.token.info.label.startswith(_CLEARED)

    def clear(self, so_pin: str, pin: str, *, consent_to_last_try: bool = False) -> list[str]:
        """Erase the card, give it the SO PIN of a blank one and some PIN; what is still in it, as its holder.

        That is class and CKA_ID of every object that the module lists and that no blank card has.
        Done again after it was cut off, it takes the card as it finds it.

        Raises PinIncorrect for a wrong SO PIN, LastTryNeedsConsent, and NotThisKindOfCard where the card
        cannot be erased.
        """
        blank = self.profile.blank_so_pin
        if not blank:
            raise errors.NotThisKindOfCard(f"A {self.profile.description} cannot be cleared.")
        self._require_so_tries(consent_to_last_try=consent_to_last_try)
        self.token.reinitialise(so_pin, _CLEARED)
        if so_pin != blank:
            self._set_so_pin(so_pin, blank)
        if self.profile.pin_setting is PinSetting.INIT_PIN:
            self._init_pin(blank, pin, consent_to_last_try=False)
        else:
            with self.token.open(read_write=True) as session:
                session.set_pin(self.profile.default_pin, pin)
        with self.login(pin) as session:
            return [each for each in session.object_names() if each not in self.profile.blank_objects]

    def certificates(self) -> list[CertificateObject]:
        """The holder's certificates, by CKA_ID; needs no PIN."""
        with self.token.open() as session:
            found = session.certificates()
        return [each for each in found if self.is_holders(each)]

    def is_holders(self, found: CertificateObject) -> bool:
        """Whether a certificate that the module shows is the holder's, and not made up by the module.

        ykcs11 writes a self-issued one beside each key that it has made, until another takes its place.
        """
        is_named_so = self.profile.certificate_label.fullmatch(found.label) is not None
        return is_named_so and not found.is_self_issued

    def proof_of(self, public_key: PublicKey, cka_id: bytes) -> CardProof | None:
        """The card's own proof that it made the key; None where this kind of card proves nothing.

        To be read after the key was made and before its certificate is written, which may take its place.
        """
        return read_proof(self.profile.attestation, self.token, self.reader, public_key, cka_id)

    def reset(self) -> None:
        """Reset a card in a reader, which logs everybody out. A card that is gone is reset."""
        if self.reader:
            try:
                with pcsc.Context() as context:
                    context.reset(self.reader)
            except (pcsc.errors.NoCard, pcsc.errors.NoReader, pcsc.errors.CardWasReset):
                return

    def _require_so_tries(self, *, consent_to_last_try: bool) -> None:
        if not consent_to_last_try and self.so_tries_left() == 1:
            raise errors.LastTryNeedsConsent(
                "One try of the SO PIN is left; after it nobody can ever unblock the card. "
                "Use it only when a second person agrees."
            )

    def _set_so_pin(self, present: str, following: str) -> None:
        with self.token.login_so(present) as session:
            session.set_pin(present, following)

    def _init_pin(self, so_pin: str, pin: str, *, consent_to_last_try: bool) -> None:
        with self.token.login_so(so_pin, consent_to_last_try=consent_to_last_try) as session:
            session.init_pin(pin)

    def _change_defaults(self, so_pin: str, pin: str) -> None:
        profile = self.profile
        if profile.unblocking is Unblocking.PUK:
            self._set_by_puk(f"puk:{profile.default_puk}", f"puk:{puk_of(so_pin)}")
        with self.token.open(read_write=True) as session:
            session.set_pin(profile.default_pin, pin)

    def _set_by_puk(self, puk: str, new: str) -> None:
        """How Yubico's module takes a PUK: as an old PIN that begins with ``puk:``."""
        with self.token.open(read_write=True) as session:
            session.set_pin(puk, new)

    def _check_length(self, pin: str) -> None:
        if not self.profile.pin_minimum <= len(pin) <= self.profile.pin_maximum:
            raise errors.PinLenRange("C_Login")


def puk_of(so_pin: str) -> str:
    """The PUK of a card with this SO PIN: eight digits of its SHA-256, so that one escrow serves for both."""
    digest = hashlib.sha256(_PUK_PURPOSE + so_pin.encode()).digest()
    return str(int.from_bytes(digest, "big") % 10**_PUK_DIGITS).zfill(_PUK_DIGITS)


def _slot(module: Module, serial: str | None) -> Slot:
    """By serial, never by number: numbers change when readers and cards come and go."""
    slots = [slot for slot in module.slots() if slot.token is not None]
    if serial is None:
        # A module in software shows a blank token beside the one in use.
        slots = [slot for slot in slots if slot.token and slot.token.info.initialised] or slots
    else:
        slots = [slot for slot in slots if slot.token and slot.token.info.serial == serial]
    if not slots:
        raise errors.TokenNotFound(f"No card{f' {serial}' if serial else ''} lies in a reader.")
    if len(slots) > 1:
        raise errors.SeveralTokensFound(f"{len(slots)} cards lie in readers; say which is meant.")
    return slots[0]
