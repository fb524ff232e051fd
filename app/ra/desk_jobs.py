"""The desk's part of issuing a card: claim the job, approve, personalise, certify, complete.

Each call is one step of an issuance. A step that was done may be sent again and does no harm; a step out of
order is refused. The desk is known by the job token alone, which only whoever brought the ticket has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property

from cryptography import x509

from app.domain.certificate_order import SignedApproval, serial_number_text
from app.domain.desk_record import hash_of, new_secret, require_held, with_failure, with_step
from app.domain.issuance import (
    CardIssuance,
    IssuanceStatus,
    IssuanceStepOutOfOrder,
    require_open,
    require_status,
    without_keys,
)
from app.domain.json_value import JsonValue
from app.domain.pin_policy import PinPolicy
from app.domain.stock import UndeliveredCards
from app.errors import InvalidInput
from app.ra.approving import bind_card, verified_statement
from app.ra.certifying import CardKeys, Certifying, card_keys_from_untrusted, same_keys
from app.ra.completing import complete_issuance, require_read_back
from app.ra.desk_access import STRANGER, claim_issuance, held_issuance, operator_of, save_step
from app.ra.desk_messages import certificates_message, job_message, stored_certificates
from app.ra.ports import CertificateAuthority, Database, Work
from app.ra.records import ClaimedJob

# RSA-OAEP gives as many bytes as the modulus has: 2048 to 8192 bits.
_WRAPPED_SO_PIN_BYTES = range(256, 1025)
_BEFORE_CERTIFICATION = (IssuanceStatus.BEGUN, IssuanceStatus.APPROVED, IssuanceStatus.PERSONALISING)


@dataclass(frozen=True)
class DeskPolicy:
    """What desks are told, and whether they may issue a card that no delivery brought.

    Attributes:
        origin: the site's.
        card_profile: the kind of card that they issue.
        pin_policy: how PINs must look.
    """

    origin: str
    card_profile: str = "softhsm"
    pin_policy: PinPolicy = field(default_factory=PinPolicy)
    undelivered_cards: UndeliveredCards = UndeliveredCards.RECORDED


class DeskJobs:
    """The jobs of card agents."""

    def __init__(
        self, database: Database, certificate_authority: CertificateAuthority, policy: DeskPolicy
    ) -> None:
        self._database = database
        self._certificate_authority = certificate_authority
        self._certifying = Certifying(database, certificate_authority)
        self._policy = policy

    @cached_property
    def _escrow_key(self) -> bytes:
        """PEM. Fixed at the key ceremony, so asked for once."""
        return self._certificate_authority.escrow_public_key()

    def claim(self, ticket: str) -> ClaimedJob:
        """Exchange the one-time ticket for the job and a job token; an earlier job token stops working.

        What an earlier desk began with the certificate authority is finished first, so that the job is told
        as it really stands: a card whose keys were certified must not be made anew.

        Raises:
            TicketNotValid, IssuanceNotOpen, Unavailable
        """
        # Asked for before the ticket is used up: with the certificate authority down, the ticket stays good.
        escrow_key = self._escrow_key
        job_token, unknown = new_secret(), "(unknown)"
        with self._database.audited(STRANGER, "card_issuance.claimed", unknown, issuance=unknown) as work:
            issuance = claim_issuance(work, hash_of(ticket), hash_of(job_token))
            told = self._message(work, issuance, escrow_key)
        if issuance.status is IssuanceStatus.PERSONALISING:
            self._certifying.finish(operator_of(issuance), issuance)
            told = self._told(job_token, issuance.id, escrow_key)
        return ClaimedJob(told, job_token)

    def job(self, job_token: str, issuance_id: str) -> Mapping[str, JsonValue]:
        """The job as it stands, when what was begun with the certificate authority is finished.

        Raises:
            JobTokenNotValid, Unavailable
        """
        issuance = self._held(job_token, issuance_id)
        if issuance.status is IssuanceStatus.PERSONALISING:
            self._certifying.finish(operator_of(issuance), issuance)
        return self._told(job_token, issuance_id, self._escrow_key)

    def _told(self, job_token: str, issuance_id: str, escrow_key: bytes) -> Mapping[str, JsonValue]:
        with self._database.read() as work:
            issuance = work.issuances.get(issuance_id)
            return self._message(work, require_held(issuance, job_token, work.now), escrow_key)

    def personalise(
        self,
        job_token: str,
        issuance_id: str,
        *,
        card_serial: str,
        wrapped_so_pin: bytes,
        approval: SignedApproval | None,
    ) -> None:
        """Keep the operator's approval, set the card aside for the holder, and escrow the card's new SO PIN.

        All of it or nothing; the desk initialises the card only after this. An approval is for one run at one
        desk, whose key it names. Until the card is certified another one takes its place, for the same card;
        keys that were presented under the earlier one count no more.

        Args:
            approval: None where the founding approves.

        Raises:
            JobTokenNotValid, InvalidInput, ApprovalNotValid, CardNotBlank, IssuanceAlreadyOpen,
            IssuanceNotOpen, IssuanceStepOutOfOrder, PersonClosed
        """
        require_wrapped_so_pin(wrapped_so_pin)
        event = f"card_issuance.{'approved' if approval else 'so_pin_escrowed'}"
        with suppress(_DoneBefore), self._step(job_token, issuance_id, event) as (work, issuance):
            if approval is not None:
                require_status(issuance, *_BEFORE_CERTIFICATION)
                _require_not_repeated(work, issuance, approval, wrapped_so_pin)
                issuance = self._approved(work, issuance, approval, card_serial)
            require_status(issuance, IssuanceStatus.APPROVED, IssuanceStatus.PERSONALISING)
            # The desk erases the card next, and with it any keys that were presented before.
            bound = without_keys(self._bound_to(work, issuance, card_serial))
            save_step(work, replace(bound, status=IssuanceStatus.PERSONALISING), "so_pin_escrowed")
            work.cards.escrow(card_serial, wrapped_so_pin, work.now, issuance_id=issuance_id)
            work.audit.details(card=card_serial, so_pin="escrowed")

    def _approved(
        self, work: Work, issuance: CardIssuance, approval: SignedApproval, card_serial: str
    ) -> CardIssuance:
        """The issuance with the operator's approval, once it is verified to be for this card."""
        policy = self._policy
        approved = verified_statement(work, issuance, approval, policy.origin, policy.card_profile)
        if approved.card_serial != card_serial:
            raise IssuanceStepOutOfOrder(
                f"This issuance was approved for card {approved.card_serial}. Put that card in the reader."
            )
        work.audit.details(certificate=_serial_number(approval.certificate))
        kept = replace(issuance, status=IssuanceStatus.APPROVED, approval=approval)
        return with_step(kept, "approved", work.now)

    def certify(
        self,
        job_token: str,
        issuance_id: str,
        *,
        authentication_csr: bytes,
        content_commitment_csr: bytes,
        keys_signature: bytes | None,
        provenance: Mapping[str, JsonValue],
    ) -> Mapping[str, JsonValue]:
        """Have the card's two keys certified. The same keys give the same certificates.

        Args:
            keys_signature: by the desk that the operator approved; None where the founding approves.

        Raises:
            JobTokenNotValid, ApprovalNotValid, CertificateRequestNotAcceptable, CertificateRequestsChanged,
            IssuanceNotOpen, IssuanceStepOutOfOrder, Unavailable, and what the certificate authority refuses
        """
        keys = card_keys_from_untrusted(authentication_csr, content_commitment_csr, keys_signature)
        try:
            with self._step(job_token, issuance_id, "card_issuance.keys_presented") as (work, issuance):
                _require_not_certified_for(keys, work, issuance)
                order = self._certifying.record_keys(work, issuance, keys, provenance)
                # Keys are made after the card took its SO PIN.
                work.cards.confirm_so_pin(work.now, issuance_id=issuance_id)
                work.audit.details(card=issuance.card_serial, keys=keys.fingerprints)
        except _DoneBefore as before:
            return before.answer
        issued, nonce = self._certifying.certify(operator_of(issuance), issuance, order)
        return certificates_message(issued.authentication, issued.content_commitment, nonce)

    def complete(
        self, job_token: str, issuance_id: str, *, read_back: Mapping[str, str], proof: bytes
    ) -> None:
        """Verify that the card carries its certificates and holds their keys, and make it work.

        Raises:
            JobTokenNotValid, ReadBackDiffers, ProofNotValid, CardAlreadyHeld, PersonClosed, IssuanceNotOpen,
            IssuanceStepOutOfOrder
        """
        with suppress(_DoneBefore), self._step(job_token, issuance_id, "card.activated") as (work, issuance):
            if issuance.status is IssuanceStatus.ACTIVE:
                require_read_back(work.certificates.of_issuance(issuance_id), read_back)
                raise _DoneBefore
            require_status(issuance, IssuanceStatus.CERTIFIED)
            completed = complete_issuance(work, issuance, read_back, proof)
            save_step(work, completed, "activated")
            work.audit.details(card=issuance.card_serial, uid=issuance.uid)

    def fail(self, job_token: str, issuance_id: str, *, step: str, reason: str) -> None:
        """Record that a step failed at the desk; the job stays open.

        Raises:
            JobTokenNotValid, IssuanceNotOpen
        """
        with self._step(job_token, issuance_id, "card_issuance.step_failed") as (work, issuance):
            require_open(issuance)
            work.issuances.save(with_failure(issuance, step, reason, work.now))
            work.audit.details(step=step[:60], reason_given=reason[:500])

    @contextmanager
    def _step(self, job_token: str, issuance_id: str, event: str) -> Iterator[tuple[Work, CardIssuance]]:
        """One audited step, in one transaction: the issuance, locked, whose job token this is."""
        with self._database.audited(STRANGER, event, issuance_id, issuance=issuance_id) as work:
            yield work, held_issuance(work, issuance_id, job_token)

    def _held(self, job_token: str, issuance_id: str) -> CardIssuance:
        with self._database.read() as work:
            return require_held(work.issuances.get(issuance_id), job_token, work.now)

    def _bound_to(self, work: Work, issuance: CardIssuance, card_serial: str) -> CardIssuance:
        """The issuance with its card. A founding issuance gets it here, an approved one has it already."""
        if issuance.card_serial is None:
            policy = self._policy
            bind_card(work, card_serial, policy.card_profile, issuance, policy.undelivered_cards)
            return replace(issuance, card_serial=card_serial)
        if issuance.card_serial != card_serial:
            raise IssuanceStepOutOfOrder(
                f"This issuance was approved for card {issuance.card_serial}. Put that card in the reader."
            )
        return issuance

    def _message(self, work: Work, issuance: CardIssuance, escrow_key: bytes) -> Mapping[str, JsonValue]:
        policy = self._policy
        return job_message(work, issuance, policy.card_profile, policy.pin_policy, escrow_key)


