"""What child processes do in the tests of tokens: each function runs in a process of its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from cryptoki import errors, load_card_profiles
from tests.support.softhsm import LoadedToken, TokenFolder
from virtual_card import VirtualCard, open_card

ECDSA = ec.ECDSA(hashes.SHA256())


def sign_once(key: object) -> None:
    """Sign and verify with an EC key."""
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    data = os.urandom(32)
    key.public_key().verify(key.sign(data, ECDSA), data, ECDSA)


def sign_as_a_service(folder: TokenFolder, start: Barrier, signatures: int) -> None:
    """Wait for the others, open a signing session at the same moment, sign, and close."""
    start.wait()
    with folder.signing_session() as keys:
        key = keys.private_key("service")
        for _ in range(signatures):
            sign_once(key)


def login_and_sign(folder: TokenFolder) -> None:
    """Load the module for this process, log in and sign."""
    with folder.load() as module, module.find_token(label=folder.label).login(folder.pin) as session:
        sign_once(session.private_key(label="signing"))


def login_and_forget(folder: TokenFolder) -> None:
    """End the process with the module loaded and a session logged in."""
    folder.load().find_token(label=folder.label).login(folder.pin)


def use_what_was_forked_then_load(loaded: LoadedToken) -> None:
    """In a forked child: the parent's module is refused, its own works."""
    assert loaded.module is not None
    _expect(errors.ModuleOfAnotherProcess, loaded.module.slots)
    loaded.module.finalize()  # not this process' to end: does nothing
    login_and_sign(TokenFolder(loaded.folder, loaded.conf))


def die_during_login(cards: Path, serial: str) -> None:
    """Be killed between the writing of the try and the token's answer."""
    card = VirtualCard.read(cards, serial)
    with (
        open_card(card, load_card_profiles()[card.profile]) as opened,
        opened.card.tries.attempt("C_Login"),
    ):
        os._exit(9)


def guess(cards: Path, serial: str, pin: str, start: Barrier) -> None:
    """Try a wrong PIN at the same moment as others."""
    card = VirtualCard.read(cards, serial)
    start.wait()
    with open_card(card, load_card_profiles()[card.profile]) as opened:
        try:
            opened.login(pin)
        except (errors.PinIncorrect, errors.PinLocked):
            return
    raise AssertionError("a wrong PIN was taken")


def hold_until(cards: Path, serial: str, opened_event: object, release: object) -> None:
    """Keep the card until told to let it go."""
    card = VirtualCard.read(cards, serial)
    with open_card(card, load_card_profiles()[card.profile]):
        opened_event.set()  # type: ignore[attr-defined]
        release.wait()  # type: ignore[attr-defined]


def _expect(kind: type[Exception], act: Callable[[], object]) -> None:
    try:
        act()
    except kind:
        return
    raise AssertionError(f"{kind.__name__} was expected")
