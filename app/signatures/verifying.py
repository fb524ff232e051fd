"""Verifying the signature of a prescription, in the published order (``verdict.Failing``).

Nothing of the prescription is kept: the audit gets its digest, whose certificate it was, and the verdict.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

from app.domain.audit_event import AuditEvent
from app.domain.certificate import CardCertificate
from app.domain.certificate_order import serial_number_text
from app.errors import Unavailable
from app.signatures.judging import CertificateJudge, Findings
from app.signatures.ports import Database
from app.signatures.prescription import SignedContent
from app.signatures.verdict import Failing, Reason, SignatureUnreadable, Signer, Verdict
from app.signatures.xmldsig import XmlSignature, signature_from_untrusted
from app.validation.certificates import certificate_from_untrusted
from app.validation.refusals import CertificateUnreadable

_COMMON_NAME = re.compile(r"(?P<uid>[0-9]{12})_(?P<name>.+)")


@dataclass(frozen=True)
class Asker:
    """Who wants to know, for the audit: a person's user id or the holder of an API key."""

    uid: str
    role_profile_id: str | None = None
    address: str = ""
    request_id: str = ""


@dataclass(frozen=True)
class VerificationPolicy:
    """What this installation believes.

    Attributes:
        sha1_before: signatures with SHA-1 are believed when made before; None believes none.
        own_record_suffices: whether our register alone decides when no revocation list can be had.
    """

    sha1_before: datetime | None = None
    own_record_suffices: bool = False


class VerifyingSignatures:
    """Verifies signatures of prescriptions."""

    def __init__(self, database: Database, judge: CertificateJudge, policy: VerificationPolicy) -> None:
        self._database = database
        self._judge = judge
        self._policy = policy

    def verify(self, signature_from_asker: bytes, content: SignedContent, asker: Asker) -> Verdict:
        """The verdict; it is one audit event, whatever it is.

        Args:
            signature_from_asker: a ``Signature`` element, untrusted.

        Raises:
            Unavailable: nothing speaks against the signature, but nobody can tell whether its certificate is
                revoked, and our record alone must not decide. It is not to be believed meanwhile.
        """
        try:
            signature = signature_from_untrusted(signature_from_asker)
            certificate = _certificate_of(signature)
        except SignatureUnreadable as unreadable:
            return self._unreadable(unreadable.reason, asker)
        return self._judged(signature, certificate, content, asker)

    def _unreadable(self, reason: Reason, asker: Asker) -> Verdict:
        with self._database.change() as work:
            verdict = Verdict((reason,), work.now)
            work.audit.record(_event(asker, "unknown", verdict, ""))
        return verdict

    def _judged(
        self, signature: XmlSignature, certificate: x509.Certificate, content: SignedContent, asker: Asker
    ) -> Verdict:
        reasons = _signature_reasons(signature, certificate, content, self._policy)
        serial_number = serial_number_text(certificate.serial_number)
        record, now = self._on_record(serial_number)
        # Outside the transaction: revocation lists are fetched over the network.
        found = self._judge.judge(certificate, record, content.signed_at, now)
        self._require_status(found, reasons)
        verdict = _verdict(signature, certificate, content, reasons, found, now)
        with self._database.change() as work:
            work.audit.record(_event(asker, serial_number, verdict, signature.digest.hex()))
        return verdict

    def _on_record(self, serial_number: str) -> tuple[CardCertificate | None, datetime]:
        with self._database.read() as work:
            return work.certificates.get(serial_number), work.now

    def _require_status(self, found: Findings, reasons: list[Reason]) -> None:
        if not found.status_unknown or reasons or found.reasons:
            return
        if not self._policy.own_record_suffices:
            raise Unavailable(
                "revocation lists",
                "It cannot be told just now whether the certificate is revoked, so the signature must not be "
                "believed yet. Try again in a few minutes.",
            )
        found.notes.append("No revocation list could be had: our own record alone was asked.")


def _certificate_of(signature: XmlSignature) -> x509.Certificate:
    try:
        return certificate_from_untrusted(signature.certificate)
    except CertificateUnreadable as unreadable:
        raise SignatureUnreadable(
            Reason(Failing.CERTIFICATE_UNREADABLE, unreadable.code, "The certificate cannot be read.")
        ) from unreadable


def _signature_reasons(
    signature: XmlSignature,
    certificate: x509.Certificate,
    content: SignedContent,
    policy: VerificationPolicy,
) -> list[Reason]:
    reasons = []
    if not signature.algorithm.is_signature(signature.value, signature.signed_info, certificate.public_key()):
        sentence = "The signature was not made with the certificate's key, or was changed."
        reasons.append(Reason(Failing.SIGNATURE, "signature_wrong", sentence))
    elif _is_too_old(signature, content.signed_at, policy):
        sentence = "The signature uses SHA-1, which is read for old prescriptions only."
        reasons.append(Reason(Failing.SIGNATURE, "algorithm_too_old", sentence))
    if not hmac.compare_digest(content.digest(signature.digest_algorithm), signature.digest):
        sentence = "What was signed is not this prescription."
        reasons.append(Reason(Failing.OTHER_PRESCRIPTION, "digest_differs", sentence))
    return reasons


def _is_too_old(signature: XmlSignature, signed_at: datetime, policy: VerificationPolicy) -> bool:
    if not (signature.algorithm.is_old or signature.digest_algorithm.is_old):
        return False
    return policy.sha1_before is None or signed_at >= policy.sha1_before


def _verdict(
    signature: XmlSignature,
    certificate: x509.Certificate,
    content: SignedContent,
    reasons: list[Reason],
    found: Findings,
    now: datetime,
) -> Verdict:
    signer = _signer(certificate) if found.path is not None else None
    notes = list(found.notes)
    if signer and content.author_uid and content.author_uid != signer.uid:
        notes.append("The prescription names another prescriber than the one whose card signed it.")
    if signature.algorithm.is_old or signature.digest_algorithm.is_old:
        notes.append("The signature uses SHA-1, which must not be used any more.")
    return Verdict((*reasons, *found.reasons), now, content.signed_at, signer, tuple(notes))


def _signer(certificate: x509.Certificate) -> Signer:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    common_name = str(names[0].value) if names else ""
    match = _COMMON_NAME.fullmatch(common_name)
    uid, name = (match["uid"], match["name"].replace("_", " ")) if match else ("", common_name)
    return Signer(uid, name, serial_number_text(certificate.serial_number))


def _event(asker: Asker, subject: str, verdict: Verdict, digest: str) -> AuditEvent:
    return AuditEvent(
        "signature.verified",
        subject,
        asker.uid,
        asker.role_profile_id,
        asker.address,
        asker.request_id,
        details={
            "valid": verdict.is_valid,
            "reasons": [reason.code for reason in verdict.reasons],
            "digest": digest,
        },
    )
