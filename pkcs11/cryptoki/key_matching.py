"""Whether a private key in a token belongs to a public key: by its public half, or by a signature."""

from __future__ import annotations

from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cryptoki import errors

_SIGNED = b"spine-ra: is this the key of that certificate?"


def is_same(one: Any, other: Any) -> bool:
    """Whether they are the same public key."""
    return bool(_spki(one) == _spki(other))


def signs_as(private_key: Any, public_key: Any) -> bool:
    """Sign something with one and verify it with the other. False for a kind of key that does not sign.

    Raises PublicHalfLost: OpenSC knows the length of a SmartCard-HSM's signatures from the public half.
    """
    scheme: tuple[Any, ...]
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        scheme = (ec.ECDSA(hashes.SHA256()),)
    elif isinstance(public_key, rsa.RSAPublicKey):
        scheme = (padding.PKCS1v15(), hashes.SHA256())
    elif isinstance(public_key, ed25519.Ed25519PublicKey):
        scheme = ()
    else:
        return False
    try:
        public_key.verify(private_key.sign(_SIGNED, *scheme), _SIGNED, *scheme)
    except InvalidSignature:
        return False
    # How the library takes a signature of no length, which it then leaves begun.
    except (MemoryError, errors.OperationActive) as error:
        raise errors.PublicHalfLost("The card has lost the public half of this key.") from error
    return True


def _spki(public_key: Any) -> Any:
    return public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
