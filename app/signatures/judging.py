"""Judging a certificate for a signature: path, validity when signed, and revocation by reason and time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from app.domain.certificate import CardCertificate, CertificateStatus
from app.signatures.verdict import Failing, Reason
from app.validation.path import CertificationPath, PathValidator
from app.validation.refusals import PathRefused, StatusUnknown
from app.validation.status import Revoked, StatusSource

CLOCKS_DIFFER_BY = timedelta(minutes=5)


@dataclass
class Findings:
    """What was found so far.

    Attributes:
        status_unknown: why no revocation list told of the certificate or its CA; empty when they did.
    """

    reasons: list[Reason] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    path: CertificationPath | None = None
    status_unknown: str = ""

    def add(self, failing: Failing, code: str, explanation: str) -> None:
        """Note one thing that is wrong."""
        self.reasons.append(Reason(failing, code, explanation))


class CertificateJudge:
    """Judges the certificates of signatures.

    Args:
        paths: validates content-commitment certificates.
        lists: tells who is revoked, of cards and of CAs.
    """

    def __init__(self, paths: PathValidator, lists: StatusSource) -> None:
        self._paths = paths
        self._lists = lists

    def judge(
        self,
        certificate: x509.Certificate,
        on_record: CardCertificate | None,
        signed_at: datetime,
        now: datetime,
    ) -> Findings:
        """Everything that speaks against the certificate, in the published order.

        Args:
            on_record: what our register has under the certificate's serial number.
        """
        found, not_trusted = Findings(), Findings()
        self._judge_path(certificate, signed_at, not_trusted)
        _judge_record(certificate, on_record, not_trusted)
        if not_trusted.path is not None:
            self._judge_status(not_trusted.path, on_record, signed_at, now, found)
        _judge_validity(certificate, signed_at, now, found)
        found.path = not_trusted.path
        found.reasons += not_trusted.reasons
        return found

    def _judge_path(self, certificate: x509.Certificate, signed_at: datetime, found: Findings) -> None:
        """At the time of signing, or where the certificate itself was not valid then, at the nearest one."""
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        try:
            found.path = self._paths.validate(certificate, min(max(signed_at, begins), ends))
        except PathRefused as refused:
            sentence = "The certificate was not issued by this registration authority for signing"
            found.add(Failing.NOT_TRUSTED, refused.code, f"{sentence}: {refused}.")

    def _judge_status(
        self,
        path: CertificationPath,
        on_record: CardCertificate | None,
        signed_at: datetime,
        now: datetime,
        found: Findings,
    ) -> None:
        """Our own record tells at once and for ever; the CA's list tells what the record may be kept from."""
        own = _revocation_on_record(on_record)
        listed = self._listed(path.certificate, path.issuer, now, found)
        for revoked in (own, listed):
            if _judge_revocation(revoked, signed_at, Failing.REVOKED, "The certificate", found):
                break
        of_ca = self._listed(path.issuer, path.root, now, found)
        _judge_revocation(of_ca, signed_at, Failing.CA_REVOKED, "The issuing CA's certificate", found)

    def _listed(
        self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime, found: Findings
    ) -> Revoked | None:
        try:
            return self._lists.revocation(certificate, issuer, now)
        except StatusUnknown as unknown:
            found.status_unknown = str(unknown)
            return None


def _judge_record(certificate: x509.Certificate, on_record: CardCertificate | None, found: Findings) -> None:
    """A certificate that our register does not know, byte for byte, is nobody's."""
    if found.reasons:
        return
    if on_record is None or on_record.der != certificate.public_bytes(Encoding.DER):
        found.add(Failing.NOT_TRUSTED, "not_in_register", "Our register does not have this certificate.")
    elif on_record.status is CertificateStatus.ISSUED:
        sentence = "The certificate's card was never handed over."
        found.add(Failing.NOT_TRUSTED, "card_never_active", sentence)


def _judge_validity(
    certificate: x509.Certificate, signed_at: datetime, now: datetime, found: Findings
) -> None:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if signed_at > now + CLOCKS_DIFFER_BY:
        found.add(Failing.EXPIRED, "signed_in_the_future", "The time of signing lies in the future.")
    elif not begins <= signed_at <= ends:
        sentence = f"It was signed on {_minute(signed_at)}; the certificate was valid from {_minute(begins)}"
        found.add(Failing.EXPIRED, "not_valid_when_signed", f"{sentence} to {_minute(ends)}.")


def _minute(moment: datetime) -> str:
    """To the minute: certificates of temporary access cards live for hours."""
    return f"{moment.astimezone(UTC):%d %B %Y at %H:%M} UTC"


def _revocation_on_record(on_record: CardCertificate | None) -> Revoked | None:
    if on_record is None or on_record.revoked_at is None:
        return None
    return Revoked(on_record.reason or "unspecified", on_record.revoked_at)


def _judge_revocation(
    revoked: Revoked | None, signed_at: datetime, failing: Failing, whose: str, found: Findings
) -> bool:
    """Note what a revocation means for this signature; whether there is one."""
    if revoked is None:
        return False
    what = f"{whose} was revoked on {_minute(revoked.at)} ({revoked.reason})"
    if revoked.undoes_signature_of(signed_at):
        code = f"{'ca_' if failing is Failing.CA_REVOKED else ''}revoked_{revoked.reason}"
        found.add(failing, code, f"{what}.")
    else:
        found.notes.append(f"{what}, after it was signed: the signature stays valid.")
    return True
