"""Verifying the whole audit with the audit key's public half alone, and saying in words what was found."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.domain.audit_chain import ChainBroken, Head, Seal, follow, signed_by
from app.domain.audit_event import Outcome, RecordedEvent

_PROBLEMS_KEPT = 20


def key_id_of(public_key: EllipticCurvePublicKey) -> str:
    """What seals call a key: SHA-256 of its SubjectPublicKeyInfo, in hexadecimal."""
    return hashlib.sha256(
        public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).hexdigest()


@dataclass
class AuditFindings:
    """What the verification found.

    Attributes:
        head: the newest event that was read.
        outcomes: how many events of each name and outcome.
        last_sealed: the highest event under a seal that holds.
        problems: sentences; none when nothing is wrong.
    """

    head: Head = field(default_factory=Head.before_all)
    first_at: datetime | None = None
    last_at: datetime | None = None
    outcomes: Counter[tuple[str, Outcome]] = field(default_factory=Counter)
    good_seals: int = 0
    last_sealed: Seal | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether nothing was changed, removed, moved or cut."""
        return not self.problems

    @property
    def events(self) -> int:
        """How many events were read."""
        return self.outcomes.total()

    @property
    def refused(self) -> int:
        """How many of them record a refusal."""
        return sum(count for (_, outcome), count in self.outcomes.items() if outcome is Outcome.REFUSED)

    def problem(self, sentence: str) -> None:
        """Note a problem; after many, only that there are more would follow."""
        if len(self.problems) < _PROBLEMS_KEPT:
            self.problems.append(sentence)


def verify(
    events: Iterable[RecordedEvent],
    seals: Sequence[Seal],
    seals_elsewhere: Sequence[Seal],
    public_key: EllipticCurvePublicKey,
) -> AuditFindings:
    """Check every event's hash and place, and every seal's signature and the event that it seals.

    Args:
        events: all of them, in order of their numbers; read once.
        seals: those beside the events.
        seals_elsewhere: those that are kept in another place, where whoever changes events cannot reach.
    """
    findings = AuditFindings()
    sealed_hashes = {seal.seq: "" for seal in (*seals, *seals_elsewhere)}
    for event in events:
        _check_event(findings, event)
        if event.seq in sealed_hashes:
            sealed_hashes[event.seq] = event.hash
    for seal in _each_once([*seals, *seals_elsewhere]):
        _check_seal(findings, seal, sealed_hashes[seal.seq], public_key)
    for missing in sorted({seal.seq for seal in seals_elsewhere} - {seal.seq for seal in seals}):
        findings.problem(f"The seal on event {missing} was removed from the database.")
    return findings


def _check_event(findings: AuditFindings, event: RecordedEvent) -> None:
    try:
        follow(findings.head, [event])
    except ChainBroken as broken:
        findings.problem(str(broken))
    # After a break, go on from what is there, so that each further break is told too.
    findings.head = Head(event.seq, event.hash)
    findings.first_at = findings.first_at or event.at
    findings.last_at = event.at
    findings.outcomes[event.event.event, event.event.outcome] += 1


def _each_once(seals: Sequence[Seal]) -> Iterator[Seal]:
    return iter(sorted(dict.fromkeys(seals), key=lambda seal: (seal.seq, seal.sealed_at)))


def _check_seal(
    findings: AuditFindings, seal: Seal, hash_there: str, public_key: EllipticCurvePublicKey
) -> None:
    if seal.key_id != key_id_of(public_key) or not signed_by(seal, public_key):
        findings.problem(f"The seal on event {seal.seq} was not made with this key: it is forged.")
    elif seal.seq > findings.head.seq:
        findings.problem(
            f"Event {seal.seq} was sealed at {seal.sealed_at:%Y-%m-%d %H:%M:%S}, but the audit ends at event"
            f" {findings.head.seq}: its end was cut off."
        )
    elif hash_there != seal.hash:
        findings.problem(
            f"Event {seal.seq} is not the one that was sealed at {seal.sealed_at:%Y-%m-%d %H:%M:%S}: it or an"
            " earlier one was replaced."
        )
    else:
        findings.good_seals += 1
        findings.last_sealed = seal


def story(findings: AuditFindings, public_key: EllipticCurvePublicKey) -> list[str]:
    """What was found, in lines for a person."""
    return [
        *_events_told(findings),
        *_seals_told(findings, public_key),
        "",
        *([f"PROBLEM: {sentence}" for sentence in findings.problems]),
        _verdict(findings),
    ]


def _events_told(findings: AuditFindings) -> Iterator[str]:
    if findings.first_at is None or findings.last_at is None:
        yield "The audit has no events yet."
        return
    yield (
        f"The audit has {_number(findings.events, 'event')}, from {findings.first_at:%Y-%m-%d %H:%M:%S} to"
        f" {findings.last_at:%Y-%m-%d %H:%M:%S} UTC; {findings.refused} of them {_records(findings.refused)}:"
    )
    for (event, outcome), count in sorted(findings.outcomes.items()):
        yield f"  {count:>7}  {event}{' refused' if outcome is Outcome.REFUSED else ''}"


def _records(count: int) -> str:
    return "records a refusal" if count == 1 else "record refusals"


def _seals_told(findings: AuditFindings, public_key: EllipticCurvePublicKey) -> Iterator[str]:
    key = f"the key {key_id_of(public_key)[:16]}…"
    if findings.last_sealed is None:
        yield f"No event is sealed with {key}: until one is, the end could be cut off unnoticed."
        return
    unsealed = findings.head.seq - findings.last_sealed.seq
    seals, last = _number(findings.good_seals, "seal"), findings.last_sealed.seq
    yield f"{seals} of {key} {'holds' if findings.good_seals == 1 else 'hold'}; the last is on event {last}."
    if unsealed > 0:
        yield f"{_number(unsealed, 'event')} came after it and will be under the next seal."


def _verdict(findings: AuditFindings) -> str:
    if findings.is_whole:
        return "Every event is as it was written; none was changed, removed, added or moved."
    return f"The audit is NOT as it was written: {_number(len(findings.problems), 'problem')}."


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
