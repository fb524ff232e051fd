"""Releasing SO PINs: unwrapped in the token and wrapped again. Who may have one: ``release_approvals.py``.

The web process and the registration authority's database may be in wrong hands. What they cannot make is the
signature of an operator's or colleague's card. A release on a one-time code has no such signature; it is
therefore counted here, per card and in all, so that a taken-over web process gets few.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Protocol

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from app.ca.audit_ports import AuditRecord
from app.ca.ports import (
    ApprovalRecord,
    CertificateLedger,
    DecryptionKey,
    JobOnRecord,
    ReleaseLedger,
)
from app.ca.refusals import NoSoPinInEscrow, ReleaseNotApproved, TooManyReleases
from app.ca.release_approvals import ReleaseApprovals
from app.clock import Clock
from app.domain.actor import Actor
from app.domain.audit_event import AuditEvent
from app.domain.offline_unlock import challenge_of, key_of, response
from app.domain.so_pin_release import ReleaseBasis, SoPinReleaseOrder, so_pin_of
from app.errors import Refusal

ACTOR = Actor.system("ca")
SMALLEST_RECIPIENT_BITS = 2048
# The card's present SO PIN, and those that an interrupted change may have left on it.
MOST_SO_PINS = 3
_GIVEN_AWAY = (ReleaseBasis.OFFLINE, ReleaseBasis.EXPORT)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
# SHA-1: SoftHSM decrypts OAEP with nothing else, and OAEP does not rest on collision resistance.
_OAEP_OF_ESCROW = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303
_OAEP_TO_DESK = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


@dataclass(frozen=True)
class CodeLimits:
    """How many releases a day may rest on one-time codes: of one card, and in all within an hour."""

    of_a_card: int = 5
    in_an_hour: int = 300


class Wrapped(Protocol):
    """What an order names of the key that the SO PIN is wrapped to."""

    @property
    def recipient_key(self) -> bytes: ...


class SoPinReleaser:
    """Releases SO PINs.

    Args:
        key: the escrow key in the token.
        ledger: what this authority issued and revoked.
        record: the registration authority's record.
        releases: our own record of releases.
        origin: the web origin at which people sign.
    """

    def __init__(
        self,
        *,
        key: DecryptionKey,
        ledger: CertificateLedger,
        record: ApprovalRecord,
        releases: ReleaseLedger,
        audit: AuditRecord,
        origin: str,
        clock: Clock,
        limits: CodeLimits | None = None,
    ) -> None:
        self._key = key
        self._ledger = ledger
        self._record = record
        self._releases = releases
        self._audit = audit
        self._approvals = ReleaseApprovals(ledger, record, origin)
        self._clock = clock
        self._limits = limits or CodeLimits()

    def release(self, order: SoPinReleaseOrder) -> tuple[bytes, ...]:
        """The card's SO PINs, the likeliest first, each wrapped to the recipient's key.

        RSA-OAEP with SHA-256 (RFC 8017 section 7.1). The same order again gives the same SO PINs.

        Raises:
            CertificateRefused, ApprovalNotValid: a rule says no; that is audited too.
            Unavailable: the audit, a database or the token is down; the order may be sent again.
        """
        now = self._clock()
        try:
            job = self._require_open_job(order)
            signers = self._approvals.require(order, job, now)
            answer = self._answering(order)
            so_pins = self._unwrapped(order.card_serial)
            self._count(order, now)
        except Refusal as refusal:
            self._audit.refused(_event(order, ()).refused(refusal.code))
            raise
        self._audit.happened([_event(order, signers)])
        return tuple(answer(so_pin) for so_pin in so_pins)

    def _answering(self, order: SoPinReleaseOrder) -> Callable[[bytes], bytes]:
        """How an SO PIN goes out: wrapped to the desk's key, or hidden for a computer without network."""
        if order.basis is not ReleaseBasis.OFFLINE:
            recipient = _recipient(order.recipient_key)
            return lambda so_pin: recipient.encrypt(so_pin, _OAEP_TO_DESK)
        challenge = challenge_of(order.recipient_key, order.card_serial)
        wrapped = self._record.workstation_key(challenge.workstation_id.hex()) if challenge else None
        key = key_of(self._opened(wrapped), challenge.workstation_id) if challenge and wrapped else None
        if challenge is None or key is None:
            raise ReleaseNotApproved("This computer is not registered for unlocking without network.")
        return lambda so_pin: response(key, challenge, order.card_serial, so_pin).encode()

    def _require_open_job(self, order: SoPinReleaseOrder) -> JobOnRecord:
        job = self._record.card_job(order.job_id)
        if job is None or not job.is_open:
            raise ReleaseNotApproved("There is no open job of this id. Begin a new one.")
        if (job.holder_uid, job.card_serial, job.basis) != (
            order.holder_uid,
            order.card_serial,
            order.basis.value,
        ):
            raise ReleaseNotApproved("The job on record is another one.")
        certified = self._ledger.of_card(order.card_serial)
        # A card whose issuance was undone before anything was certified is cleared, too.
        is_never_used = not certified and job.kind == "clear"
        if not is_never_used and (not certified or certified[0].intended.holder != order.holder_uid):
            raise ReleaseNotApproved("This card is not one that was certified for this holder.")
        return job

    def _unwrapped(self, card_serial: str) -> list[bytes]:
        """What is in escrow for the card; what was wrapped for another card is left out."""
        wrapped = self._record.escrowed_so_pins(card_serial)[:MOST_SO_PINS]
        opened = (so_pin_of(self._opened(each), card_serial) for each in wrapped)
        so_pins = [so_pin for so_pin in opened if so_pin is not None]
        if not so_pins:
            raise NoSoPinInEscrow("No SO PIN of this card is in escrow. Issue a new card instead.")
        return so_pins

    def _opened(self, wrapped: bytes) -> bytes:
        try:
            return self._key.decrypt(wrapped, _OAEP_OF_ESCROW)
        except ValueError:
            return b""

    def _count(self, order: SoPinReleaseOrder, now: datetime) -> None:
        """Record the release first: what is counted can be released again, and never the other way round."""
        recipient = sha256(order.recipient_key).hexdigest()
        if self._releases.is_recorded(order.job_id, recipient):
            return
        if order.basis is ReleaseBasis.OFFLINE and self._releases.is_answered(recipient):
            raise ReleaseNotApproved("This challenge was answered before. Have a new one made.")
        if order.basis is ReleaseBasis.CODE:
            of_card = self._releases.count(order.basis, now - timedelta(days=1), order.card_serial)
            in_all = self._releases.count(order.basis, now - timedelta(hours=1))
            if of_card >= self._limits.of_a_card or in_all >= self._limits.in_an_hour:
                raise TooManyReleases(
                    "Cards were unlocked by code too often. Wait, or go to your registration authority."
                )
        if order.basis is ReleaseBasis.HOLDER:
            self._require_given_away_before(order.card_serial, now)
        self._releases.record(order, recipient, now)

    def _require_given_away_before(self, card_serial: str, now: datetime) -> None:
        """Else a taken-over web process could have SO PINs brought to the desks of people who sign for it."""
        given_away = sum(self._releases.count(basis, _EVER, card_serial) for basis in _GIVEN_AWAY)
        today = self._releases.count(ReleaseBasis.HOLDER, now - timedelta(days=1), card_serial)
        if not given_away or today >= self._limits.of_a_card:
            raise TooManyReleases("This is not to be changed now. Have the card unlocked at a desk instead.")


def _recipient(der: bytes) -> rsa.RSAPublicKey:
    try:
        key = serialization.load_der_public_key(der)
    except ValueError:
        key = None
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < SMALLEST_RECIPIENT_BITS:
        raise ReleaseNotApproved("The desk's key must be an RSA key of 2048 bits or more.")
    return key


def _event(order: SoPinReleaseOrder, signers: Sequence[str]) -> AuditEvent:
    details = {
        "job": order.job_id[:200],
        "card": order.card_serial[:40],
        "basis": order.basis.value,
        "signers": list(signers),
        "recipient": sha256(order.recipient_key).hexdigest(),
        **({"reason_given": order.reason[:500]} if order.reason else {}),
    }
    return AuditEvent.by(ACTOR, "so_pin.released", order.holder_uid[:200], details)
