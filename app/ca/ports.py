"""What the certificate authority needs from outside, and the values that cross over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding

from app.ca.receipt_ports import MadeReceipt, ReceiptLedger
from app.ca.status_values import CertificateState, CrlBuilder, PublishedCrl, Revocation, StatusChanges
from app.domain.audit_chain import Seal
from app.domain.certificate_order import ApprovedBy, CertificatePurpose
from app.domain.certificate_profile import KeyType
from app.domain.json_value import JsonValue
from app.domain.permission import Permission
from app.domain.so_pin_release import ReleaseBasis, SoPinReleaseOrder

SigningKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
"""A key that signs; in service it lies in the token and cannot be exported."""

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey
"""A key that is certified; Ed25519 for CAs and their responders alone."""


class SigningKeys(Protocol):
    """The token of the certificate authority."""

    def has(self, label: str) -> bool:
        """Whether a key with this label is in the token."""

    def key(self, label: str) -> SigningKey:
        """The key with this label."""

    def generate(self, label: str, key_type: KeyType) -> SigningKey:
        """Make a signing key in the token; it cannot leave it."""

    def generate_for_decryption(self, label: str, key_type: KeyType) -> None:
        """Make a key in the token that only decrypts."""

    def public_key(self, label: str) -> PublicKey:
        """The public half of the key with this label."""


OpenedToken = Callable[[], AbstractContextManager[SigningKeys]]
"""Opens a token for as long as the block lasts."""


@dataclass(frozen=True)
class IntendedCertificate:
    """What is recorded before anything is signed.

    Attributes:
        serial_number: lower-case hexadecimal.
        issuing_ca: name of the CA.
        order_id: the issuance or registration it belongs to.
        holder: user id, accredited system id, or the CA's name for an OCSP signer.
        card_serial: empty when there is no card.
        spki_sha256: SHA-256 of the SubjectPublicKeyInfo, hexadecimal.
        linted: the certificate signed with a throw-away key, DER.
        approved_by: whose signatures this authority verified for the order.
        provenance: what is known of where the key was made, canonical JSON (``app.domain.provenance``);
            empty for keys on no card.
    """

    serial_number: str
    issuing_ca: str
    purpose: CertificatePurpose
    order_id: str
    holder: str
    card_serial: str
    spki_sha256: str
    not_before: datetime
    not_after: datetime
    linted: bytes
    approved_by: ApprovedBy
    provenance: str = ""


@dataclass(frozen=True)
class CertificateRecord:
    """A certificate on record: intended, then signed. ``der`` is None until it was signed."""

    intended: IntendedCertificate
    der: bytes | None


@dataclass(frozen=True)
class SignedOrder:
    """The certificates of an order that was carried out, and its receipt's SHA-256, hexadecimal."""

    certificates: Sequence[IntendedCertificate]
    receipt_sha256: str


class CertificateLedger(ReceiptLedger, Protocol):
    """What this authority intended, signed and revoked: its own record. Each call is durable."""

    def intend(
        self, intended: Sequence[IntendedCertificate], founder: str | None, reason: bytes
    ) -> Sequence[CertificateRecord]:
        """Record all or none, why, and bind the founding entry to the order when ``founder`` is given.

        What the order has on record for the same keys stays as it is; for other keys it is replaced, unless
        it is signed. Returns what is on record for the order then.

        Raises:
            KeyAlreadyCertified, AlreadyCertified, OrderWithdrawn, FoundingRecordUnknown, FoundingEntrySpent,
            AuthorityRevoked
        """

    def of_order(self, order_id: str) -> Sequence[CertificateRecord]:
        """What is on record for an order, in the order of their purposes' names."""

    def of_card(self, card_serial: str) -> Sequence[CertificateRecord]:
        """Every signed certificate of a card, those that began last first."""

    def ending(self, first: date, last: date) -> Mapping[date, int]:
        """How many cards' authentication certificates end on each day from ``first`` to ``last``."""

    def find(self, serial_number: str) -> CertificateRecord | None:
        """The certificate with this serial number."""

    def find_signer(self, serial_number: str) -> tuple[CertificateRecord, bool] | None:
        """The certificate with this serial number, and whether it was revoked.

        Raises:
            AuthorityRevoked: the root has revoked the CA that issued it.
        """

    def unfinished(self) -> Sequence[CertificateRecord]:
        """Certificates that are intended and not signed yet."""

    def withdraw(self, order_id: str) -> None:
        """Close an order: nothing new is recorded for it, and what was not signed is forgotten."""

    def record_signed(self, ders: Mapping[str, bytes], receipt: MadeReceipt) -> Mapping[str, bytes]:
        """Keep an order's certificates by serial number, and its receipt, unless they are kept already.

        Returns those that are kept.

        Raises:
            AlreadyCertified: other keys replaced them meanwhile, or the order was undone.
        """

    def signed_unaudited(self) -> Sequence[SignedOrder]:
        """Orders whose audit events are not known to be written, those signed first before."""

    def mark_audited(self, serial_numbers: Sequence[str]) -> None:
        """Record that the audit events are written."""

    def revoke(self, revocation: Revocation) -> None:
        """Record a revocation; a second one changes nothing."""

    def revocation(self, serial_number: str) -> Revocation | None:
        """How and when the certificate was revoked."""

    def states(self, serial_numbers: Sequence[str]) -> Sequence[CertificateState]:
        """The certificates with these numbers that were issued; the others are left out."""

    def status_changes(self, after: int, limit: int) -> StatusChanges:
        """Certificates issued or revoked after the position ``after``; the oldest ``limit`` of them."""

    def is_published(self, serial_number: str) -> bool:
        """Whether a CRL that holds the revocation was made."""

    def latest_crl(self, issuing_ca: str) -> PublishedCrl | None:
        """The newest complete CRL of a CA."""

    def latest_delta_crl(self, issuing_ca: str) -> PublishedCrl | None:
        """The newest delta CRL of a CA."""

    def crl_numbers(self) -> Mapping[str, tuple[int, int]]:
        """The numbers of the newest complete and the newest delta CRL of each CA; zero for none."""

    def publish_crls(
        self,
        issuing_ca: str,
        expired_before: datetime,
        now: datetime,
        build: CrlBuilder,
        *,
        complete: bool,
        delta: bool,
    ) -> None:
        """Make the next complete CRL, the next delta CRL or both, then of one number.

        The complete one holds every revocation of a certificate that expired after ``expired_before``; the
        delta those that the oldest complete CRL lacks which still holds at ``now``, its base; without
        such a base no delta is made. ``build`` is called within the transaction, so that a CRL with a
        higher number never lacks what a lower one had.
        """

    def founding_digest(self) -> str:
        """SHA-256 of the founding file that the key ceremony fixed; empty when none was."""

    def last_seal(self) -> Seal | None:
        """The last audit head that was sealed."""

    def record_seal(self, seal: Seal) -> None:
        """Keep a seal."""


