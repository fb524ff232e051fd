"""A certificate authority in memory: real keys, real certificates, the same port as the CA process.

It keeps the promises that the registration authority relies on: the same order gives the same certificates,
an order for other keys after that is refused, and nothing is signed for an issuance that is not open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from app.domain.certificate_order import CardCertificateOrder, CardCertificates, CertificatePurpose
from app.domain.provenance import NO_EVIDENCE, Provenance, claimed
from app.domain.so_pin_release import SoPinReleaseOrder
from app.errors import Refusal, Unavailable


class CertificateAuthorityUnwilling(Refusal):
    """The fake was told to refuse."""

    code = "certificate_refused"


def _spki(public_key: object) -> bytes:
    return public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined,no-any-return]


@dataclass
class InMemoryCertificateAuthority:
    """Signs what it is ordered, unless told to fail. ``is_open`` asks the registration authority's record."""

    is_down: bool = False
    is_unwilling: bool = False
    is_open: Callable[[str], bool] = lambda issuance_id: True
    # Called after signing and before the answer: where a test lets something happen meanwhile.
    before_answering: Callable[[], None] = lambda: None
    # What it knows of every key from now on; None: what the desk claims.
    proved_by: Provenance | None = None
    orders: list[CardCertificateOrder] = field(default_factory=list)
    releases: list[SoPinReleaseOrder] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._escrow = rsa.generate_private_key(65537, 2048)
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
        self._issued: dict[str, tuple[tuple[bytes, bytes], CardCertificates]] = {}

    def health(self) -> None:
        if self.is_down:
            raise Unavailable("certificate authority", "The certificate authority is down.")

    def issue_card_certificates(self, order: CardCertificateOrder) -> CardCertificates:
        if self.is_down:
            raise Unavailable("certificate authority", "The certificate authority is down.")
        if self.is_unwilling or not self.is_open(order.issuance_id):
            raise CertificateAuthorityUnwilling("The certificate authority is not willing.")
        self.orders.append(order)
        issued = self._issue_once(order)
        self.before_answering()
        return issued

    def _issue_once(self, order: CardCertificateOrder) -> CardCertificates:
        requests = [
            x509.load_der_x509_csr(der) for der in (order.authentication_csr, order.content_commitment_csr)
        ]
        keys = (_spki(requests[0].public_key()), _spki(requests[1].public_key()))
        if order.issuance_id not in self._issued:
            ders = [self._sign(order, request) for request in requests]
            issued = CardCertificates(ders[0], ders[1], (b"chain",), self._provenance(order))
            self._issued[order.issuance_id] = (keys, issued)
        known_keys, certificates = self._issued[order.issuance_id]
        if known_keys != keys:
            raise CertificateAuthorityUnwilling("Carried out before, for other keys.")
        return certificates

    def _provenance(self, order: CardCertificateOrder) -> dict[CertificatePurpose, Provenance]:
        """As the real one without any maker's root: proved by nothing, unless a test says so."""
        return {
            purpose: self.proved_by or claimed(order.evidence.get(purpose, NO_EVIDENCE))
            for purpose in (CertificatePurpose.AUTHENTICATION, CertificatePurpose.CONTENT_COMMITMENT)
        }

    def _sign(self, order: CardCertificateOrder, request: x509.CertificateSigningRequest) -> bytes:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{order.holder_uid}")])
        now = datetime.now(UTC).replace(microsecond=0)
        builder = x509.CertificateBuilder(
            self._name,
            subject,
            request.public_key(),
            x509.random_serial_number(),
            now - timedelta(minutes=1),
            now + _lasting(order),
        )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.DER)

    def escrow_public_key(self) -> bytes:
        if self.is_down:
            raise Unavailable("certificate authority", "The certificate authority is down.")
        return self._escrow.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def release_so_pin(self, order: SoPinReleaseOrder) -> tuple[bytes, ...]:
        if self.is_down:
            raise Unavailable("certificate authority", "The certificate authority is down.")
        if self.is_unwilling:
            raise CertificateAuthorityUnwilling("The certificate authority is not willing.")
        self.releases.append(order)
        return (b"wrapped SO PIN",)

    def has_signed_for(self, issuance_id: str) -> bool:
        return issuance_id in self._issued


def _lasting(order: CardCertificateOrder) -> timedelta:
    return timedelta(hours=order.temporary_hours) if order.temporary_hours else timedelta(days=730)
