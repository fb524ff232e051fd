"""Which keys are made, what for, and with which attributes (PKCS #11 v2.40, 4.8 and 4.9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from pkcs11 import Attribute, KeyType, Mechanism
from pkcs11.constants import DEFAULT, MechanismFlag


class KeySpec(Enum):
    """The kinds of key that are generated. The value is the name used in settings and in the desk job."""

    EC_P256 = "EC-P256"
    EC_P384 = "EC-P384"
    RSA_2048 = "RSA-2048"
    RSA_3072 = "RSA-3072"
    RSA_4096 = "RSA-4096"
    ED25519 = "Ed25519"


class KeyUsage(Enum):
    """What a private key may do: one thing, never two."""

    SIGN = "sign"
    DECRYPT = "decrypt"


@dataclass(frozen=True)
class KeyTemplate:
    """A module's quirks: attributes to set, and attributes that it does not take and that are left out.

    Names are those of PKCS#11 without CKA_, such as ``DERIVE``. ``replaces``: a key that is made under a
    CKA_ID in use takes the place of the one there (a PIV slot); such a module destroys no private key.
    """

    private_set: Mapping[str, bool] = field(default_factory=dict)
    private_drop: frozenset[str] = frozenset()
    public_set: Mapping[str, bool] = field(default_factory=dict)
    public_drop: frozenset[str] = frozenset()
    replaces: bool = False


@dataclass(frozen=True)
class KeyGeneration:
    """How a kind of key is asked for: its type, mechanism, and either named curve (DER) or modulus bits."""

    key_type: KeyType
    mechanism: Mechanism
    curve: bytes | None = None
    modulus_bits: int | None = None


# Named curves as DER object identifiers: RFC 5480 2.1.1.1 and RFC 8410 3.
CURVE_P256: Final = bytes.fromhex("06082a8648ce3d030107")
CURVE_P384: Final = bytes.fromhex("06052b81040022")
CURVE_ED25519: Final = bytes.fromhex("06032b6570")


def _ec(curve: bytes) -> KeyGeneration:
    return KeyGeneration(KeyType.EC, Mechanism.EC_KEY_PAIR_GEN, curve=curve)


def _rsa(bits: int) -> KeyGeneration:
    return KeyGeneration(KeyType.RSA, Mechanism.RSA_PKCS_KEY_PAIR_GEN, modulus_bits=bits)


GENERATION: Final[Mapping[KeySpec, KeyGeneration]] = {
    KeySpec.EC_P256: _ec(CURVE_P256),
    KeySpec.EC_P384: _ec(CURVE_P384),
    KeySpec.RSA_2048: _rsa(2048),
    KeySpec.RSA_3072: _rsa(3072),
    KeySpec.RSA_4096: _rsa(4096),
    KeySpec.ED25519: KeyGeneration(
        KeyType.EC_EDWARDS, Mechanism.EC_EDWARDS_KEY_PAIR_GEN, curve=CURVE_ED25519
    ),
}
CAPABILITIES: Final[Mapping[KeyUsage, MechanismFlag]] = {
    KeyUsage.SIGN: MechanismFlag.SIGN | MechanismFlag.VERIFY,
    KeyUsage.DECRYPT: MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT,
}
_PRIVATE: Final[Mapping[Attribute, bool]] = {
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.PRIVATE: True,
}


def private_template(quirks: KeyTemplate) -> dict[Attribute, Any]:
    """The private key's attributes: it never leaves the token in clear or wrapped."""
    return {**_PRIVATE, **_changes(quirks.private_set, quirks.private_drop)}


def public_template(quirks: KeyTemplate) -> dict[Attribute, Any]:
    """The public key's attributes: readable without login."""
    return {Attribute.PRIVATE: False, **_changes(quirks.public_set, quirks.public_drop)}


def _changes(to_set: Mapping[str, bool], to_drop: frozenset[str]) -> dict[Attribute, Any]:
    """The value DEFAULT makes python-pkcs11 leave an attribute out."""
    chosen: dict[Attribute, Any] = {Attribute[name]: value for name, value in to_set.items()}
    return chosen | {Attribute[name]: DEFAULT for name in to_drop}
