"""A card in use by this process: PINs, keys and certificates."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from cryptoki import CardProfile, CertificateObject, Module, Session, Token, errors, prepare_softhsm_folder
from virtual_card.card import VirtualCard
from virtual_card.errors import CardInUse, CardNotInitialised
from virtual_card.locking import exclusive

_WAIT_SECONDS: Final = 10.0


@contextmanager
def open_card(
    card: VirtualCard, profile: CardProfile, *, wait_seconds: float = _WAIT_SECONDS
) -> Iterator[OpenedCard]:
    """Take the card for this process, as a reader's exclusive access does, and load its module.

    A process has one card open at a time (cryptoki.errors.ModuleInUse). Raises CardInUse when another process
    keeps the card for longer than ``wait_seconds``.
    """

    def refusal() -> CardInUse:
        return CardInUse(f"Card {card.serial} is in use by another program; try again in a moment.")

    with exclusive(card.folder / "lock", wait_seconds, refusal):
        prepare_softhsm_folder(card.folder)
        opened = OpenedCard(card, profile)
        try:
            yield opened
        finally:
            opened.module.finalize()


class OpenedCard:
    """A card that this process holds. Made by open_card."""

    def __init__(self, card: VirtualCard, profile: CardProfile) -> None:
        self.card = card
        self._profile = profile
        self.module = self._load()

    @property
    def is_initialised(self) -> bool:
        """Whether the card has a token; a blank card has none."""
        return bool(self.module.tokens())

    def login(self, pin: str) -> Session:
        """Log in as the holder. The session logs out when it is closed.

        Raises PinLenRange for a PIN that no card of this kind can have (not counted as a try), PinIncorrect
        with ``tries_left``, PinLocked, CardNotInitialised, UserAlreadyLoggedIn.
        """
        self._check_length(pin)
        token = self._token()
        with self.card.tries.attempt("C_Login"):
            return token.login(pin)

    def initialise(self, so_pin: str, pin: str, label: str) -> None:
        """Make the card ready for its holder: C_InitToken, then C_InitPIN. All tries are left afterwards.

        A card that is initialised already is erased, which takes its present SO PIN as ``so_pin``
        (PinIncorrect otherwise; see erase()). The card keeps its serial whatever the token's serial becomes.
        """
        self._check_length(pin)
        tokens = self.module.tokens()
        if tokens:
            tokens[0].reinitialise(so_pin, label)
        else:
            self.module.init_token(label, so_pin)
        self._set_pin(so_pin, pin)

    def unblock(self, so_pin: str, new_pin: str) -> None:
        """The SO sets a new PIN (C_InitPIN); all tries are left afterwards. Raises PinIncorrect."""
        self._check_length(new_pin)
        self._set_pin(so_pin, new_pin)

    def change_so_pin(self, present: str, following: str) -> None:
        """The SO sets another SO PIN (C_SetPIN); everything else stays. Raises PinIncorrect."""
        with self._token().login_so(present) as session:
            session.set_pin(present, following)

    def change_pin(self, old_pin: str, new_pin: str) -> None:
        """The holder sets a new PIN (C_SetPIN); a wrong old PIN is a try. Raises as login() does."""
        self._check_length(new_pin)
        with self.login(old_pin) as session:
            session.set_pin(old_pin, new_pin)

    def certificates_without_pin(self) -> list[CertificateObject]:
        """The certificates on the card, by CKA_ID; none on a blank card."""
        if not self.is_initialised:
            return []
        with self._token().open() as session:
            return session.certificates()

    def erase(self) -> None:
        """Make the card blank again, without its SO PIN, as only a card in software can be."""
        self.module.finalize()
        shutil.rmtree(self.card.folder / "tokens")
        self.card.lay_out_blank()
        self.module = self._load()

    def _load(self) -> Module:
        return Module.load(self._profile.module, softhsm_conf=self.card.conf, template=self._profile.template)

    def _token(self) -> Token:
        tokens = self.module.tokens()
        if not tokens:
            raise CardNotInitialised(f"Card {self.card.serial} is blank; it must be issued first.")
        return tokens[0]

    def _set_pin(self, so_pin: str, pin: str) -> None:
        with self._token().login_so(so_pin) as session:
            session.init_pin(pin)
        self.card.tries.reset()

    def _check_length(self, pin: str) -> None:
        if not self._profile.pin_minimum <= len(pin) <= self._profile.pin_maximum:
            raise errors.PinLenRange("C_Login")
