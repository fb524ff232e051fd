"""Issuing in two steps: ``prepare`` checks and lints, ``issue`` signs what was prepared, once.

What is linted is signed with a throw-away key of the issuing CA's type, so that a certificate with a fault
never exists with a real signature. What is then signed is that same certificate, byte for byte.
"""

from __future__ import annotations

import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from app.ca.contents import StatusAddresses, Validity, end_entity
from app.ca.csr import VerifiedCsr
from app.ca.lint import Linter
from app.ca.ports import SigningKey
from app.ca.profile_check import require_profile
from app.ca.refusals import PreparedCertificateSpent
from app.domain.certificate_profile import CertificateProfile


def signature_hash(key: SigningKey) -> hashes.SHA256 | hashes.SHA384:
    """The hash that fits a CA key's strength: SHA-384 for P-384, else SHA-256."""
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.key_size == 384:
        return hashes.SHA384()
    return hashes.SHA256()


def throw_away_key(key: SigningKey) -> SigningKey:
    """A new key of the same type and size as ``key``, for linting."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return ec.generate_private_key(key.curve)
    return rsa.generate_private_key(public_exponent=65537, key_size=key.key_size)


class PreparedCertificate:
    """A certificate that passed every check, signed with a throw-away key. ``Issuer.issue`` takes it once."""

    def __init__(self, issuer: Issuer, linted: x509.Certificate) -> None:
        self._issuer: Issuer | None = issuer
        self._spending = threading.Lock()
        self.linted = linted

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
    """

    def __init__(
        self, certificate: x509.Certificate, key: SigningKey, linter: Linter, addresses: StatusAddresses
    ) -> None:
        self.certificate = certificate
        self.key = key
        self.throw_away_key = throw_away_key(key)
        self._linter = linter
        self._addresses = addresses

    def prepare(
        self, profile: CertificateProfile, subject: x509.Name, csr: VerifiedCsr, validity: Validity
    ) -> PreparedCertificate:
        """Build a certificate, check it against its profile and lint it.

        Raises:
            ProfileViolated, LintFailed
        """
        contents = end_entity(profile, subject, csr.public_key, self.certificate, self._addresses, validity)
        return self.prepare_again(profile, contents.sign(self.throw_away_key, signature_hash(self.key)))

    def prepare_again(self, profile: CertificateProfile, linted: x509.Certificate) -> PreparedCertificate:
        """Check and lint what was recorded to be signed when the process ended before it was.

        Raises:
            ProfileViolated, LintFailed
        """
        require_profile(linted, profile, self.certificate, self._addresses)
        self._linter.require_clean_certificate(linted.public_bytes(Encoding.DER))
        return PreparedCertificate(self, linted)

    def issue(self, prepared: PreparedCertificate) -> bytes:
        """Sign a prepared certificate with the CA's key. Returns DER.

        Raises:
            PreparedCertificateSpent
        """
        return sign_again(prepared.spend(self), self.key, self.certificate)


def sign_again(linted: x509.Certificate, key: SigningKey, issuer: x509.Certificate | None) -> bytes:
    """The same certificate, signed with ``key``; ``issuer`` is None when it signs itself. Returns DER.

    Raises:
        RuntimeError: when what was signed is not, byte for byte, what was linted, or the signature does not
            verify. That is a fault of ours or of the token, and the certificate is thrown away.
    """
    certificate = _copy_of(linted).sign(key, signature_hash(key))
    if certificate.tbs_certificate_bytes != linted.tbs_certificate_bytes:
        raise RuntimeError("what was signed differs from what was linted")
    try:
        certificate.verify_directly_issued_by(issuer or certificate)
    except Exception as error:
        raise RuntimeError("the CA's signature does not verify") from error
    return certificate.public_bytes(Encoding.DER)


def _copy_of(certificate: x509.Certificate) -> x509.CertificateBuilder:
    builder = (
        x509.CertificateBuilder()
        .subject_name(certificate.subject)
        .issuer_name(certificate.issuer)
        .public_key(certificate.public_key())
        .serial_number(certificate.serial_number)
        .not_valid_before(certificate.not_valid_before_utc)
        .not_valid_after(certificate.not_valid_after_utc)
    )
    for extension in certificate.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    return builder
