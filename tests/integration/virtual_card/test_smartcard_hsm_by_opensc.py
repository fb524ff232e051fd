"""The SmartCard-HSM in software as OpenSC's PKCS#11 module drives it, through pcscd."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from cryptoki import KeySpec, Module, Token, errors
from tests.support.pcsc_desk import OPENSC
from virtual_card import VirtualCard
from virtual_card.pcsc import Faults, PcscDesk

SO_PIN, PIN, WRONG = "0123456789abcdef", "59174028", "00000000"
SHA256 = hashes.SHA256()


@pytest.fixture(scope="module")
def card(pcsc_desk: PcscDesk) -> Iterator[VirtualCard]:
    card = pcsc_desk.new_blank_card()
    pcsc_desk.insert("right", card.serial)
    yield card
    pcsc_desk.remove("right")


@pytest.fixture
def module(card: VirtualCard) -> Iterator[Module]:
    with Module.load(OPENSC) as module:
        yield module


@pytest.fixture
def token(card: VirtualCard, module: Module) -> Token:
    """The card, initialised anew."""
    token = module.find_token(serial=card.serial)
    token.reinitialise(SO_PIN, "card")
    with token.login_so(SO_PIN) as session:
        session.init_pin(PIN)
    return token


def _lock(token: Token) -> None:
    for _ in range(2):
        with pytest.raises(errors.PinIncorrect):
            token.login(WRONG)
    with pytest.raises(errors.PinLocked):
        token.login(WRONG, consent_to_last_try=True)


def test_a_key_on_the_curve_signs(token: Token) -> None:
    with token.login(PIN) as session:
        pair = session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="authentication")
        assert isinstance(pair.public_key, ec.EllipticCurvePublicKey)
        signature = pair.private_key.sign(b"data", ec.ECDSA(SHA256))  # type: ignore[arg-type, call-arg]
    pair.public_key.verify(signature, b"data", ec.ECDSA(SHA256))


def test_an_rsa_key_signs_by_both_paddings(token: Token) -> None:
    with token.login(PIN) as session:
        pair = session.generate_key_pair(KeySpec.RSA_2048, cka_id=b"\x01", label="authentication")
        assert isinstance(pair.public_key, rsa.RSAPublicKey)
        for scheme in (padding.PKCS1v15(), padding.PSS(padding.MGF1(SHA256), 32)):
            signature = pair.private_key.sign(b"data", scheme, SHA256)  # type: ignore[call-arg, arg-type]
            pair.public_key.verify(signature, b"data", scheme, SHA256)


def test_keys_survive_taking_the_card_out(
    pcsc_desk: PcscDesk, card: VirtualCard, module: Module, token: Token
) -> None:
    with token.login(PIN) as session:
        made = session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x02", label="content-commitment")
    pcsc_desk.remove("right")
    pcsc_desk.insert("right", card.serial)
    # OpenSC 0.23 says the one, 0.26 the other.
    with pytest.raises((errors.DeviceRemoved, errors.SessionHandleInvalid)):
        token.login(PIN)
    with module.find_token(serial=card.serial).login(PIN) as session:
        assert session.private_key(cka_id=b"\x02").public_key() == made.public_key


def test_three_wrong_pins_lock_and_the_so_unblocks(token: Token) -> None:
    _lock(token)
    with pytest.raises(errors.PinLocked):
        token.login(PIN)
    with token.login_so(SO_PIN) as session:
        session.init_pin("27182818")
    token.login("27182818").close()


def test_a_full_card_says_so(pcsc_desk: PcscDesk, card: VirtualCard, token: Token) -> None:
    pcsc_desk.order_faults(card.serial, Faults(is_full=True))
    with token.login(PIN) as session:
        with pytest.raises(errors.TokenError) as refusal:
            session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="authentication")
        assert refusal.value.ckr in {"CKR_DEVICE_MEMORY", "CKR_GENERAL_ERROR"}
        pcsc_desk.order_faults(card.serial, Faults())
        assert session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="authentication")