@dataclass(frozen=True)
class IssuanceOnRecord:
    """What the registration authority's record says of an issuance at this moment.

    Attributes:
        is_open: neither finished nor undone.
        card_serial: None until a card is bound to it.
        operator_uid: None when it belongs to the founding.
        operator_may_issue: the operator is active and holds a role profile that carries ``cards.issue`` now.
        is_renewal: it renews a card that its holder has.
    """

    is_open: bool
    holder_uid: str
    card_serial: str | None
    operator_uid: str | None
    operator_may_issue: bool
    is_renewal: bool = False


class ApprovalRecord(Protocol):
    """Read-only look-ups in the registration authority's database."""

    def issuance(self, issuance_id: str, now: datetime) -> IssuanceOnRecord | None:
        """The issuance with this id."""

    def may(self, uid: str, permission: Permission, now: datetime) -> bool:
        """Whether the person is active and holds a role profile that carries the permission now."""

    def is_colleague(self, uid: str, holder_uid: str, now: datetime) -> bool:
        """Whether the person is active and works now at an organisation where the holder does."""

    def card_job(self, job_id: str) -> JobOnRecord | None:
        """The card job with this id."""

    def workstation_key(self, workstation_id: str) -> bytes | None:
        """The wrapped key of a computer that is registered and not retired."""

    def escrowed_so_pins(self, card_serial: str) -> Sequence[bytes]:
        """The card's wrapped SO PINs: the one it is known to have first, then the newest others."""

    def is_system_approved(self, asid: str) -> bool:
        """Whether two people registered and approved the accredited system."""

    def background(self, issuance_id: str, holder_uid: str) -> Mapping[str, JsonValue]:
        """What a receipt tells of a person's registration and of the card's keys."""

    def system_background(self, asid: str) -> Mapping[str, JsonValue]:
        """What a receipt tells of an accredited system."""


@dataclass(frozen=True)
class JobOnRecord:
    """What the registration authority's record says of a card job at this moment.

    Attributes:
        operator_uid: None when it is the holder's own.
        basis: what an unlocking rests on; empty for other kinds.
    """

    kind: str
    is_open: bool
    holder_uid: str
    card_serial: str | None
    operator_uid: str | None
    basis: str


class DecryptionKey(Protocol):
    """A private key in the token that only decrypts."""

    def decrypt(self, ciphertext: bytes, padding: AsymmetricPadding, /) -> bytes:
        """The plaintext. Raises ValueError when the ciphertext is not one of this key's."""


class ReleaseLedger(Protocol):
    """Our own record of the SO PINs that were released."""

    def is_recorded(self, job_id: str, recipient: str) -> bool:
        """Whether this release was made before."""

    def is_answered(self, recipient: str) -> bool:
        """Whether anything was released to this recipient before, in whatever job."""

    def record(self, order: SoPinReleaseOrder, recipient: str, at: datetime) -> None:
        """Record a release before it is made."""

    def count(self, basis: ReleaseBasis, since: datetime, card_serial: str | None = None) -> int:
        """How many releases rested on that since then, of one card or in all."""
