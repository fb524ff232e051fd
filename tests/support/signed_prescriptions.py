"""Prescriptions signed in memory, soundly or with one thing wrong, and what verifies them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from lxml import etree

from app.domain.audit_event import AuditEvent
from app.domain.certificate import CardCertificate, CertificateStatus
from app.domain.certificate_order import CertificatePurpose, serial_number_text
from app.signatures.algorithms import ECDSA_SHA256, RSA_SHA1, RSA_SHA256, SHA1, SHA256
from app.signatures.judging import CertificateJudge
from app.signatures.ports import Database
from app.signatures.prescription import PrescriptionFragments
from app.signatures.verdict import Verdict
from app.signatures.verifying import Asker, VerificationPolicy, VerifyingSignatures
from app.validation.anchors import TrustAnchors
from app.validation.path import PathValidator
from app.validation.refusals import StatusUnknown
from app.validation.status import Revoked
from app.validation.use import CertificateUse
from tests.support.defective_certificates import NOW, Path3, key, policies, usage

POLICY = "1.3.6.1.4.1.32473.100.2"
USE = CertificateUse(frozenset({"contentCommitment"}), frozenset(), frozenset({POLICY}))
SIGNED_AT = NOW - timedelta(days=2)
UID = "555253521108"
ASKER = Asker("555253521116")
_DS = "http://www.w3.org/2000/09/xmldsig#"
_EXC = "http://www.w3.org/2001/10/xml-exc-c14n#"


def fragments(
    signed_at: datetime = SIGNED_AT, drug: str = "Amoxicillin 500mg capsules", uid: str = UID
) -> bytes:
    """The fragments of a prescription with one line, as the national services write them."""
    return (
        "<FragmentsToBeHashed><Fragment>"
        f'<time xmlns="urn:hl7-org:v3" value="{signed_at:%Y%m%d%H%M%S}"></time>'
        '<id xmlns="urn:hl7-org:v3" root="A7B86F8D-1DBD-4F1E-B7FF-9B9E9A1D5E31"></id></Fragment>'
        '<Fragment><AgentPerson xmlns="urn:hl7-org:v3" classCode="AGNT"><agentPerson>'
        f'<id root="1.2.826.0.1285.0.2.0.65" extension="{uid}"></id></agentPerson></AgentPerson></Fragment>'
        '<Fragment><recordTarget xmlns="urn:hl7-org:v3"><Patient><id root="2.16.840.1.113883.2.1.4.1" '
        'extension="9999999999"></id></Patient></recordTarget></Fragment>'
        '<Fragment><pertinentLineItem xmlns="urn:hl7-org:v3">'
        f"<displayName>{drug}</displayName></pertinentLineItem></Fragment></FragmentsToBeHashed>"
    ).encode()


@dataclass
class Card:
    """A signing certificate with its key and path."""

    path: Path3 = field(default_factory=Path3)

    def __post_init__(self) -> None:
        self.path.holder.put(usage("content_commitment"), critical=True)
        self.path.holder.drop(x509.ExtendedKeyUsage)
        self.path.holder.put(policies(POLICY))

    def ders(self) -> tuple[bytes, bytes, bytes]:
        if not hasattr(self, "_ders"):
            self._ders = self.path.signed()
        return self._ders

    @property
    def certificate(self) -> x509.Certificate:
        return x509.load_der_x509_certificate(self.ders()[2])


def signed_info(digest: bytes, method: str = ECDSA_SHA256, digest_method: str = SHA256) -> str:
    return (
        f'<SignedInfo xmlns="{_DS}"><CanonicalizationMethod Algorithm="{_EXC}"></CanonicalizationMethod>'
        f'<SignatureMethod Algorithm="{method}"></SignatureMethod><Reference><Transforms>'
        f'<Transform Algorithm="{_EXC}"></Transform></Transforms><DigestMethod Algorithm="{digest_method}">'
        f"</DigestMethod><DigestValue>{b64(digest)}</DigestValue></Reference></SignedInfo>"
    )


def value_of(info: bytes, with_key: Any, algorithm: hashes.HashAlgorithm | None = None) -> bytes:
    """The signature value over canonical bytes."""
    algorithm = algorithm or hashes.SHA256()
    if isinstance(with_key, rsa.RSAPrivateKey):
        return with_key.sign(info, padding.PKCS1v15(), algorithm)
    r, s = decode_dss_signature(with_key.sign(info, ec.ECDSA(algorithm)))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def signature(info: str, value: bytes, *certificates: bytes) -> bytes:
    """A ``Signature`` element."""
    kept = "".join(f"<X509Certificate>{b64(each)}</X509Certificate>" for each in certificates)
    key_info = f"<KeyInfo><X509Data>{kept}</X509Data></KeyInfo>"
    signed_value = f"<SignatureValue>{b64(value)}</SignatureValue>"
    return f'<Signature xmlns="{_DS}">{info}{signed_value}{key_info}</Signature>'.encode()


def signed(card: Card, content: bytes | None = None, *, old: bool = False) -> bytes:
    """The signature of the card over the content; ``old`` signs as in the days of SHA-1 (RSA keys only)."""
    data = canonical_form(content or fragments())
    own_key = card.path.holder.own_key
    is_rsa = isinstance(own_key, rsa.RSAPrivateKey)
    method = RSA_SHA1 if old else RSA_SHA256 if is_rsa else ECDSA_SHA256
    digest = hashlib.sha1(data).digest() if old else hashlib.sha256(data).digest()
    info = signed_info(digest, method, SHA1 if old else SHA256)
    algorithm = hashes.SHA1() if old else hashes.SHA256()
    return signature(info, value_of(info.encode(), own_key, algorithm), card.ders()[2])


def canonical_form(content: bytes) -> bytes:
    written: bytes = etree.tostring(etree.fromstring(content), method="c14n", exclusive=True)
    return written


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Lists:
    """Revocation lists that say what the test wants; a subject may be unknown."""

    def __init__(self) -> None:
        self.revoked: dict[int, Revoked] = {}
        self.is_down = False

    def revocation(
        self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime
    ) -> Revoked | None:
        if self.is_down:
            raise StatusUnknown("the list cannot be had")
        return self.revoked.get(certificate.serial_number)


class Office:
    """The verification service over a register in memory that knows one card."""

    def __init__(self, card: Card | None = None, policy: VerificationPolicy | None = None) -> None:
        self.card = card or Card()
        self.lists, self.events = Lists(), list[AuditEvent]()
        self.register: dict[str, CardCertificate] = {}
        self.record()
        root, issuer, _ = self.card.ders()
        anchors = TrustAnchors(
            x509.load_der_x509_certificate(root), (x509.load_der_x509_certificate(issuer),)
        )
        judge = CertificateJudge(PathValidator(anchors, USE), self.lists)
        self.verifying = VerifyingSignatures(cast("Database", self), judge, policy or VerificationPolicy())

    def record(self, *, status: str = "active", revoked: Revoked | None = None) -> None:
        """What the register says of the card's certificate."""
        certificate = self.card.certificate
        number = serial_number_text(certificate.serial_number)
        self.register[number] = CardCertificate(
            number,
            CertificatePurpose.CONTENT_COMMITMENT,
            UID,
            "card-1",
            "issuance-1",
            "",
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
            self.card.ders()[2],
            CertificateStatus.REVOKED if revoked else CertificateStatus(status),
            revoked.at if revoked else None,
            revoked.reason if revoked else None,
        )

    @contextmanager
    def read(self) -> Iterator[Any]:
        audit = SimpleNamespace(record=self.events.append)
        yield SimpleNamespace(now=NOW, certificates=self.register, audit=audit)

    change = read

    def verdict(self, xml: bytes | None = None, content: bytes | None = None) -> Verdict:
        """What is said of a signature; of a sound one over the usual prescription unless given."""
        data = content or fragments()
        read = PrescriptionFragments.from_untrusted(data)
        return self.verifying.verify(xml or signed(self.card, data), read, ASKER)


def rsa_card() -> Card:
    path = Path3()
    path.holder.own_key = key("rsa")
    path.holder.put(x509.SubjectKeyIdentifier.from_public_key(key("rsa").public_key()))
    return Card(path)
