"""The OCSP responders' own short keys: each issuing CA makes a new one before the last one ends.

No ceremony is needed: the issuing CA delegates (RFC 6960 section 4.2.2.2), and its key is in the token.
What is left when the process ends on the way: an unused key, which the next attempt takes; nothing else.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.ca.audit_ports import AuditRecord
from app.ca.ceremony_record import AuthorityKey, AuthorityKind, CeremonyRecord, certificate_of
from app.ca.contents import Validity
from app.ca.csr import VerifiedCsr, spki_sha256
from app.ca.issuance import Issuer
from app.ca.lint import Linter
from app.ca.names import named_subject
from app.ca.ocsp_signer import AnswerSigner, Responder
from app.ca.ports import SigningKeys
from app.domain.actor import Actor
from app.domain.audit_event import AuditEvent
from app.domain.certificate_order import CertificatePurpose
from app.domain.certificate_profile import CertificateRules

_ACTOR = Actor.system("ca")


def ocsp_signer_name(issuing_ca: str) -> str:
    """The name of the first OCSP responder that an issuing CA delegates; later ones are numbered."""
    return f"ocsp-{issuing_ca}"


@dataclass(frozen=True)
class AuthorityParts:
    """What renewing needs of the certificate authority: its issuing CAs, rules, linter, audit and token."""

    issuers: Mapping[str, Issuer]
    rules: CertificateRules
    linter: Linter
    audit: AuditRecord
    keys: SigningKeys


class OcspSigners:
    """The responders of every issuing CA.

    Attributes:
        signers: by name of the issuing CA; the newest of each.
    """

    def __init__(self, parts: AuthorityParts, record: CeremonyRecord) -> None:
        self._parts = parts
        self._record = record
        self._renewing = threading.Lock()
        self.signers: dict[str, AnswerSigner] = {name: self._newest(name) for name in parts.issuers}

    def renew(self, now: datetime, *, all_of_them: bool = False) -> list[str]:
        """Make new responders for those that end soon, or for all. Returns the names of the new keys.

        Raises:
            LintFailed, ProfileViolated, Unavailable
        """
        with self._renewing:
            due = [name for name in self.signers if all_of_them or self._ends_soon(name, now)]
            return [self._make(name, now) for name in due]

    def _ends_soon(self, issuing_ca: str, now: datetime) -> bool:
        ends = self.signers[issuing_ca].responder.certificate.not_valid_after_utc
        return ends - now <= self._parts.rules.ocsp_signer_renewal

    def _made_for(self, issuing_ca: str) -> list[AuthorityKey]:
        """Those that this CA certified, oldest first."""
        issuer = self._parts.issuers[issuing_ca].certificate.subject
        made = self._record.keys()
        return [
            each
            for each in made
            if each.kind is AuthorityKind.OCSP_SIGNER and certificate_of(each).issuer == issuer
        ]

    def _newest(self, issuing_ca: str) -> AnswerSigner:
        return self._signer(issuing_ca, self._made_for(issuing_ca)[-1])

    def _signer(self, issuing_ca: str, made: AuthorityKey) -> AnswerSigner:
        parts = self._parts
        issuer = parts.issuers[issuing_ca].certificate
        responder = Responder(issuer, certificate_of(made), parts.keys.key(made.name))
        return AnswerSigner(responder, parts.linter, parts.rules.whole_lint_one_in)

    def _make(self, issuing_ca: str, now: datetime) -> str:
        """Key, audit event, certificate, record: in this order."""
        before = self._made_for(issuing_ca)
        name, key_type = f"{ocsp_signer_name(issuing_ca)}-{len(before) + 1}", before[-1].key_type
        keys = self._parts.keys
        key = keys.key(name) if keys.has(name) else keys.generate(name, key_type)
        verified = VerifiedCsr(key.public_key(), key_type, spki_sha256(key.public_key()))
        self._parts.audit.happened([_event(name, issuing_ca, verified)])
        spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        certificate = certify_signer(
            self._parts.rules, self._parts.issuers[issuing_ca], issuing_ca, verified, now
        )
        made = AuthorityKey(name, AuthorityKind.OCSP_SIGNER, key_type, spki, certificate)
        self._record.record(made, now)
        self.signers[issuing_ca] = self._signer(issuing_ca, made)
        return name


def certify_signer(
    rules: CertificateRules, issuer: Issuer, issuing_ca: str, key: VerifiedCsr, now: datetime
) -> bytes:
    """The certificate of an OCSP responder that ``issuer`` delegates, DER.

    Raises:
        LintFailed, ProfileViolated
    """
    profile = rules.profiles[CertificatePurpose.OCSP_SIGNER]
    subject = named_subject(profile.subject, issuing_ca=issuing_ca)
    validity = Validity.beginning(now - rules.backdate, profile.validity)
    return issuer.issue(issuer.prepare(profile, subject, key, validity))


def _event(name: str, issuing_ca: str, key: VerifiedCsr) -> AuditEvent:
    details = {"issuing_ca": issuing_ca, "spki_sha256": key.spki_sha256}
    return AuditEvent.by(_ACTOR, "ocsp_signer.certified", name, details)
