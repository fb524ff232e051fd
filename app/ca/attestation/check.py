"""The check of one key of an order: is it proved where it was made, and must it be?"""

from __future__ import annotations

from datetime import datetime

from app.ca.attestation.piv import verify_piv
from app.ca.attestation.roots import AttestationRoots
from app.ca.attestation.smartcard_hsm import verify_smartcard_hsm
from app.ca.attestation.verdict import ProofFalse, Proved, UnknownMaker
from app.ca.refusals import AttestationFalse, ProvenanceNotProved
from app.domain.provenance import KeyEvidence, ProofMethod, Provenance, ProvenanceKind, claimed


class ProvenanceCheck:
    """Finds out where keys were made.

    Args:
        roots: the makers whose cards are believed.
        is_required: whether a key without a proof is refused.
    """

    def __init__(self, roots: AttestationRoots, *, is_required: bool) -> None:
        self._roots = roots
        self._is_required = is_required

    def of(self, evidence: KeyEvidence, spki: bytes, card_serial: str, now: datetime) -> Provenance:
        """What is known of where the key (SubjectPublicKeyInfo, DER) of that card was made.

        Raises:
            AttestationFalse: a proof is presented that is not true; it is refused even where none is needed.
            ProvenanceNotProved: a proof is required and there is none, or of a maker that is not known.
        """
        if evidence.method is None:
            return self._unproved(evidence, "")
        try:
            proved = self._verified(evidence, now)
        except UnknownMaker as error:
            return self._unproved(evidence, str(error))
        except ProofFalse as error:
            raise AttestationFalse(f"The card's proof of its key is not true. {error}") from None
        _require_same(proved, spki, card_serial)
        return Provenance(ProvenanceKind.PROVED, evidence.method.value, proved.device, proved.maker)

    def _verified(self, evidence: KeyEvidence, now: datetime) -> Proved:
        if evidence.method is ProofMethod.PIV:
            return verify_piv(evidence.proof, self._roots.x509, now)
        return verify_smartcard_hsm(evidence.proof, self._roots.cv)

    def _unproved(self, evidence: KeyEvidence, reason: str) -> Provenance:
        if self._is_required:
            raise ProvenanceNotProved(
                "Cards of this kind must prove that they made their keys themselves, and this card did not. "
                + (reason or "It showed no attestation.")
                + " Undo the issuance and take another card, or ask who runs the service whether such cards "
                "are still to be issued; then go on with this one."
            )
        return claimed(evidence, reason)


def _require_same(proved: Proved, spki: bytes, card_serial: str) -> None:
    if proved.spki != spki:
        raise AttestationFalse("The card's proof is of another key than the one to be certified.")
    if proved.device != card_serial:
        raise AttestationFalse(f"The card's proof is of device {proved.device}, not of card {card_serial}.")
