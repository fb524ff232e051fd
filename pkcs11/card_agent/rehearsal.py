"""What the first operation of a process would wait for, done once where card processes are forked from.

OpenSSL looks up and sets up an algorithm when it is first used, which takes longer than the use; and the card
profiles, once read, are those of every process.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

import cryptoki
from card_agent.card_operations import raw_signature, spki_of


def rehearse() -> None:
    """Read the card profiles; make a key, a signature and a CSR (PKCS#10) in memory, and forget them."""
    cryptoki.load_card_profiles()
    key = ec.generate_private_key(ec.SECP256R1())
    raw_signature(key, b"rehearsal")
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    spki_of(csr.public_key())


# The fork server imports modules, and can be told nothing else.
rehearse()
