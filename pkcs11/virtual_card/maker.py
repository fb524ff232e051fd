"""The maker of the cards in software: signs that a card is one of its cards, as a factory does.

A development stand-in: its keys lie in a folder and its roots say so in their names. A service in production
refuses them; it trusts the roots of real makers.

maker/keys.json                    the two private keys (0600)
      x509-root.pem                the root of PIV attestations
      smartcard-hsm-root.pem       the root of SmartCard-HSM device certificates (CV certificate in PEM)
      smartcard-hsm-issuer.cvc     the device issuer's certificate, which every card carries
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key
from cryptography.x509.oid import NameOID

from virtual_card import cv_certificate
from virtual_card.errors import CardInUse
from virtual_card.files import read_json_object, write_json_durably
from virtual_card.key_material import pkcs8
from virtual_card.locking import exclusive

NAME: Final = "Virtual card maker (development stand-in, worth nothing)"
_ROOT_REFERENCE: Final = b"VCDEVSRCA00001"
_ISSUER_REFERENCE: Final = b"VCDEVDICA00001"
_LIFETIME: Final = timedelta(days=20 * 365)
_WAIT_SECONDS: Final = 10.0


class Maker:
    """The maker whose keys lie in ``folder``; they are made when it is asked for the first time."""

    def __init__(self, folder: Path) -> None:
        self.x509_root_file = folder / "x509-root.pem"
        self.smartcard_hsm_root_file = folder / "smartcard-hsm-root.pem"
        self._keys_file = folder / "keys.json"
        self._issuer_file = folder / "smartcard-hsm-issuer.cvc"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with exclusive(folder / "lock", _WAIT_SECONDS, _in_use):
            if not self._keys_file.exists():
                self._found()
        keys = read_json_object(self._keys_file)
        self._root, self._issuer = _loaded(keys["root"]), _loaded(keys["issuer"])

    def device_certificates(self, serial: str, device: ec.EllipticCurvePrivateKey) -> bytes:
        """What a SmartCard-HSM of that serial carries in EF 2F02: its CV certificate and its issuer's."""
        public = cv_certificate.public_key(device, cv_certificate.p256_domain())
        own = cv_certificate.certificate(public, f"{serial}00001".encode(), _ISSUER_REFERENCE, self._issuer)
        return own + self._issuer_file.read_bytes()

    def attestation_certificate(self, serial: str, key: ec.EllipticCurvePublicKey) -> bytes:
        """The certificate (DER) of a PIV card's attestation key, F9."""
        name = f"Virtual PIV attestation {serial}"
        return _certificate(name, key, NAME, self._root, path_length=0).public_bytes(Encoding.DER)

    def _found(self) -> None:
        """The keys last: with them the folder is a maker's."""
        root, issuer = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        x509_root = _certificate(NAME, root.public_key(), NAME, root, path_length=1)
        self.x509_root_file.write_bytes(x509_root.public_bytes(Encoding.PEM))
        domain = cv_certificate.p256_domain()
        public = cv_certificate.public_key(root, domain)
        hsm_root = cv_certificate.certificate(public, _ROOT_REFERENCE, _ROOT_REFERENCE, root)
        self.smartcard_hsm_root_file.write_text(_pem(hsm_root))
        public = cv_certificate.public_key(issuer, domain)
        device_issuer = cv_certificate.certificate(public, _ISSUER_REFERENCE, _ROOT_REFERENCE, root)
        self._issuer_file.write_bytes(device_issuer)
        write_json_durably(self._keys_file, {"root": pkcs8(root).hex(), "issuer": pkcs8(issuer).hex()})


def _certificate(
    subject: str,
    key: ec.EllipticCurvePublicKey,
    issuer: str,
    signer: ec.EllipticCurvePrivateKey,
    path_length: int,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(_name(issuer))
    builder = builder.public_key(key).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + _LIFETIME)
    builder = builder.add_extension(x509.BasicConstraints(True, path_length), critical=True)
    return builder.sign(signer, hashes.SHA256())


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem(cv: bytes) -> str:
    lines = base64.encodebytes(cv).decode()
    return f"-----BEGIN CV CERTIFICATE-----\n{lines}-----END CV CERTIFICATE-----\n"


def _loaded(stored: str) -> ec.EllipticCurvePrivateKey:
    key = load_der_private_key(bytes.fromhex(stored), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def _in_use() -> CardInUse:
    return CardInUse("Another program is founding the card maker; try again in a moment.")
