"""Where the key of a certificate was made, in plain words: never more certain than what is on record."""

from __future__ import annotations

import re

from app.domain.provenance import Provenance, ProvenanceKind


def provenance_words(provenance: Provenance) -> str:
    """Proved by whose card, claimed by its software, or not known; and why a proof that was shown is none."""
    match provenance.kind:
        case ProvenanceKind.PROVED:
            by = ", ".join(filter(None, (_maker(provenance), _device(provenance))))
            return f"Proved by the card ({by})" if by else "Proved by the card"
        case ProvenanceKind.CLAIMED:
            return _with_reason("Claimed by the card’s software", provenance)
        case ProvenanceKind.UNKNOWN:
            return _with_reason("Not known", provenance)


def _maker(provenance: Provenance) -> str:
    """The name alone of a distinguished name that has nothing else (RFC 4514, its escapes taken away)."""
    name = re.fullmatch(r"CN=((?:[^,+\\]|\\.)*)", provenance.maker)
    return re.sub(r"\\(.)", r"\1", name[1]) if name else provenance.maker


def _device(provenance: Provenance) -> str:
    return f"device {provenance.device}" if provenance.device else ""


def _with_reason(words: str, provenance: Provenance) -> str:
    return f"{words}. {provenance.reason}" if provenance.reason else words
