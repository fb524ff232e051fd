"""Issuing in two steps: ``prepare`` checks and lints, ``issue`` signs what was prepared, once.

What is linted is signed with a throw-away key of the issuing CA's type, so that a certificate with a fault
never exists with a real signature. What is then signed is that same certificate, byte for byte.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from cryptography import x509

from app.ca.certificate_gate import CertificateGate
from app.ca.contents import StatusAddresses, Validity, end_entity
from app.ca.csr import VerifiedCsr
from app.ca.lint import Linter
from app.ca.ports import SigningKey
from app.ca.refusals import PreparedCertificateSpent
from app.ca.signing import sign_certificate, signature_hash, signed_certificate, throw_away_key
from app.domain.certificate_profile import CertificateProfile
from app.domain.json_value import JsonValue


class PreparedCertificate:
    """A certificate that passed every check, signed with a throw-away key. ``Issuer.issue`` takes it once."""

    def __init__(self, issuer: Issuer, linted: x509.Certificate, report: Mapping[str, JsonValue]) -> None:
        self._issuer: Issuer | None = issuer
        self._spending = threading.Lock()
        self.linted = linted
        self.report = report

    def spend(self, issuer: Issuer) -> x509.Certificate:
        """Give the certificate out to the issuer that prepared it.

        Raises:
            PreparedCertificateSpent: the second time, or to another issuer.
        """
        with self._spending:
            if self._issuer is not issuer:
                raise PreparedCertificateSpent("This was issued before, or another CA prepared it.")
            self._issuer = None
        return self.linted


class Issuer:
    """One issuing CA.

    Args:
        certificate: the CA's own certificate.
        key: the CA's key in the token.
        linter: the checks of the whole house.
        addresses: where status information will be found.
        whole_lint_one_in: see ``CertificateGate``.
    """

    def __init__(
        self,
        certificate: x509.Certificate,
        key: SigningKey,
        linter: Linter,
        addresses: StatusAddresses,
        whole_lint_one_in: int = 1,
    ) -> None:
        self.certificate = certificate
        self.key = key
        self.throw_away_key = throw_away_key(key)
        self.gate = CertificateGate(linter, certificate, addresses, whole_lint_one_in)
        self._addresses = addresses

    def prepare(
        self, profile: CertificateProfile, subject: x509.Name, csr: VerifiedCsr, validity: Validity
    ) -> PreparedCertificate:
        """Build a certificate, check it against its profile and lint it.

        Raises:
            ProfileViolated, LintFailed
        """
        return self.prepare_again(profile, self._linted(profile, subject, csr, validity))

    def rehearse(
        self, profile: CertificateProfile, subject: x509.Name, csr: VerifiedCsr, validity: Validity
    ) -> None:
        """Build a certificate and check it whole, so that it is known whether the profile can be issued.

        Raises:
            ProfileViolated, LintFailed
        """
        self.gate.require_clean(profile, self._built(profile, subject, csr, validity))

    def _linted(
        self, profile: CertificateProfile, subject: x509.Name, csr: VerifiedCsr, validity: Validity
    ) -> x509.Certificate:
        """Made from the certificate of its kind that was linted whole; the first of a kind is built."""
        made = self.gate.filled(profile, subject, csr, validity)
        if made is None:
            return self._built(profile, subject, csr, validity)
        return x509.load_der_x509_certificate(signed_certificate(made, self.throw_away_key))

    def _built(
        self, profile: CertificateProfile, subject: x509.Name, csr: VerifiedCsr, validity: Validity
    ) -> x509.Certificate:
        contents = end_entity(profile, subject, csr.public_key, self.certificate, self._addresses, validity)
        return contents.sign(self.throw_away_key, signature_hash(self.key))

    def prepare_again(self, profile: CertificateProfile, linted: x509.Certificate) -> PreparedCertificate:
        """Check and lint what was recorded to be signed when the process ended before it was.

        Raises:
            ProfileViolated, LintFailed
        """
        return PreparedCertificate(self, linted, self.gate.require_sound(profile, linted))

    def issue(self, prepared: PreparedCertificate) -> bytes:
        """Sign a prepared certificate with the CA's key. Returns DER.

        Raises:
            PreparedCertificateSpent
        """
        return sign_certificate(prepared.spend(self), self.key, self.certificate)
