"""Client certificates of accredited systems: a CSR asked for by one person and approved by another.

The certificate authority's operator issues what is approved, on its own machine
(``spine-ra ca certify-approved``): no card's signature stands for a system's certificate, so the authority's
process takes no such order over its socket.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.ca import csr as requests
from app.domain.actor import Actor
from app.domain.certificate_order import SystemCertificateOrder, serial_number_text
from app.domain.certificate_profile import CertificateProfile
from app.domain.permission import Permission
from app.domain.revocation import RevocationReason
from app.domain.system import SystemStatus
from app.domain.system_certificate import SystemCertificate
from app.domain.system_request import SystemRequest, SystemRequestKind
from app.errors import InvalidInput, NotFound, Refusal
from app.ra.ids import new_record_id
from app.ra.organisation_scope import OrganisationScope
from app.ra.ports import Database, Work
from app.ra.registering_systems import details_of
from app.ra.requesting_systems import require_state, require_system, system_request
from app.ra.revoking import revoke_system_certificate

LARGEST_CSR_BYTES = 16 * 1024
REASONS = (
    RevocationReason.KEY_COMPROMISE,
    RevocationReason.SUPERSEDED,
    RevocationReason.CESSATION_OF_OPERATION,
    RevocationReason.AFFILIATION_CHANGED,
    RevocationReason.PRIVILEGE_WITHDRAWN,
)


class CertifyingSystems:
    """Asks for, records and revokes the client certificates of systems.

    Args:
        profile: what keys the certificate authority will certify for systems.
    """

    def __init__(self, database: Database, scope: OrganisationScope, profile: CertificateProfile) -> None:
        self._database = database
        self._scope = scope
        self._profile = profile

    def request(self, actor: Actor, asid: str, unverified_csr: bytes, reason: str) -> str:
        """Ask that the CSR's key be certified for the system; returns the request's id.

        The names in the CSR do not matter: the certificate is made out to the ASID.

        Args:
            unverified_csr: PKCS#10 (RFC 2986), PEM or DER.

        Raises:
            NotPermitted and its kinds, NotFound, InvalidInput, SystemInOtherState, SystemRequestAlreadyOpen
        """
        request_id = new_record_id()
        kind = SystemRequestKind.CERTIFICATE
        with self._database.audited(
            actor, "system_request.raised", asid, request=request_id, kind=kind.value
        ) as work:
            actor.require(Permission.REGISTER_SYSTEM)
            system = require_system(work, asid)
            self._scope.require(work, actor, system.organisation_code)
            require_state(system, SystemStatus.ACTIVE)
            der, spki_sha256 = self._verified(unverified_csr)
            _require_new_key(work, spki_sha256)
            asked = system_request(work, actor, request_id, kind, details_of(work, system), reason)
            work.system_requests.add(replace(asked, asid=asid, csr=der, spki_sha256=spki_sha256))
        return request_id

    def certificate(self, actor: Actor, serial_number: str) -> SystemCertificate:
        """The certificate with this serial number.

        Raises:
            NotPermitted, NotFound
        """
        actor.require(Permission.VIEW_SYSTEMS)
        with self._database.read() as work:
            return _require_certificate(work, serial_number)

    def revoke(self, actor: Actor, serial_number: str, reason: str) -> None:
        """Revoke one certificate; ``reason`` is one of ``REASONS``. It stays revoked.

        Raises:
            NotPermitted and its kinds, NotFound, InvalidInput
        """
        event = "system_certificate.revoked"
        with self._database.audited(actor, event, serial_number, serial_number=serial_number) as work:
            actor.require(Permission.REGISTER_SYSTEM)
            certificate = _require_certificate(work, serial_number)
            system = require_system(work, certificate.asid)
            self._scope.require(work, actor, system.organisation_code)
            if reason not in REASONS:
                raise InvalidInput({"reason": "Choose why the certificate is revoked."})
            if certificate.revoked_at is not None:
                raise InvalidInput({"reason": "This certificate is revoked already."})
            work.audit.details(asid=certificate.asid, reason_given=reason)
            revoke_system_certificate(work, serial_number, actor.uid, RevocationReason(reason))

    def _verified(self, unverified_csr: bytes) -> tuple[bytes, str]:
        """The CSR in DER and its key's digest, once possession and strength are proven."""
        try:
            der = _der_from_untrusted(unverified_csr)
            return der, requests.verify(requests.UnverifiedCsr(der), self._profile).spki_sha256
        except InvalidInput:
            raise
        except Refusal as refusal:
            raise InvalidInput({"csr": str(refusal)}) from refusal


