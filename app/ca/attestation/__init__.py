"""Proofs of where a card's key was made, verified to makers that the settings name. Pure: no I/O."""

from __future__ import annotations

from app.ca.attestation.check import ProvenanceCheck
from app.ca.attestation.roots import AttestationRoots, UnusableRoot, roots_from_pem

__all__ = ["AttestationRoots", "ProvenanceCheck", "UnusableRoot", "roots_from_pem"]
