"""What a receipt tells of where the keys were made: proved by the card, and again here, or only claimed."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.domain.provenance import KeyEvidence, ProofMethod, Provenance, ProvenanceKind, provenance_of_text
from app.domain.receipt import items_of, octets_of
from app.domain.receipt_told import DoesNotApply, NotVerified
from app.errors import Refusal

ProofCheck = Callable[[KeyEvidence, bytes, str, datetime], Provenance]
"""Of evidence, SubjectPublicKeyInfo (DER), card serial and time: what is known. Refuses a false proof."""


def origins(facts: Mapping[str, Any], prove: ProofCheck | None) -> Iterator[str]:
    """What is wrong with, or unproved of, where each key of a card was made.

    Args:
        prove: verifies the proofs anew, with the roots of the cards' makers; None without them.

    Raises:
        DoesNotApply: it is no card.
    """
    if "card_serial" not in facts["reason"]["order"]:
        raise DoesNotApply
    for certificate in items_of(facts, "certificates"):
        recorded = provenance_of_text(certificate.get("provenance", ""))
        presented = _presented(facts["reason"]["attestation"].get(certificate["purpose"]))
        if presented.method is None:
            yield _without_proof(certificate["purpose"], recorded)
        elif prove is None:
            yield NotVerified(
                f"The card's proof for {certificate['purpose']} was not verified again: that takes the roots "
                "of the cards' makers (spine-ra receipt verify --makers)."
            )
        else:
            yield from _proved_again(facts, certificate, recorded, presented, prove)


def _presented(facts: Mapping[str, Any] | None) -> KeyEvidence:
    if facts is None or not facts["method"]:
        return KeyEvidence()
    proof = tuple(b64decode(part, validate=True) for part in facts["proof"])
    return KeyEvidence(facts["claims"], ProofMethod(facts["method"]), proof)


def _without_proof(purpose: str, recorded: Provenance) -> str:
    if recorded.kind is ProvenanceKind.PROVED:
        return f"The key for {purpose} is recorded as proved, and there is no proof."
    if recorded.kind is ProvenanceKind.CLAIMED:
        return NotVerified(f"That the card made the key for {purpose} is only claimed by its software.")
    return NotVerified(f"Where the key for {purpose} was made, nothing tells.")


def _proved_again(
    facts: Mapping[str, Any],
    certificate: Mapping[str, Any],
    recorded: Provenance,
    presented: KeyEvidence,
    prove: ProofCheck,
) -> Iterator[str]:
    purpose, made_at = certificate["purpose"], datetime.fromisoformat(facts["made_at"])
    try:
        found = prove(
            presented, _certified_key(certificate), facts["reason"]["order"]["card_serial"], made_at
        )
    except Refusal as refused:
        yield f"For {purpose}: {refused}"
        return
    if found.kind is not ProvenanceKind.PROVED:
        yield NotVerified(f"The card's proof for {purpose} could not be verified: {found.reason}")
    elif recorded.kind is not ProvenanceKind.PROVED:
        yield NotVerified(f"The key for {purpose} is proved here, and was not when it was certified.")


def _certified_key(certificate: Mapping[str, Any]) -> bytes:
    key = x509.load_der_x509_certificate(octets_of(certificate, "certificate")).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
