"""The bare sum of what one personalisation asks of tokens, through ``cryptoki`` with nothing around it.

No call is left out that every correct desk must make, and none is made twice: the operator's approval; on the
new card initialising, both PINs, two P-256 key pairs, two CSRs, the card's proofs; then, when there are
certificates, writing both; reading them back, the proof. Four logins; for each of them the module is loaded
and finalised and the card reset, because nobody may use the card between two of the site's answers, and
because a module that wrote a certificate may answer with what it was given (OpenSC does) instead of the card.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from bench.blank_cards import BareCard, CardOpener
from cryptoki import KeySpec, PublicKey, Session

_PIN = "59174028"
_KEYS = ((b"\x01", "authentication"), (b"\x02", "content-commitment"))
_NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "555500000001")])
_SHA256 = ec.ECDSA(hashes.SHA256())


def seconds_of_token_calls(open_card: CardOpener) -> float:
    """Do what one personalisation asks of a blank card, opened for each login; wall seconds."""
    with open_card() as card:
        logins = _logins(card.profile.random_so_pin())
    began = time.perf_counter()
    for login in logins:
        with open_card() as card:
            login(card)
    return time.perf_counter() - began


def seconds_with_module_loaded(open_card: CardOpener) -> float:
    """The same calls with the card opened beforehand, once: no desk may do so; wall seconds."""
    with open_card() as card:
        began = time.perf_counter()
        for login in _logins(card.profile.random_so_pin()):
            login(card)
        return time.perf_counter() - began


def _logins(so_pin: str) -> tuple[Callable[[BareCard], None], ...]:
    # The operator's approval is signed on a card like the new one, after all else.
    return (lambda card: _prepare(card, so_pin), _write, _prove, lambda card: _sign(card, b"\x02"))


def _prepare(card: BareCard, so_pin: str) -> None:
    made: dict[bytes, PublicKey] = {}
    card.initialise(so_pin, _PIN, "measured")
    with card.login_to_write(_PIN) as session:
        for cka_id, label in _KEYS:
            made[cka_id] = session.generate_key_pair(KeySpec.EC_P256, cka_id=cka_id, label=label).public_key
        for cka_id, _ in _KEYS:
            builder = x509.CertificateSigningRequestBuilder().subject_name(_NAME)
            builder.sign(session.private_key(cka_id=cka_id), hashes.SHA256())
    for cka_id, public_key in made.items():
        card.proof_of(public_key, cka_id)


def _write(card: BareCard) -> None:
    with card.login_to_write(_PIN) as session:
        for (cka_id, label), der in zip(_KEYS, _certificates(session), strict=True):
            session.write_certificate(der, cka_id=cka_id, label=label)


def _prove(card: BareCard) -> None:
    card.certificates()
    _sign(card, b"\x01")


def _sign(card: BareCard, cka_id: bytes) -> None:
    with card.login_to_write(_PIN) as session:
        key = session.private_key(cka_id=cka_id)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        key.sign(b"what is signed", _SHA256)


def _certificates(session: Session) -> list[bytes]:
    """Certificates for the two keys; signing them is the CA's work, by a key in memory, and hardly counts."""
    issuer, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(_NAME).issuer_name(_NAME).serial_number(1)
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=730))
    return [
        builder.public_key(session.public_key(cka_id=cka_id))
        .sign(issuer, hashes.SHA256())
        .public_bytes(Encoding.DER)
        for cka_id, _ in _KEYS
    ]
