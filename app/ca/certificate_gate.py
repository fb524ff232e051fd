"""The gate before the CA's key: no certificate is signed that profile check and linter would not pass.

The whole linter costs milliseconds, and what it sees is nearly always the same: so the certificate that it
passed becomes a template for others of its profile and key type. A certificate passes by a template when it
is equal to it, octet for octet, but for serial number, validity, the subject's own values, public key and
subject key identifier, and when each of these is checked here. **Everything else goes to the whole linter**,
as do the first certificate of a profile, and one in so many that nobody can foretell.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from hashlib import sha1, sha256

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from app.ca import der, slots
from app.ca.contents import StatusAddresses, Validity, new_serial_number
from app.ca.csr import VerifiedCsr
from app.ca.key_strength import key_type_of
from app.ca.lint import LINTER_NAME, Linter
from app.ca.profile_check import SubjectForm, require_profile
from app.ca.refusals import CertificateRefused
from app.ca.template import Path, Template
from app.domain.certificate_order import CertificatePurpose
from app.domain.certificate_profile import CertificateProfile, KeyType
from app.domain.json_value import JsonValue

BY_WHOLE_LINTER, BY_TEMPLATE = "whole linter", "template of a linted certificate"
_TBS, _SERIAL_NUMBER, _VALIDITY, _SUBJECT, _KEY, _EXTENSIONS = 0, 1, 4, 5, 6, 7
_SIGNATURE: Path = (2,)
_SUBJECT_KEY_IDENTIFIER = bytes.fromhex("0603551d0e")


@dataclass(frozen=True)
class _Pattern:
    """What certificates of one profile and key type are compared with."""

    template: Template
    profile: CertificateProfile
    subject: SubjectForm

    def passes(self, certificate: bytes, issuer: x509.Certificate) -> bool:
        """Whether the certificate is the linted one but for values that are right."""
        found = self.template.fitting(certificate)
        try:
            return found is not None and self._are_right(found, issuer)
        except (der.NotDer, ValueError):
            return False

    def _are_right(self, found: dict[str, bytes], issuer: x509.Certificate) -> bool:
        begins, ends = der.utc_time(found["not_before"]), der.utc_time(found["not_after"])
        return (
            128 <= der.unsigned_integer(found["serial_number"]).bit_length() <= 159
            and self.profile.may_last(ends - begins)
            and ends <= issuer.not_valid_after_utc
            and issuer.not_valid_before_utc <= begins
            and self._has_right_subject(found)
            and self._has_right_key(found)
        )

    def _has_right_subject(self, found: dict[str, bytes]) -> bool:
        return all(
            self.subject.allows(int(name.removeprefix("subject ")), der.content(value).decode())
            for name, value in found.items()
            if name.startswith("subject ")
        )

    def _has_right_key(self, found: dict[str, bytes]) -> bool:
        known = (self.template.values or {})["key"]
        key = der.content(found["key"])
        identifier = der.element(der.OCTET_STRING, sha1(key[1:], usedforsecurity=False).digest())
        return slots.is_key_like(found["key"], known) and der.content(found["key_identifier"]) == identifier

    def filled(self, subject: x509.Name, csr: VerifiedCsr, validity: Validity) -> bytes | None:
        """What is to be signed, with these values; None when the subject is not of the linted one's form."""
        names = der.children(subject.public_bytes())
        key = der.children(csr.spki)[1]
        identifier = sha1(der.content(key)[1:], usedforsecurity=False).digest()
        values = {
            "serial_number": der.integer(new_serial_number()),
            "not_before": der.time(validity.not_before),
            "not_after": der.time(validity.not_after),
            "key": key,
            "key_identifier": der.element(der.OCTET_STRING, der.element(der.OCTET_STRING, identifier)),
        }
        for at in self.subject.varying:
            values[f"subject {at}"] = der.children(der.children(names[at])[0])[1]
        made = self.template.filled(_TBS, values)
        return made if der.children(made)[_SUBJECT] == der.sequence(*names) else None


