"""The chain that audit events form, and the seals that the audit key puts on its heads.

Each event's hash covers the event and the hash before it, so a changed, removed, added or moved event
breaks the chain there. Whoever could rewrite the whole chain, or cut its tail, is caught by the seals: the CA
process signs the newest head with a key in its token, after checking that the chain still contains the head
that it signed before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from app.domain.audit_event import AuditEvent, RecordedEvent
from app.domain.json_value import canonical_json

SEAL_TYPE = "spine-ra/audit-seal/1"


@dataclass(frozen=True)
class Head:
    """The newest event of a chain: its number and hash. ``Head.before_all()`` is that of the empty chain."""

    seq: int
    hash: str

    @classmethod
    def before_all(cls) -> Head:
        """The head of the chain that has no event yet."""
        return cls(0, "0" * 64)


@dataclass(frozen=True)
class Seal:
    """The audit key's word that the chain up to ``seq`` had this hash.

    Attributes:
        key_id: which key signed: SHA-256 of its SubjectPublicKeyInfo, hexadecimal.
        signature: ECDSA with SHA-256 over ``seal_statement``, DER (RFC 3279 2.2.3).
    """

    seq: int
    hash: str
    sealed_at: datetime
    key_id: str
    signature: bytes


class ChainBroken(Exception):
    """The audit is not as it was written. ``seq`` is the number of the first event that is wrong."""

    def __init__(self, seq: int, message: str) -> None:
        super().__init__(message)
        self.seq = seq


def instant_text(instant: datetime) -> str:
    """An instant as hashes and signatures cover it: UTC, always with microseconds."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


def event_hash(previous_hash: str, seq: int, at: datetime, event: AuditEvent) -> str:
    """SHA-256 of the previous hash followed by the event's canonical JSON, in hexadecimal."""
    fields = canonical_json(
        {
            "seq": seq,
            "at": instant_text(at),
            "event": event.event,
            "outcome": event.outcome.value,
            "reason": event.reason,
            "actor_uid": event.actor_uid,
            "actor_role_profile": event.actor_role_profile,
            "actor_address": event.actor_address,
            "request_id": event.request_id,
            "subject": event.subject,
            "details": event.details,
        }
    )
    return hashlib.sha256(bytes.fromhex(previous_hash) + fields).hexdigest()


def append(head: Head, at: datetime, event: AuditEvent) -> RecordedEvent:
    """The event in its place after the head."""
    seq = head.seq + 1
    return RecordedEvent(seq, at, event, head.hash, event_hash(head.hash, seq, at, event))


def follow(head: Head, events: Iterable[RecordedEvent]) -> Head:
    """Check that the events go on from the head without a gap or a change; give the new head.

    Raises:
        ChainBroken: at the first event that is not as it was written.
    """
    for recorded in events:
        head = _next(head, recorded)
    return head


def _next(head: Head, recorded: RecordedEvent) -> Head:
    if recorded.seq != head.seq + 1:
        raise ChainBroken(
            head.seq + 1, f"Event {head.seq + 1} is missing: event {recorded.seq} follows {head.seq}."
        )
    if recorded.previous_hash != head.hash:
        raise ChainBroken(
            recorded.seq,
            f"Event {recorded.seq} does not follow event {head.seq}: one of them was replaced or moved.",
        )
    if recorded.hash != event_hash(head.hash, recorded.seq, recorded.at, recorded.event):
        raise ChainBroken(recorded.seq, f"Event {recorded.seq} was changed after it was written.")
    return Head(recorded.seq, recorded.hash)


def seal_statement(head: Head, sealed_at: datetime, key_id: str) -> bytes:
    """What the audit key signs: canonical JSON of the head, the time and the key."""
    return canonical_json(
        {
            "type": SEAL_TYPE,
            "seq": head.seq,
            "hash": head.hash,
            "sealed_at": instant_text(sealed_at),
            "key_id": key_id,
        }
    )


def signed_by(seal: Seal, public_key: EllipticCurvePublicKey) -> bool:
    """Whether the key's signature on the seal is right."""
    statement = seal_statement(Head(seal.seq, seal.hash), seal.sealed_at, seal.key_id)
    try:
        public_key.verify(seal.signature, statement, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True
