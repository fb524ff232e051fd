"""Where the keys of a card were made: what is presented about a key, and what is known of it in the end.

A module's claim that a key was generated on the card is a claim by software. A card's own attestation,
verified to a maker that we know, is a proof. Which of the two it was is recorded with the certificate.
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from app.domain.json_value import JsonValue
from app.errors import InvalidInput

_MOST_CLAIMS = 12
_MOST_PARTS = 4
_LONGEST_PART = 8 * 1024


class ProofMethod(StrEnum):
    """How a card proves where its key was made."""

    PIV = "piv"
    SMARTCARD_HSM = "smartcard-hsm"


class ProvenanceKind(StrEnum):
    """What is known of where a key was made."""

    PROVED = "proved"
    CLAIMED = "claimed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class KeyEvidence:
    """What the desk presented about one key.

    Attributes:
        claims: what the PKCS#11 module says of the key (local, never_extractable, ...).
        method: how the card proves it; None when it proves nothing.
        proof: the octets of the proof; which ones is told by the method (``app.ca.attestation``).
    """

    claims: Mapping[str, bool] = field(default_factory=dict)
    method: ProofMethod | None = None
    proof: tuple[bytes, ...] = ()


NO_EVIDENCE = KeyEvidence()


@dataclass(frozen=True)
class Provenance:
    """What the certificate authority found out about one key.

    Attributes:
        kind: proved by the card, claimed by the module, or not known.
        method: how it was proved.
        device: the serial that the proof names.
        maker: the name of the maker's root to which the proof leads.
        reason: why presented evidence proves nothing, when it does not.
    """

    kind: ProvenanceKind
    method: str = ""
    device: str = ""
    maker: str = ""
    reason: str = ""

    def as_text(self) -> str:
        """Canonical JSON, as it is recorded."""
        facts = {name: value for name, value in vars(self).items() if value}
        return json.dumps(facts, sort_keys=True, separators=(",", ":"))


NOTHING_KNOWN = Provenance(ProvenanceKind.UNKNOWN)


def provenance_of_text(text: str) -> Provenance:
    """The provenance that ``Provenance.as_text`` wrote; of an empty text, that nothing is known."""
    if not text:
        return NOTHING_KNOWN
    facts = json.loads(text)
    return Provenance(**{**facts, "kind": ProvenanceKind(facts["kind"])})


def claimed(evidence: KeyEvidence, reason: str = "") -> Provenance:
    """The provenance of a key that no card proves: as far as the module claims it was made in the token."""
    is_claimed = evidence.claims.get("local", False) and evidence.claims.get("never_extractable", False)
    kind = ProvenanceKind.CLAIMED if is_claimed else ProvenanceKind.UNKNOWN
    return Provenance(kind, reason=reason)


def evidence_message(evidence: KeyEvidence) -> dict[str, JsonValue]:
    """The evidence as it travels and is stored: the claims, and ``attestation`` where there is one."""
    message: dict[str, JsonValue] = dict(evidence.claims)
    if evidence.method is not None:
        parts: list[JsonValue] = [b64encode(part).decode() for part in evidence.proof]
        message["attestation"] = {"method": evidence.method.value, "proof": parts}
    return message


def evidence_from_untrusted(message: JsonValue) -> KeyEvidence:
    """The evidence in a message.

    Raises:
        InvalidInput: it has another form.
    """
    try:
        return _evidence(message)
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error):
        raise InvalidInput({"provenance": "What the desk says about the key cannot be read."}) from None


def _evidence(message: JsonValue) -> KeyEvidence:
    if message is None:
        return NO_EVIDENCE
    if not isinstance(message, dict) or len(message) > _MOST_CLAIMS:
        raise TypeError
    claims = {name: value for name, value in message.items() if name != "attestation"}
    if not all(isinstance(value, bool) and len(name) <= 40 for name, value in claims.items()):
        raise TypeError
    attestation = message.get("attestation")
    if attestation is None:
        return KeyEvidence({name: value is True for name, value in claims.items()})
    if not isinstance(attestation, dict) or set(attestation) != {"method", "proof"}:
        raise TypeError
    return KeyEvidence(
        {name: value is True for name, value in claims.items()},
        ProofMethod(str(attestation["method"])),
        _proof(attestation["proof"]),
    )


def _proof(parts: JsonValue) -> tuple[bytes, ...]:
    if not isinstance(parts, list) or not 1 <= len(parts) <= _MOST_PARTS:
        raise TypeError
    proof = tuple(b64decode(part if isinstance(part, str) else "!", validate=True) for part in parts)
    if any(len(part) > _LONGEST_PART for part in proof):
        raise ValueError
    return proof
