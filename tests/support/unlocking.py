"""A desk that unlocks cards, as far as the registration authority sees it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from secrets import token_hex

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.domain.certificate_order import SignedApproval
from app.domain.so_pin_release import SoPinOutcome
from card_agent.card_operations import raw_signature
from tests.support.registration_authority import ORIGIN, DeskCard, RegistrationAuthority, wrapped_as_told

KEPT, CHANGED = (
    SoPinOutcome(is_changed=False, reason="this kind of card keeps it"),
    SoPinOutcome(is_changed=True),
)


class UnlockDesk:
    """Works on one job, one call at a time, as a card agent does."""

    def __init__(self, ra: RegistrationAuthority, ticket: str) -> None:
        claimed = ra.collecting_jobs.claim(ticket)
        self.ra, self.job, self.job_token = ra, claimed.job, claimed.job_token
        self.id = str(claimed.job["id"])
        self.key = rsa.generate_private_key(65537, 2048)

    @property
    def recipient_key(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def reload(self) -> Mapping[str, object]:
        self.job = self.ra.collecting_jobs.job(self.job_token, self.id)
        return self.job

    def statement(self, signer_uid: str, **changes: str) -> bytes:
        holder, operator = self.job["holder"], self.job["operator"]
        assert isinstance(holder, Mapping)
        facts = {
            "type": "spine-ra/so-pin-release/1",
            "job": self.id,
            "purpose": self.job["kind"],
            "reason": self.job.get("reason", ""),
            "holder": holder["uid"],
            "holder_name": holder["name"],
            "card_serial": self.job["card_serial"],
            "recipient_key": sha256(self.recipient_key).hexdigest(),
            "signer": signer_uid,
            "signed_as": "operator" if operator else "colleague",
            "origin": ORIGIN,
            "signed_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            **changes,
        }
        return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    def sign(self, signer_uid: str, card: DeskCard, **changes: str) -> None:
        """Have a card sign the release, and send it."""
        signed = self.signed_by(signer_uid, card, **changes)
        self.ra.unlocks.releasing.approve(self.job_token, self.id, **vars(signed))

    def signed_by(self, signer_uid: str, card: DeskCard, **changes: str) -> SignedApproval:
        """A card's signature for the release."""
        statement = self.statement(signer_uid, **changes)
        signature = raw_signature(card.content_commitment, statement)
        return SignedApproval(statement, signature, card.certificates["content_commitment"])

    def release(self) -> list[bytes]:
        """What the certificate authority releases, as it arrives."""
        self.released = self.ra.unlocks.releasing.release(self.job_token, self.id, self.recipient_key)
        return list(self.released.so_pins)

    def change_so_pin(self, card: DeskCard) -> None:
        """Put another SO PIN in escrow, and give it to the card."""
        so_pin = token_hex(8)
        escrow_key = self.ra.unlocks.releasing.escrow_key(self.job_token, self.id)
        kept = wrapped_as_told(so_pin, card.serial, escrow_key)
        self.ra.unlocks.releasing.keep_next(self.job_token, self.id, kept)
        card.so_pin = so_pin

    def so_pins(self) -> list[str]:
        """The SO PINs, unwrapped with this desk's key."""
        oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
        return [self.key.decrypt(each, oaep).decode() for each in self.release()]

    def complete(self, card: DeskCard, outcome: SoPinOutcome = KEPT) -> None:
        """Prove that the card works."""
        text = b"spine-ra/card-unlocked/1:" + str(self.job["proof_nonce"]).encode()
        proof = raw_signature(card.authentication, text)
        self.ra.unlocking.complete(self.job_token, self.id, proof, outcome)
