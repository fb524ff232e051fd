"""What a renewal remembers from step to step: who signs it, the new keys, and how far the card is."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from app.domain.certificate_order import SignedApproval
from app.domain.json_value import JsonValue
from app.domain.renewal_statement import SignedAs


class Signing(StrEnum):
    """Who signs the renewal."""

    HOLDER = "holder"
    OPERATOR = "operator"
    COLLEAGUES = "colleagues"

    @property
    def signed_as(self) -> SignedAs:
        """As what each of them signs."""
        return SignedAs.COLLEAGUE if self is Signing.COLLEAGUES else SignedAs(self.value)

    @property
    def signatures(self) -> int:
        """How many signatures it takes."""
        return 2 if self is Signing.COLLEAGUES else 1


@dataclass(frozen=True)
class RenewalFacts:
    """The facts of one renewal.

    Attributes:
        signing: who signs.
        replaces: serial number of the authentication certificate that is renewed.
        authentication_csr, content_commitment_csr: the new keys' requests, once the card made them.
        provenance: what the card's module claims about the new keys.
        holder_signature: the holder's own; others' are in the table of approvals, where nobody signs for
            their own card.
        ordered: whether the certificate authority may have signed: then other keys come too late.
        completion_nonce: what the new key must sign, once there are certificates.
        in_use: whether the new certificates were used once and the old ones are withdrawn.
    """

    signing: Signing
    replaces: str
    authentication_csr: bytes = b""
    content_commitment_csr: bytes = b""
    provenance: Mapping[str, JsonValue] = field(default_factory=dict)
    holder_signature: SignedApproval | None = None
    ordered: bool = False
    completion_nonce: str = ""
    in_use: bool = False

    def as_json(self) -> dict[str, JsonValue]:
        """As a job keeps them."""
        return {
            "signing": self.signing.value,
            "replaces": self.replaces,
            "authentication_csr": _text(self.authentication_csr),
            "content_commitment_csr": _text(self.content_commitment_csr),
            "provenance": dict(self.provenance),
            "holder_signature": _signature_json(self.holder_signature),
            "ordered": self.ordered,
            "completion_nonce": self.completion_nonce,
            "in_use": self.in_use,
        }

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> RenewalFacts:
        """From what a job kept."""
        signature = facts["holder_signature"]
        return cls(
            signing=Signing(facts["signing"]),
            replaces=facts["replaces"],
            authentication_csr=b64decode(facts["authentication_csr"]),
            content_commitment_csr=b64decode(facts["content_commitment_csr"]),
            provenance=facts["provenance"],
            holder_signature=signature
            and SignedApproval(**{name: b64decode(text) for name, text in signature.items()}),
            ordered=facts["ordered"],
            completion_nonce=facts["completion_nonce"],
            in_use=facts["in_use"],
        )


def _signature_json(signature: SignedApproval | None) -> dict[str, JsonValue] | None:
    if signature is None:
        return None
    return {name: _text(getattr(signature, name)) for name in SignedApproval.__dataclass_fields__}


def _text(octets: bytes) -> str:
    return b64encode(octets).decode()
