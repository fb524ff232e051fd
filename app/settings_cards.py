"""Settings about cards; they are read with the others (``app.settings``)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class ProofDemanded(StrEnum):
    """Which cards must prove that they made their keys."""

    BY_CARD_PROFILE = "by-card-profile"
    ALWAYS = "always"


@dataclass(frozen=True)
class AttestationSettings:
    """Proofs of where cards' keys were made: the folder with makers' roots (PEM), and who must prove."""

    folder: Path = Path("config/attestation")
    proof: ProofDemanded = ProofDemanded.BY_CARD_PROFILE
