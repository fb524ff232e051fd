"""What is said of a signature: the published texts in their published order, with codes and explanations.

The texts and their order are those of the national prescription service, so that systems which know them need
learn nothing: the first three end the verification, of the others all that apply are told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Failing(Enum):
    """A published text. The order of the members is the published order."""

    FORMAT = "Invalid signature format"
    SEVERAL_CERTIFICATES = "Multiple certificates detected"
    CERTIFICATE_UNREADABLE = "Invalid certificate"
    SIGNATURE = "Signature is invalid"
    OTHER_PRESCRIPTION = "Signature doesn't match prescription"
    REVOKED = "Certificate is revoked"
    CA_REVOKED = "CA certificate is revoked"
    EXPIRED = "Certificate expired when signed"
    NOT_TRUSTED = "Certificate not trusted"


@dataclass(frozen=True)
class Reason:
    """One thing that is wrong.

    Attributes:
        code: more precise than the published text, and never changing.
        explanation: a sentence for people.
    """

    failing: Failing
    code: str
    explanation: str


@dataclass(frozen=True)
class Signer:
    """Whose certificate it is, from the certificate itself.

    Attributes:
        uid: 12-digit user id; empty when the certificate names none.
        serial_number: of the certificate, lower-case hexadecimal.
    """

    uid: str
    name: str
    serial_number: str


@dataclass(frozen=True)
class Verdict:
    """What is said of a signature.

    Attributes:
        signed_at: what the signed prescription says; None when the signature could not be read.
        signer: only when the certificate leads to our anchors; otherwise its names prove nothing.
        notes: sentences that are no faults: a later revocation, an old algorithm.
    """

    reasons: tuple[Reason, ...]
    verified_at: datetime
    signed_at: datetime | None = None
    signer: Signer | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Whether the signature is to be believed."""
        return not self.reasons

    @property
    def errors(self) -> Sequence[str]:
        """The published texts, each once, in the published order."""
        found = {reason.failing for reason in self.reasons}
        return [failing.value for failing in Failing if failing in found]


class SignatureUnreadable(Exception):
    """The signature fails in a way that ends the verification."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.explanation)
        self.reason = reason
