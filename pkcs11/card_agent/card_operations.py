"""What the agent does with a card, as functions that run inside a card process.

Each takes the card first, then the PINs it needs, then plain values, and returns plain values (bytes, text,
numbers), because everything but the card crosses a pipe. Certificates, CSRs and public keys are DER.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import NameOID

from card_agent.errors import KeysNotOnCard
from card_agent.pin import Pin
from card_agent.ports import Card, CardContents, KeyProof, KeySet, LoggedInCard, Purpose

_P256_INTEGER_BYTES = 32
_SIGNED = b"spine-ra: this key is the certificate's"
_ES256 = ec.ECDSA(hashes.SHA256())
_OTHER_KEYS = (
    "The certificates were made for keys that this card no longer holds. "
    "Undo this issuance on the site and begin a new one."
)


def contents(card: Card) -> CardContents:
    """Return what the card shows without a PIN."""
    return card.contents()


def enter(card: Card, pin: Pin) -> None:
    """Do nothing but log in: a wrong PIN is found out before anything is begun."""
    with card.log_in(pin):
        pass


def sign(card: Card, pin: Pin, purpose: Purpose, data: bytes, keys: KeySet | None = None) -> bytes:
    """Return the ES256 signature over ``data`` (raw r || s, 64 bytes) by the key for ``purpose``.

    Of the set in use unless said: to find that out, every certificate is read from the card.
    """
    with card.log_in(pin) as logged_in:
        return raw_signature(logged_in.private_key(purpose, keys), data)


def check_pin(card: Card, pin: Pin) -> None:
    """Try the PIN, even as the last try, which a second person agreed to. The right one gives all back."""
    with card.log_in(pin, consent_to_last_try=True):
        pass


def unblock(card: Card, new_pin: Pin, *so_pins: Pin) -> int:
    """Set the holder's new PIN as the SO; return which of the SO PINs was the card's."""
    return card.unblock(so_pins, new_pin)


def unblock_at_last_try(card: Card, new_pin: Pin, *so_pins: Pin) -> int:
    """Unblock even with the last try of the SO PIN, which a second person agreed to."""
    return card.unblock(so_pins, new_pin, consent_to_last_try=True)


def change_so_pin(card: Card, present: Pin, following: Pin) -> None:
    """Give the card another SO PIN."""
    card.change_so_pin(present, following)


def change_so_pin_at_last_try(card: Card, present: Pin, following: Pin) -> None:
    """Change it even with the last try, which a second person agreed to."""
    card.change_so_pin(present, following, consent_to_last_try=True)


def clear(card: Card, pin: Pin, *so_pins: Pin) -> list[str]:
    """Make the card blank again; return what its module still lists: class and CKA_ID of each object."""
    return list(card.clear(so_pins, pin))


def clear_at_last_try(card: Card, pin: Pin, *so_pins: Pin) -> list[str]:
    """Clear it even with the last try of the SO PIN, which a second person agreed to."""
    return list(card.clear(so_pins, pin, consent_to_last_try=True))


def prepare(card: Card, so_pin: Pin, pin: Pin, *earlier_so_pins: Pin, holder_uid: str) -> Iterator[object]:
    """Make a card ready to be certified, in three steps; what each yields:

    1. erase it and set both PINs: whether it has this SO PIN now (bool)
    2. generate both key pairs: by purpose, what is known of where each was made (see provenance())
    3. prove that it holds them: by purpose, a CSR (PKCS#10, RFC 2986, DER) signed by the key
    """
    with card.held():
        yield card.initialise(so_pin, pin, earlier_so_pins)
        with card.log_in(pin) as logged_in:
            claims = {purpose: logged_in.generate(purpose) for purpose in Purpose}
            requests = {purpose: request(logged_in, purpose, KeySet.FIRST, holder_uid) for purpose in Purpose}
        yield provenance(card, KeySet.FIRST, claims, requests)
        yield requests


def request(logged_in: LoggedInCard, purpose: Purpose, keys: KeySet, holder_uid: str) -> bytes:
    """Return a CSR (PKCS#10, RFC 2986, DER) signed by the key: the proof that the card holds it."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, holder_uid)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    csr = builder.sign(logged_in.private_key(purpose, keys), hashes.SHA256())
    return csr.public_bytes(serialization.Encoding.DER)


def provenance(
    card: Card,
    keys: KeySet,
    claims: Mapping[Purpose, Mapping[str, bool]],
    requests: Mapping[Purpose, bytes],
) -> dict[Purpose, dict[str, object]]:
    """Return what the module claims about each key, with the card's own proof if there is one.

    ``requests`` are the CSRs of the keys, DER.
    """
    proofs = card.proofs(keys, {purpose: requested_key(der) for purpose, der in requests.items()})
    return {
        purpose: {
            **claims[purpose],
            **({"attestation": _message(proofs[purpose])} if purpose in proofs else {}),
        }
        for purpose in Purpose
    }


def requested_key(request: bytes) -> ec.EllipticCurvePublicKey:
    """Return the public key of a CSR (DER)."""
    return cast(ec.EllipticCurvePublicKey, x509.load_der_x509_csr(request).public_key())


def _message(proof: KeyProof) -> dict[str, object]:
    return {
        "method": proof.method,
        "proof": [base64.b64encode(octets).decode() for octets in proof.proof],
    }


def require_keys_of(card: Card, pin: Pin, certificates: Mapping[Purpose, bytes]) -> None:
    """Do nothing when the card holds the key of every certificate. Raises KeysNotOnCard."""
    with card.log_in(pin) as logged_in:
        for purpose, certificate in certificates.items():
            _require_key_of(logged_in, purpose, certificate)


def finish(card: Card, pin: Pin, certificates: Mapping[Purpose, bytes], nonce: bytes) -> Iterator[object]:
    """Make a certified card work, in three steps; what each yields:

    1. write each certificate beside its key: None. Raises KeysNotOnCard before anything is written
    2. read back what the card holds, by a module loaded anew: its contents() (a module that wrote a
       certificate may answer with what it was given)
    3. sign the nonce with the authentication key: ES256, raw r || s
    """
    with card.log_in(pin) as logged_in:
        # A card that was pulled while a certificate was written may lack what tells whose key it is.
        lost = [each for each in certificates if _has_lost_half_of(logged_in, each, certificates[each])]
        for purpose, certificate in certificates.items():
            logged_in.write(purpose, certificate)
    yield None
    with card.held():
        kept = card.contents()
        # A card that was pulled meanwhile reads like one that kept nothing; it does not log in.
        with card.log_in(pin) as logged_in:
            for purpose in lost:
                require_signs(logged_in, purpose, KeySet.FIRST, certified_key(certificates[purpose]))
            yield kept
            proof = raw_signature(logged_in.private_key(Purpose.AUTHENTICATION, KeySet.FIRST), nonce)
        yield proof


def raw_signature(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    """Return the ES256 signature as r || s (RFC 7518 3.4) instead of the DER that ``cryptography`` makes."""
    r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(_P256_INTEGER_BYTES, "big") + s.to_bytes(_P256_INTEGER_BYTES, "big")


def certified_key(certificate: bytes) -> ec.EllipticCurvePublicKey:
    """Return the public key of a DER certificate."""
    return cast(ec.EllipticCurvePublicKey, x509.load_der_x509_certificate(certificate).public_key())


def require_signs(
    logged_in: LoggedInCard, purpose: Purpose, keys: KeySet, certified: ec.EllipticCurvePublicKey
) -> None:
    """Have the key sign, and verify that it is the certified one. Raises KeysNotOnCard."""
    signature = logged_in.private_key(purpose, keys).sign(_SIGNED, _ES256)
    try:
        certified.verify(signature, _SIGNED, _ES256)
    except InvalidSignature as error:
        raise KeysNotOnCard(
            "The card does not hold the keys of its certificates. They cannot be made anew: replace it."
        ) from error


def _has_lost_half_of(logged_in: LoggedInCard, purpose: Purpose, certificate: bytes) -> bool:
    """Say whether whose key it is cannot be told. Raises KeysNotOnCard when it is another's, or none."""
    certified = certified_key(certificate)
    if logged_in.holds_key_of(purpose, certified, KeySet.FIRST):
        return False
    if logged_in.may_hold_key_of(purpose, certified, KeySet.FIRST):
        return True
    raise KeysNotOnCard(_OTHER_KEYS)


def _require_key_of(logged_in: LoggedInCard, purpose: Purpose, certificate: bytes) -> None:
    if not logged_in.holds_key_of(purpose, certified_key(certificate)):
        raise KeysNotOnCard(_OTHER_KEYS)


def spki_of(key: CertificatePublicKeyTypes) -> bytes:
    """Return the key's SubjectPublicKeyInfo, DER."""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