class IssuingSystemCertificates:
    """What the certificate authority's operator does: issues approved requests, records what was issued."""

    def __init__(self, database: Database, issue: Callable[[SystemCertificateOrder], bytes]) -> None:
        self._database = database
        self._issue = issue

    def issue_approved(self, actor: Actor) -> tuple[list[SystemCertificate], list[tuple[SystemRequest, str]]]:
        """Issue what is approved and not issued yet; again gives the same certificates.

        Returns:
            The certificates, and the requests that the certificate authority refused with its reasons.

        Raises:
            Unavailable
        """
        with self._database.read() as work:
            waiting = work.system_requests.approved_certificates()
        issued, refused = [], []
        for request in waiting:
            assert request.asid is not None
            assert request.csr is not None
            try:
                order = SystemCertificateOrder(request.id, request.asid, request.csr)
                issued.append(self.issue(actor, order, request.id))
            except Refusal as refusal:
                refused.append((request, str(refusal)))
        return issued, refused

    def issue(self, actor: Actor, order: SystemCertificateOrder, request_id: str | None) -> SystemCertificate:
        """Carry out one order and keep the certificate; one that is kept already stays as it is.

        Raises:
            Refusal: the certificate authority is not willing.
            Unavailable
        """
        # Outside the transaction: the certificate authority writes to the same database.
        certificate = system_certificate_of(order.asid, request_id, self._issue(order))
        with self._database.change() as work:
            known = work.system_certificates.get(certificate.serial_number)
        if known is not None:
            return known
        serial_number = certificate.serial_number
        with self._database.audited(
            actor, "system_certificate.issued", order.asid, request=request_id, serial_number=serial_number
        ) as work:
            work.system_certificates.add(certificate)
            if require_system(work, order.asid).status is SystemStatus.CLOSED:
                # It was withdrawn while the authority signed.
                reason = RevocationReason.CESSATION_OF_OPERATION
                revoke_system_certificate(work, serial_number, actor.uid, reason)
        return certificate


def system_certificate_of(asid: str, request_id: str | None, der: bytes) -> SystemCertificate:
    """The record of a certificate, from its DER."""
    certificate = x509.load_der_x509_certificate(der)
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return SystemCertificate(
        serial_number=serial_number_text(certificate.serial_number),
        asid=asid,
        request_id=request_id,
        spki_sha256=sha256(key).hexdigest(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        der=der,
    )


def _der_from_untrusted(unverified_csr: bytes) -> bytes:
    if not unverified_csr.strip():
        raise InvalidInput({"csr": "Paste the certificate signing request, or choose its file."})
    if len(unverified_csr) > LARGEST_CSR_BYTES:
        raise InvalidInput({"csr": "This is too large for a certificate signing request."})
    if b"PRIVATE KEY" in unverified_csr:
        raise InvalidInput(
            {"csr": "This holds a private key. Nothing was kept. Make a new key, and send the request alone."}
        )
    if b"-----BEGIN" not in unverified_csr:
        return unverified_csr
    try:
        return x509.load_pem_x509_csr(unverified_csr.strip()).public_bytes(Encoding.DER)
    except ValueError as fault:
        raise InvalidInput(
            {"csr": "This cannot be read. It begins with -----BEGIN CERTIFICATE REQUEST-----"}
        ) from fault


def _require_new_key(work: Work, spki_sha256: str) -> None:
    if work.system_certificates.of_key(spki_sha256) is not None:
        raise InvalidInput({"csr": "This key has a certificate already. Make a new key for the new one."})


def _require_certificate(work: Work, serial_number: str) -> SystemCertificate:
    certificate = work.system_certificates.get(serial_number)
    if certificate is None:
        raise NotFound("There is no such certificate of a system.")
    return certificate
