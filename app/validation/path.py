"""Certification path validation (RFC 5280 section 6): one way for cards, systems and signatures.

The path is built from our own anchors alone, never from certificates that somebody sends along. Signatures,
names, validity, basic constraints, path lengths, CA key usage, name constraints and unknown critical
extensions are judged by ``cryptography.x509.verification``; what it does not judge (use, policies, which of
our CAs may vouch for which use) is judged here. ADR 9 says why. Revocation is ``app.validation.status``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from app.validation.anchors import TrustAnchors
from app.validation.certificates import certificate_from_untrusted, is_valid_at
from app.validation.directory_names import require_within_name_constraints
from app.validation.keys import require_strong_keys
from app.validation.policies import require_policy
from app.validation.refusals import HasExpired, IssuerNotValid, NotIssuedByOurs, NotYetValid
from app.validation.use import CertificateUse, require_use

_CAS_BELOW_THE_ROOT = 1
_FORBIDDEN_ALGORITHM = "Forbidden signature algorithm"

# Everything may be present: the library's own defaults are those of web servers (subject alternative names,
# no P-521 roots, short serial numbers), which cards do not follow. Critical extensions that it does not know
# are refused in any case.
_CA_EXTENSIONS = ExtensionPolicy.permit_all().require_present(
    x509.BasicConstraints, Criticality.CRITICAL, None
)
_END_ENTITY_EXTENSIONS = ExtensionPolicy.permit_all()


@dataclass(frozen=True)
class CertificationPath:
    """A path that was validated: what ``PathValidator.validate`` answers and nothing else makes."""

    certificate: x509.Certificate
    issuer: x509.Certificate
    root: x509.Certificate


class PathValidator:
    """Validates end entities' certificates for one use.

    Args:
        anchors: the root and the issuing CAs that may vouch for this use.
    """

    def __init__(self, anchors: TrustAnchors, use: CertificateUse) -> None:
        self._anchors = anchors
        self._use = use
        self._store = Store([anchors.root])

    def validate_from_untrusted(self, der: bytes, at: datetime) -> CertificationPath:
        """As ``validate``, for the bytes of a certificate.

        Raises:
            PathRefused
        """
        return self.validate(certificate_from_untrusted(der), at)

    def validate(self, certificate: x509.Certificate, at: datetime) -> CertificationPath:
        """The path from the certificate to our root, valid at that moment.

        Raises:
            PathRefused: one of its kinds; the message is for the audit and the operator.
        """
        path = self._path_of(certificate)
        _require_valid_issuers(path, at)
        require_valid(certificate, at)
        self._require_path(path, at)
        require_strong_keys((certificate, path.issuer, path.root))
        require_use(certificate, self._use)
        require_policy((certificate, path.issuer, path.root), self._use.policies)
        return path

    def _path_of(self, certificate: x509.Certificate) -> CertificationPath:
        issuer = self._anchors.issuer_of(certificate)
        if issuer is None:
            raise NotIssuedByOurs(self._who_is_named(certificate))
        return CertificationPath(certificate, issuer, self._anchors.root)

    def _who_is_named(self, certificate: x509.Certificate) -> str:
        named = certificate.issuer.rfc4514_string()[:200]
        if any(certificate.issuer == ours.subject for ours in self._anchors.issuing_cas):
            return f"names the issuer {named!r} with another key than our CA of that name has"
        return f"names the issuer {named!r}, which is none of our CAs for this use"

    def _require_path(self, path: CertificationPath, at: datetime) -> None:
        """The checks of RFC 5280 section 6.1 over the whole path, by the library."""
        require_within_name_constraints(path.certificate, (path.issuer, path.root))
        verifier = (
            PolicyBuilder()
            .store(self._store)
            .time(at)
            .max_chain_depth(_CAS_BELOW_THE_ROOT)
            .extension_policies(ca_policy=_CA_EXTENSIONS, ee_policy=_END_ENTITY_EXTENSIONS)
            .build_client_verifier()
        )
        try:
            verifier.verify(path.certificate, [path.issuer])
        except VerificationError as error:
            raise NotIssuedByOurs(f"no path leads to our root: {_said_by(error)}") from error


def _said_by(error: VerificationError) -> str:
    """What the library found, without its own inner workings."""
    said = str(error).removeprefix("validation failed: ").removeprefix("candidates exhausted: ")
    if said.startswith(_FORBIDDEN_ALGORITHM):
        return "a certificate is signed with an algorithm that is not accepted (SHA-1 is one)"
    return said.partition(" (encountered processing")[0]


def _require_valid_issuers(path: CertificationPath, at: datetime) -> None:
    for certificate in (path.root, path.issuer):
        if not is_valid_at(certificate, at):
            raise IssuerNotValid(f"{certificate.subject.rfc4514_string()} is not valid at {at}")


def require_valid(certificate: x509.Certificate, at: datetime) -> None:
    """Refuse a certificate before and after its validity; both ends belong to it.

    Raises:
        NotYetValid, HasExpired
    """
    if at < certificate.not_valid_before_utc:
        raise NotYetValid(f"valid from {certificate.not_valid_before_utc}")
    if at > certificate.not_valid_after_utc:
        raise HasExpired(f"valid until {certificate.not_valid_after_utc}")
