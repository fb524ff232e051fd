"""The bare sum of what one personalisation asks of tokens, through ``cryptoki`` with nothing around it.

The same calls in the same order as the card agent makes them: the operator's approval, then on the new card
initialising, both PINs, two P-256 key pairs, two CSRs, two certificates written and read back, and the proof.
Each login is counted as often as the agent logs in, since it uses a process of its own for each step.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

import cryptoki
from cryptoki import KeySpec, Module, Session

_PIN, _SO_PIN = "59174028", "0123456789abcdef"
_KEYS = ((b"\x01", "authentication"), (b"\x02", "content-commitment"))
_NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "555500000001")])
_SHA256 = ec.ECDSA(hashes.SHA256())


def seconds_of_token_calls(module_path: Path) -> float:
    """Do what one personalisation asks of the tokens, on a token that is deleted afterwards; wall seconds."""
    with tempfile.TemporaryDirectory() as folder:
        conf = cryptoki.prepare_softhsm_folder(Path(folder))
        with Module.load(module_path, softhsm_conf=conf) as module:
            began = time.perf_counter()
            _personalise(module)
            return time.perf_counter() - began


def _personalise(module: Module) -> None:
    token = module.init_token("measured", _SO_PIN)
    with token.login_so(_SO_PIN) as session:
        session.init_pin(_PIN)
    with token.login(_PIN) as session:
        for cka_id, label in _KEYS:
            session.generate_key_pair(KeySpec.EC_P256, cka_id=cka_id, label=label)
    with token.login(_PIN) as session:
        for cka_id, _ in _KEYS:
            builder = x509.CertificateSigningRequestBuilder().subject_name(_NAME)
            builder.sign(session.private_key(cka_id=cka_id), hashes.SHA256())
    with token.login(_PIN) as session, _certificates(session) as certificates:
        for (cka_id, label), der in zip(_KEYS, certificates, strict=True):
            session.write_certificate(der, cka_id=cka_id, label=label)
        session.certificates()
    for cka_id, _ in _KEYS:
        # The completion proof on the new card, and the operator's approval on a card like it.
        with token.login(_PIN) as session:
            key = session.private_key(cka_id=cka_id)
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            key.sign(b"what is signed", _SHA256)


@contextmanager
def _certificates(session: Session) -> Iterator[list[bytes]]:
    """Certificates for the two keys; signing them is the CA's work, by a key in memory, and hardly counts."""
    issuer, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(_NAME).issuer_name(_NAME).serial_number(1)
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=730))
    yield [
        builder.public_key(session.private_key(cka_id=cka_id).public_key())
        .sign(issuer, hashes.SHA256())
        .public_bytes(Encoding.DER)
        for cka_id, _ in _KEYS
    ]
