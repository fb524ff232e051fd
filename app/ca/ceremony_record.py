"""What the key ceremony made, and the record by which it goes on where it stopped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from cryptography import x509

from app.domain.certificate_profile import KeyType


class AuthorityKind(StrEnum):
    """What a key made at the ceremony is for."""

    ROOT = "root"
    ISSUING_CA = "issuing_ca"
    OCSP_SIGNER = "ocsp_signer"
    AUDIT_SEAL = "audit_seal"
    SO_PIN_ESCROW = "so_pin_escrow"


@dataclass(frozen=True)
class AuthorityKey:
    """A key that the ceremony made, and its certificate.

    Attributes:
        name: also the key's label in the token.
        public_key: SubjectPublicKeyInfo, DER.
        certificate: DER; None for keys that have none.
    """

    name: str
    kind: AuthorityKind
    key_type: KeyType
    public_key: bytes
    certificate: bytes | None


def certificate_of(made: AuthorityKey) -> x509.Certificate:
    """The certificate of a key that has one."""
    assert made.certificate is not None, f"the ceremony certifies {made.name}"
    return x509.load_der_x509_certificate(made.certificate)


class CeremonyRecord(Protocol):
    """What the ceremony made, so that it goes on where it stopped and is not held twice."""

    def begin(
        self, ceremony_digest: str, founding_digest: str, founders: Sequence[str], at: datetime
    ) -> None:
        """Fix the ceremony file and the founding record; again with the same changes nothing.

        Raises:
            CeremonyChanged: another file was used before.
        """

    def key(self, name: str) -> AuthorityKey | None:
        """What was made under this name."""

    def keys(self) -> Sequence[AuthorityKey]:
        """All that was made, oldest first."""

    def record(self, key: AuthorityKey, at: datetime) -> None:
        """Keep what was made."""

    def is_complete(self) -> bool:
        """Whether the ceremony came to its end."""

    def complete(self, at: datetime) -> None:
        """Record that the ceremony came to its end."""
