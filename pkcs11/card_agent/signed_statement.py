"""Statements that are signed at this desk: one form for all, which the site makes again byte for byte."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from cryptography import x509

from card_agent.card_operations import spki_of


def canonical(facts: Mapping[str, str]) -> bytes:
    """Return a statement as it is signed: JSON with sorted keys and without spaces, UTF-8."""
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def key_fingerprint(request: bytes) -> str:
    """Return how statements name a CSR's key: SHA-256 of its SubjectPublicKeyInfo, hexadecimal."""
    return hashlib.sha256(spki_of(x509.load_der_x509_csr(request).public_key())).hexdigest()