class _DoneBefore(Exception):
    """The same was done before: nothing changes, and so nothing is audited. ``answer``: what it gave."""

    def __init__(self, answer: Mapping[str, JsonValue] | None = None) -> None:
        super().__init__()
        self.answer = answer or {}


def _require_not_repeated(
    work: Work, issuance: CardIssuance, approval: SignedApproval, wrapped_so_pin: bytes
) -> None:
    """A run has an approval of its own: the same one with the same SO PIN is the same call once more."""
    if issuance.approval != approval or issuance.card_serial is None:
        return
    if wrapped_so_pin in work.cards.wrapped_so_pins(issuance.card_serial):
        raise _DoneBefore


def _require_not_certified_for(keys: CardKeys, work: Work, issuance: CardIssuance) -> None:
    if issuance.status is IssuanceStatus.CERTIFIED and same_keys(issuance, keys):
        raise _DoneBefore(stored_certificates(work, issuance))


def require_wrapped_so_pin(wrapped_so_pin: bytes) -> None:
    """Refuse what cannot be an SO PIN wrapped to the escrow key.

    Raises:
        InvalidInput
    """
    if len(wrapped_so_pin) not in _WRAPPED_SO_PIN_BYTES:
        raise InvalidInput({"wrapped_so_pin": "The wrapped SO PIN has an impossible length."})


def _serial_number(certificate: bytes) -> str:
    return serial_number_text(x509.load_der_x509_certificate(certificate).serial_number)