class CertificateGate:
    """The checks of one issuing CA's certificates.

    Args:
        issuer: the CA's own certificate.
        whole_lint_one_in: how many certificates pass by a template for one that is linted whole, on average.
    """

    def __init__(
        self,
        linter: Linter,
        issuer: x509.Certificate,
        addresses: StatusAddresses,
        whole_lint_one_in: int = 1,
    ) -> None:
        self._linter = linter
        self._issuer = issuer
        self._addresses = addresses
        self._one_in = whole_lint_one_in
        self._patterns: dict[tuple[CertificatePurpose, KeyType], _Pattern] = {}
        self._begun: set[CertificatePurpose] = set()

    def require_sound(
        self, profile: CertificateProfile, certificate: x509.Certificate
    ) -> dict[str, JsonValue]:
        """Refuse a certificate that is not what its profile says, or in which the linter finds an error.

        Returns:
            A report for the certificate's receipt: what passed it, and the SHA-256 of what will be signed.

        Raises:
            ProfileViolated, LintFailed
        """
        if self._passes_by_template(profile, certificate):
            return _report(profile, certificate, BY_TEMPLATE)
        self.require_clean(profile, certificate)
        self._begun.add(profile.purpose)
        return _report(profile, certificate, BY_WHOLE_LINTER)

    def require_clean(self, profile: CertificateProfile, certificate: x509.Certificate) -> None:
        """Check against the profile and lint whole; what passes becomes the template of its kind.

        Raises:
            ProfileViolated, LintFailed
        """
        require_profile(certificate, profile, self._issuer, self._addresses)
        octets = certificate.public_bytes(Encoding.DER)
        self._linter.require_clean_certificate(octets)
        kind = profile.purpose, key_type_of(certificate.public_key())
        if kind not in self._patterns:
            self._patterns[kind] = _pattern(octets, profile)

    def passes_by_template(self, profile: CertificateProfile, certificate: x509.Certificate) -> bool:
        """Whether a template of its kind is known and the certificate fits it, with right values."""
        try:
            pattern = self._patterns.get((profile.purpose, key_type_of(certificate.public_key())))
        except (CertificateRefused, UnsupportedAlgorithm, ValueError):
            return False
        if pattern is None or pattern.profile != profile:
            return False
        return pattern.passes(certificate.public_bytes(Encoding.DER), self._issuer)

    def filled(
        self, profile: CertificateProfile, subject: x509.Name, csr: VerifiedCsr, validity: Validity
    ) -> bytes | None:
        """What is to be signed, made from the linted certificate of its kind; None when there is none.

        It spares no check: what is made goes through ``require_sound`` as anything else.
        """
        pattern = self._patterns.get((profile.purpose, csr.key_type))
        if pattern is None or pattern.profile != profile:
            return None
        return pattern.filled(subject, csr, validity)

    def _passes_by_template(self, profile: CertificateProfile, certificate: x509.Certificate) -> bool:
        if profile.purpose not in self._begun or secrets.randbelow(self._one_in) == 0:
            return False
        return self.passes_by_template(profile, certificate)


def _report(
    profile: CertificateProfile, certificate: x509.Certificate, passed_by: str
) -> dict[str, JsonValue]:
    return {
        "purpose": profile.purpose.value,
        "passed_by": passed_by,
        "linter": LINTER_NAME,
        "tbs_sha256": sha256(certificate.tbs_certificate_bytes).hexdigest(),
    }


def _pattern(linted: bytes, profile: CertificateProfile) -> _Pattern:
    subject = SubjectForm(profile)
    places: dict[Path, str] = {
        (_TBS, _SERIAL_NUMBER): "serial_number",
        (_TBS, _VALIDITY, 0): "not_before",
        (_TBS, _VALIDITY, 1): "not_after",
        (_TBS, _KEY, 1): "key",
        _place_of_key_identifier(linted): "key_identifier",
        _SIGNATURE: "signature",
    }
    places |= {(_TBS, _SUBJECT, at, 0, 1): f"subject {at}" for at in subject.varying}
    return _Pattern(Template(linted, places), profile, subject)


def _place_of_key_identifier(linted: bytes) -> Path:
    fields = der.children(der.children(linted)[_TBS])
    extensions = der.children(der.content(fields[_EXTENSIONS]))
    at = next(at for at, each in enumerate(extensions) if _SUBJECT_KEY_IDENTIFIER in each[:16])
    return (_TBS, _EXTENSIONS, 0, at, 1)
