"""The key of this desk for one run of issuing a card: it carries the operator's approval to the card's keys.

The operator approves before the card is touched, and the keys to be certified are made after that. The
approval names this key, and this key signs those that came out of the card. It is never written down: when a
run ends, however it ends, the next one needs another approval.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric import ec

from card_agent.card_operations import raw_signature, spki_of
from card_agent.ports import Purpose
from card_agent.signed_statement import canonical, key_fingerprint

STATEMENT_TYPE = "spine-ra/card-keys/1"


class DeskKey:
    """A P-256 key in memory."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def public(self) -> str:
        """Return the SubjectPublicKeyInfo, DER in base64, as the approval names it."""
        return base64.b64encode(spki_of(self._key.public_key())).decode()

    def sign_keys(self, issuance: str, card_serial: str, requests: Mapping[Purpose, bytes]) -> bytes:
        """Return the ES256 signature (raw r || s) over the keys of the CSRs (DER) from this card."""
        facts = {
            "type": STATEMENT_TYPE,
            "issuance": issuance,
            "card_serial": card_serial,
            "authentication_key": key_fingerprint(requests[Purpose.AUTHENTICATION]),
            "content_commitment_key": key_fingerprint(requests[Purpose.CONTENT_COMMITMENT]),
        }
        return raw_signature(self._key, canonical(facts))
