"""The escrow key: what this desk gives into the keeping of a registration authority is encrypted to it.

The site sends the key. Whoever has taken over the site could send one of their own and read every SO PIN from
then on, so the settings can name the key's file, and then no other is taken.
"""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from card_agent.errors import EscrowKeyDiffers, SiteUnavailable
from card_agent.pin import Pin
from card_agent.settings import Site

# SHA-1: SoftHSM decrypts OAEP with nothing else, and OAEP does not rest on collision resistance.
_OAEP = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303


def escrow_key(site: Site, told: bytes) -> rsa.RSAPublicKey:
    """Return the key that the site has told (PEM), when the settings of this computer name no other.

    Raises SiteUnavailable when it is not an RSA key, or EscrowKeyDiffers.
    """
    try:
        key = serialization.load_pem_public_key(told)
    except ValueError:
        key = None
    if not isinstance(key, rsa.RSAPublicKey):
        raise SiteUnavailable(
            f"{site.name} sent no usable key to protect the card's SO PIN. Tell your IT service desk."
        )
    if site.so_pin_escrow_key is not None and key != site.so_pin_escrow_key:
        raise EscrowKeyDiffers(
            f"{site.name} sent another key for SO PINs than the settings of this computer name. "
            "Nothing was sent to it. Stop, and tell the RA manager and your IT service desk."
        )
    return key


def encrypted(key: rsa.RSAPublicKey, octets: bytes) -> bytes:
    """Return the octets encrypted to the key: RSA-OAEP (RFC 8017 7.1) with SHA-1 and MGF1-SHA-1."""
    return key.encrypt(octets, _OAEP)


def wrapped(so_pin: Pin, card_serial: str, key: rsa.RSAPublicKey) -> bytes:
    """Return the SO PIN encrypted to the key, with the card's serial so that it serves for no other card."""
    return encrypted(key, f"{card_serial}:{so_pin.reveal()}".encode())
