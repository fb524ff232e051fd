"""What the audit records: one event for each thing that happened, allowed or refused.

Every kind of event is declared here with the details that it must carry when it was allowed; a refused event
carries what was known by then. Whoever adds an ability appends its events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from app.domain.actor import Actor
from app.domain.json_value import JsonValue

REQUIRED_DETAILS: Mapping[str, frozenset[str]] = {
    # People
    "person.registered": frozenset({"uid"}),
    "person.name_changed": frozenset({"before", "after", "reason_given", "document", "card"}),
    "person.searched": frozenset({"found"}),
    "person.viewed": frozenset(),
    "person.photo_viewed": frozenset(),
    "person.duplicates_searched": frozenset({"found"}),
    # Access
    "position.created": frozenset({"position", "name", "approval"}),
    "access_request.raised": frozenset({"request", "position", "organisation"}),
    "access_request.taken": frozenset({"request"}),
    "access_request.granted": frozenset({"request", "position", "organisation", "role_profiles"}),
    "access_request.rejected": frozenset({"request", "position", "organisation", "reason_given"}),
    "role_profile.withdrawn": frozenset({"role_profile", "organisation", "job_role", "reason_given"}),
    # Cards and certificates
    "card_issuance.begun": frozenset({"issuance"}),
    "card_issuance.ticket_given": frozenset({"issuance"}),
    "card_issuance.claimed": frozenset({"issuance"}),
    "card_issuance.approved": frozenset({"issuance", "card", "certificate"}),
    "card_issuance.so_pin_escrowed": frozenset({"issuance", "card"}),
    "card_issuance.keys_presented": frozenset({"issuance", "card", "keys"}),
    "card_issuance.certified": frozenset({"issuance", "card", "certificates"}),
    "card_issuance.step_failed": frozenset({"issuance", "step"}),
    "card_issuance.undone": frozenset({"issuance", "before", "reason_given"}),
    "card.activated": frozenset({"issuance", "uid"}),
    "card.reported_lost": frozenset({"uid", "before"}),
    "card.reported_stolen": frozenset({"uid", "before"}),
    "card.reported_damaged": frozenset({"before", "reason_given"}),
    "card.reported_faulty": frozenset({"before", "reason_given"}),
    "card.cancelled": frozenset({"uid", "before", "reason_given"}),
    "renewals.forecast_read": frozenset({"within", "shown"}),
    "card_repair.begun": frozenset({"job", "uid", "card"}),
    "card.repaired": frozenset({"job", "card", "uid"}),
    "card_renewal.begun": frozenset({"job", "uid", "card", "signing"}),
    "card_renewal.keys_presented": frozenset({"job", "card", "keys"}),
    "card_renewal.signed": frozenset({"job", "card", "signer", "signed_as"}),
    "card_renewal.certified": frozenset({"job", "card", "certificates"}),
    "card_renewal.finished": frozenset({"job", "card"}),
    "card.renewed": frozenset({"job", "card", "uid", "withdrawn"}),
    "card.last_try_agreed": frozenset({"card", "secret", "second", "signed"}),
    "workstation_report.received": frozenset({"reference"}),
    "card.expiring": frozenset({"uid", "before", "ends_at"}),
    "card.expired": frozenset({"uid", "before", "ends_at"}),
    "card_batch.people_checked": frozenset({"people", "left_out"}),
    "card_batch.begun": frozenset({"people", "left_out"}),
    "card_batch.ticket_given": frozenset(),
    "card_batch.claimed": frozenset(),
    "card_batch.closed": frozenset(),
    "card_job.begun": frozenset({"job", "kind", "card"}),
    "card_job.ticket_given": frozenset({"job", "kind"}),
    "card_job.claimed": frozenset({"job", "kind"}),
    "card_job.approved": frozenset({"job", "card", "certificate"}),
    "card_job.step_failed": frozenset({"job", "kind", "step"}),
    "card_job.undone": frozenset({"job", "kind", "reason_given"}),
    # The stock of cards, and what is printed on them
    "card.printed": frozenset({"uid", "number", "digest"}),
    "card.reprinted": frozenset({"uid", "number", "digest", "reason_given"}),
    "stock_place.added": frozenset({"name"}),
    "stock_place.warning_set": frozenset({"low_at"}),
    "stock_delivery.handed_in": frozenset({"file", "digest", "cards", "refused"}),
    "stock_delivery.applied": frozenset({"cards", "refused", "place"}),
    "stock_delivery.discarded": frozenset(),
    "stock.moved": frozenset({"cards", "serials", "note"}),
    "stock_take.begun": frozenset({"place"}),
    "stock_take.counted": frozenset({"seen"}),
    "stock_take.corrected": frozenset({"serial"}),
    "stock_take.closed": frozenset({"expected", "counted", "findings"}),
    "stock_take.abandoned": frozenset(),
    "stock_finding.settled": frozenset({"serial", "kind", "decision", "note"}),
    "card.suspended": frozenset({"uid", "before", "reason_given"}),
    "card.resumed": frozenset({"uid", "before", "reason_given"}),
    "card.cleared": frozenset({"before", "certificates"}),
    "card.destroyed": frozenset({"before", "reason_given", "witness"}),
    "card.unlock_response_given": frozenset({"job", "card", "so_pin"}),
    "workstation.invited": frozenset({"name"}),
    "workstation.registered": frozenset({"workstation"}),
    "workstation.retired": frozenset(),
    "unlock_code.asked_for": frozenset({"channel", "sent"}),
    "unlock_code.used": frozenset({"code", "job", "card"}),
    "authenticator.begun": frozenset(),
    "authenticator.confirmed": frozenset(),
    "authenticator.removed": frozenset(),
    "so_pin.asked_for": frozenset({"job", "card", "basis", "recipient"}),
    "so_pin.next_escrowed": frozenset({"job", "card"}),
    "so_pin.exported": frozenset({"job", "card", "signers", "reason_given"}),
    "so_pin.changed": frozenset({"job", "card", "so_pin"}),
    "so_pin.export_ended": frozenset({"job", "card", "so_pin"}),
    "card.unlocked": frozenset({"job", "card", "so_pin"}),
    "so_pin.released": frozenset({"job", "card", "basis", "signers", "recipient"}),
    "certificate.issued": frozenset(),
    "certificate.revoked": frozenset(),
    "crl.published": frozenset(),
    "ocsp_signer.certified": frozenset(),
    "authority.revoked": frozenset({"reason", "because", "witnesses", "reviewed_file_sha256"}),
    "authority.succeeded": frozenset({"because", "witnesses", "reviewed_file_sha256"}),
    "certificate.receipt_kept": frozenset({"sha256"}),
    # Sign-in and relying parties
    "signin.succeeded": frozenset(),
    "signin.refused": frozenset(),
    "role.chosen": frozenset(),
    "terms.accepted": frozenset(),
    "session.ended": frozenset(),
    "openid.code_issued": frozenset(),
    "openid.tokens_issued": frozenset(),
    "openid.tokens_revoked": frozenset(),
    # Refused ones only: an answered introspection is a read.
    "openid.token_introspected": frozenset(),
    # Signatures of prescriptions: never what was prescribed
    "signature.verified": frozenset({"valid", "reasons", "digest"}),
    # The authority itself
    "audit.read": frozenset(),
    "registration_authority.founded": frozenset({"digest", "witnesses", "issuances"}),
    "organisations.imported": frozenset({"source", "added", "changed", "unchanged", "refused"}),
    "organisation_load.handed_in": frozenset({"file", "digest", "size", "kind"}),
    "organisation_load.previewed": frozenset({"read", "refused", "changes"}),
    "organisation_load.failed": frozenset({"message"}),
    "organisation_load.preview_asked": frozenset(),
    "organisation_load.approved": frozenset({"changes", "digest"}),
    "organisation_load.part_applied": frozenset({"first", "last", "applied", "stale"}),
    "organisation_load.finished": frozenset({"applied", "stale"}),
    "organisation_load.discarded": frozenset(),
    "organisation.access_ended": frozenset({"closes_on", "role_profiles", "positions"}),
    "organisation.access_handed_on": frozenset({"closes_on", "role_profiles", "positions", "requests"}),
    "organisation.closing_postponed": frozenset({"until", "reason_given"}),
    "rbac.imported": frozenset({"version", "effective_from", "job_roles", "activities", "refused"}),
    # Systems
    "system_request.raised": frozenset({"request", "kind", "organisation"}),
    "system_request.host_names_checked": frozenset({"request", "found"}),
    "system_request.approved": frozenset({"request", "kind", "requested_by", "approved_by", "systems"}),
    "system_request.rejected": frozenset({"request", "kind", "reason_given"}),
    "system_request.cancelled": frozenset({"request", "kind"}),
    "system.password_given": frozenset(),
    "system.password_taken_away": frozenset(),
    "system.suspended": frozenset({"request", "reason_given"}),
    "system_certificate.issued": frozenset({"serial_number"}),
    "system_certificate.revoked": frozenset({"serial_number", "reason_given"}),
    "migration.import_begun": frozenset({"digest"}),
    "migration.batch_taken_over": frozenset({"kind", "taken", "unchanged", "refused", "reduced", "digest"}),
    "migration.change_taken_over": frozenset({"number", "type", "outcome"}),
    "migration.cut_over": frozenset({"followed_to"}),
    # The directory
    "directory.difference_mended": frozenset({"entries", "named"}),
    "directory.stranger_found": frozenset({"entries", "named"}),
    "system.registered": frozenset({"kind", "organisation_code", "requested_by", "approved_by"}),
}


class Outcome(StrEnum):
    """How the thing ended."""

    ALLOWED = "allowed"
    REFUSED = "refused"


class UnknownAuditEvent(ValueError):
    """An event is not declared, or lacks a detail that its declaration requires: a fault of ours."""


@dataclass(frozen=True)
class AuditEvent:
    """One thing that happened.

    Attributes:
        event: its declared name, e.g. ``card.activated``.
        subject: whom or what it was about: a user id, a card's serial number, an organisation's code.
        outcome: allowed or refused.
        reason: the refusal's stable code; empty when allowed.
        details: what else must be known later: before and after, approvals, numbers. Never a secret.
    """

    event: str
    subject: str
    actor_uid: str
    actor_role_profile: str | None = None
    actor_address: str = ""
    request_id: str = ""
    outcome: Outcome = Outcome.ALLOWED
    reason: str = ""
    details: Mapping[str, JsonValue] = field(default_factory=dict)

    @classmethod
    def by(cls, actor: Actor, event: str, subject: str, details: Mapping[str, JsonValue]) -> AuditEvent:
        """An allowed event of an actor."""
        return cls(
            event,
            subject,
            actor.uid,
            actor.role_profile_id,
            actor.address,
            actor.request_id,
            details=dict(details),
        )

    def refused(self, code: str) -> AuditEvent:
        """The same event, refused for the reason with this stable code."""
        return replace(self, outcome=Outcome.REFUSED, reason=code)


def require_declared(event: str) -> None:
    """Refuse the name of an event that is not declared.

    Raises:
        UnknownAuditEvent
    """
    if event not in REQUIRED_DETAILS:
        raise UnknownAuditEvent(f"declare the audit event {event!r} in app/domain/audit_event.py")


def require_complete(event: AuditEvent) -> None:
    """Refuse an event that is not declared or, when allowed, lacks a required detail.

    Raises:
        UnknownAuditEvent
    """
    require_declared(event.event)
    missing = REQUIRED_DETAILS[event.event] - set(event.details)
    if missing and event.outcome is Outcome.ALLOWED:
        raise UnknownAuditEvent(f"the audit event {event.event!r} lacks {', '.join(sorted(missing))}")


_LONGEST = {"subject": 200, "actor_uid": 40, "actor_address": 45, "request_id": 64}


def storable(event: AuditEvent) -> AuditEvent:
    """The event as every database can keep it: what strangers typed must not keep it from being recorded.

    Too long a text is cut and ends in an ellipsis; half characters and NUL are replaced.
    """
    fitting = {name: _fitting(getattr(event, name), length) for name, length in _LONGEST.items()}
    details = {name: _whole(value) for name, value in event.details.items()}
    return replace(event, **fitting, details=details)  # type: ignore[arg-type]


def _fitting(text: str, length: int) -> str:
    whole = _whole_text(text)
    return whole if len(whole) <= length else whole[: length - 1] + "…"


def _whole_text(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "?")


def _whole(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return _whole_text(value)
    if isinstance(value, Mapping):
        return {_whole_text(name): _whole(each) for name, each in value.items()}
    if isinstance(value, Sequence):
        return [_whole(each) for each in value]
    return value


@dataclass(frozen=True)
class RecordedEvent:
    """An event in its place in the chain.

    Attributes:
        seq: 1 for the first event, without gaps.
        previous_hash, hash: SHA-256 in hexadecimal (``app.domain.audit_chain``).
    """

    seq: int
    at: datetime
    event: AuditEvent
    previous_hash: str
    hash: str
