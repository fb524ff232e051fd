"""Certification paths with one defect each, made anew for every run of the tests (and so never out of date).

``python -m tests.support.defective_certificates FOLDER`` writes them as PEM files, to try other validators
on: for each case a root, its issuing CA and the end entity's certificate.
"""

from __future__ import annotations

import base64
import datetime as dt
import sys
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
POLICY, OTHER_POLICY, ANY_POLICY = "1.3.6.1.4.1.32473.100.1", "1.3.6.1.4.1.32473.7", "2.5.29.32.0"
DAY = dt.timedelta(days=1)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Extensions = dict[type[x509.ExtensionType], tuple[x509.ExtensionType, bool]]
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.32473.99"), b"\x05\x00")


def name(common_name: str, organisation: str = "nhs") -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


ROOT, ISSUER, HOLDER = name("Root"), name("Authentication"), name("555253521108_Meera_Patel")


@cache
def key(label: str) -> Key:
    """A key that every case shares, by what it is for."""
    if label == "rsa":
        return rsa.generate_private_key(65537, 2048)
    if label == "weak":
        return rsa.generate_private_key(65537, 1024)
    return ec.generate_private_key(ec.SECP256R1())


def usage(*bits: str) -> x509.KeyUsage:
    names = [
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ]
    return x509.KeyUsage(**{each: each in bits for each in names})


def policies(*identifiers: str) -> x509.CertificatePolicies:
    return x509.CertificatePolicies(
        [x509.PolicyInformation(x509.ObjectIdentifier(each), None) for each in identifiers]
    )


@dataclass
class Spec:
    """One certificate before it is signed."""

    subject: x509.Name
    issuer: x509.Name
    own_key: Key
    signing_key: Key
    extensions: Extensions
    begins: dt.datetime = NOW - 30 * DAY
    ends: dt.datetime = NOW + 300 * DAY
    algorithm: hashes.HashAlgorithm = field(default_factory=hashes.SHA256)

    def put(self, value: x509.ExtensionType, *, critical: bool = False) -> None:
        self.extensions[type(value)] = (value, critical)

    def drop(self, kind: type[x509.ExtensionType]) -> None:
        del self.extensions[kind]

    def signed(self) -> bytes:
        builder = x509.CertificateBuilder(
            self.issuer,
            self.subject,
            self.own_key.public_key(),
            x509.random_serial_number(),
            self.begins,
            self.ends,
        )
        for value, critical in self.extensions.values():
            builder = builder.add_extension(value, critical)
        return builder.sign(self.signing_key, self.algorithm).public_bytes(Encoding.DER)


def _identifiers(own: Key, issuer: Key) -> Extensions:
    return {
        x509.SubjectKeyIdentifier: (x509.SubjectKeyIdentifier.from_public_key(own.public_key()), False),
        x509.AuthorityKeyIdentifier: (
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()),
            False,
        ),
    }


def _authority(subject: x509.Name, own: Key, path_length: int) -> Spec:
    spec = Spec(subject, ROOT, own, key("root"), _identifiers(own, key("root")), ends=NOW + 3000 * DAY)
    spec.put(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    spec.put(usage("key_cert_sign", "crl_sign"), critical=True)
    return spec


@dataclass
class Path3:
    """Root, issuing CA and end entity, sound until a case spoils one of them."""

    root: Spec = field(default_factory=lambda: _authority(ROOT, key("root"), 1))
    issuer: Spec = field(default_factory=lambda: _authority(ISSUER, key("issuer"), 0))
    holder: Spec = field(
        default_factory=lambda: Spec(
            HOLDER, ISSUER, key("holder"), key("issuer"), _identifiers(key("holder"), key("issuer"))
        )
    )
    alter: Callable[[bytes], bytes] = bytes

    def __post_init__(self) -> None:
        self.issuer.put(policies(ANY_POLICY))
        self.holder.put(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        self.holder.put(usage("digital_signature"), critical=True)
        self.holder.put(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]))
        self.holder.put(policies(POLICY))

    def signed(self) -> tuple[bytes, bytes, bytes]:
        return self.root.signed(), self.issuer.signed(), self.alter(self.holder.signed())


@dataclass(frozen=True)
class Case:
    """A path and what must be said of it.

    Attributes:
        spoil: makes the defect.
        code: of the refusal; empty for a sound path; ``anchors`` when our installation would not start.
        others_accept: peers that take it, and why we do not.
    """

    spoil: Callable[[Path3], object]
    code: str
    others_accept: Mapping[str, str] = field(default_factory=dict)


def _last_byte_changed(der: bytes) -> bytes:
    return der[:-1] + bytes([der[-1] ^ 1])


def _version_1(der: bytes) -> bytes:
    certificate = asn1.Certificate.load(der)
    body = certificate["tbs_certificate"]
    body["version"] = "v1"
    del body["extensions"]
    return _signed_again(certificate)


def _signed_again(certificate: asn1.Certificate) -> bytes:
    issuer = key("issuer")
    assert isinstance(issuer, ec.EllipticCurvePrivateKey)
    body = certificate["tbs_certificate"].dump(force=True)
    certificate["signature_value"] = issuer.sign(body, ec.ECDSA(hashes.SHA256()))
    return certificate.dump(force=True)


def _signed_by_rsa_with_sha1(path: Path3) -> None:
    path.issuer.own_key = path.holder.signing_key = key("rsa")
    path.issuer.extensions |= _identifiers(key("rsa"), key("root"))
    path.holder.extensions |= _identifiers(key("holder"), key("rsa"))
    path.alter = _rsa_sha1


def _rsa_sha1(der: bytes) -> bytes:
    certificate = asn1.Certificate.load(der)
    certificate["signature_algorithm"]["algorithm"] = "sha1_rsa"
    certificate["tbs_certificate"]["signature"]["algorithm"] = "sha1_rsa"
    signer = key("rsa")
    assert isinstance(signer, rsa.RSAPrivateKey)
    body = certificate["tbs_certificate"].dump(force=True)
    certificate["signature_value"] = signer.sign(body, padding.PKCS1v15(), hashes.SHA1())
    return certificate.dump(force=True)


def _with_key(spec: Spec, label: str) -> None:
    spec.own_key = key(label)
    spec.extensions[x509.SubjectKeyIdentifier] = (
        x509.SubjectKeyIdentifier.from_public_key(key(label).public_key()),
        False,
    )


def _names_no_key(path: Path3) -> None:
    path.holder.signing_key = key("stranger")


def _constraints(
    permitted: list[x509.GeneralName] | None, excluded: list[x509.GeneralName] | None
) -> x509.NameConstraints:
    return x509.NameConstraints(permitted, excluded)


_STRICTER = "we want the purpose named; the standard leaves it to the application"

CASES: Mapping[str, Case] = {
    "sound": Case(lambda path: None, ""),
    "sound-rsa": Case(lambda path: _with_key(path.holder, "rsa"), ""),
    "sound-uncritical-unknown-extension": Case(lambda path: path.holder.put(UNKNOWN), ""),
    "signature-altered": Case(lambda path: setattr(path, "alter", _last_byte_changed), "not_issued_by_ours"),
    "signed-by-another-key": Case(_names_no_key, "not_issued_by_ours"),
    "bytes-after-the-end": Case(
        lambda path: setattr(path, "alter", lambda der: der + b"\x00"),
        "certificate_unreadable",
        {"openssl": "reads PEM and leaves what follows", "pyhanko": "parses lazily"},
    ),
    "expired": Case(lambda path: setattr(path.holder, "ends", NOW - DAY), "expired"),
    "not-yet-valid": Case(lambda path: setattr(path.holder, "begins", NOW + DAY), "not_yet_valid"),
    "issuer-name-differs": Case(
        lambda path: setattr(path.holder, "issuer", name("Somebody")), "not_issued_by_ours"
    ),
    "authority-key-identifier-differs": Case(
        lambda path: path.holder.put(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(key("stranger").public_key())
        ),
        "not_issued_by_ours",
    ),
    "issuer-expired": Case(lambda path: setattr(path.issuer, "ends", NOW - DAY), "issuer_not_valid"),
    "issuer-not-yet-valid": Case(lambda path: setattr(path.issuer, "begins", NOW + DAY), "issuer_not_valid"),
    "root-expired": Case(
        lambda path: setattr(path.root, "ends", NOW - DAY),
        "issuer_not_valid",
        {"pyhanko": "RFC 5280 gives anchors no validity; we end with the certificate of our root"},
    ),
    "issuer-is-no-ca": Case(
        lambda path: path.issuer.put(x509.BasicConstraints(ca=False, path_length=None), critical=True),
        "anchors",
    ),
    "issuer-without-basic-constraints": Case(lambda path: path.issuer.drop(x509.BasicConstraints), "anchors"),
    "issuer-may-not-sign-certificates": Case(
        lambda path: path.issuer.put(usage("crl_sign"), critical=True), "anchors"
    ),
    "root-allows-no-ca-below": Case(
        lambda path: path.root.put(x509.BasicConstraints(ca=True, path_length=0), critical=True),
        "not_issued_by_ours",
        {"pyhanko": "its anchors are keys and names only"},
    ),
    "holder-is-a-ca": Case(
        lambda path: path.holder.put(x509.BasicConstraints(ca=True, path_length=None), critical=True),
        "not_for_this_use",
        {"openssl": "looks at purposes only", "pyhanko": "looks at usage only"},
    ),
    "key-usage-is-another": Case(
        lambda path: path.holder.put(usage("content_commitment"), critical=True), "not_for_this_use"
    ),
    "no-key-usage": Case(
        lambda path: path.holder.drop(x509.KeyUsage),
        "not_for_this_use",
        {"openssl": _STRICTER},
    ),
    "extended-key-usage-is-another": Case(
        lambda path: path.holder.put(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])),
        "not_for_this_use",
    ),
    "extended-key-usage-is-any": Case(
        lambda path: path.holder.put(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])),
        "not_for_this_use",
    ),
    "no-extended-key-usage": Case(
        lambda path: path.holder.drop(x509.ExtendedKeyUsage),
        "not_for_this_use",
        {"openssl": _STRICTER},
    ),
    "policy-is-another": Case(lambda path: path.holder.put(policies(OTHER_POLICY)), "policy_not_accepted"),
    "no-policy": Case(lambda path: path.holder.drop(x509.CertificatePolicies), "policy_not_accepted"),
    "issuer-has-another-policy": Case(
        lambda path: path.issuer.put(policies(OTHER_POLICY)), "policy_not_accepted"
    ),
    "issuer-without-policy": Case(
        lambda path: path.issuer.drop(x509.CertificatePolicies), "policy_not_accepted"
    ),
    "any-policy-inhibited": Case(
        lambda path: (
            path.issuer.put(policies(POLICY)),
            path.issuer.put(x509.InhibitAnyPolicy(0)),
            path.holder.put(policies(ANY_POLICY)),
        ),
        "policy_not_accepted",
    ),
    "unknown-critical-extension": Case(
        lambda path: path.holder.put(UNKNOWN, critical=True), "not_issued_by_ours"
    ),
    "unknown-critical-extension-of-the-issuer": Case(
        lambda path: path.issuer.put(UNKNOWN, critical=True), "not_issued_by_ours"
    ),
    "outside-permitted-names": Case(
        lambda path: path.issuer.put(
            _constraints([x509.DirectoryName(x509.Name(list(name("x", "others"))[:1]))], None), critical=True
        ),
        "not_issued_by_ours",
    ),
    "among-excluded-names": Case(
        lambda path: path.issuer.put(
            _constraints(None, [x509.DirectoryName(x509.Name(list(HOLDER)[:1]))]), critical=True
        ),
        "not_issued_by_ours",
    ),
    "among-excluded-host-names": Case(
        lambda path: (
            path.issuer.put(_constraints(None, [x509.DNSName("example.org")]), critical=True),
            path.holder.put(x509.SubjectAlternativeName([x509.DNSName("a.example.org")])),
        ),
        "not_issued_by_ours",
    ),
    "version-1": Case(lambda path: setattr(path, "alter", _version_1), "not_issued_by_ours"),
    "signed-with-sha-1": Case(_signed_by_rsa_with_sha1, "not_issued_by_ours"),
    "weak-key": Case(
        lambda path: _with_key(path.holder, "weak"),
        "key_too_weak",
        {"pyhanko": "judges hashes, not key sizes"},
    ),
}


def path_of(case: str) -> tuple[bytes, bytes, bytes]:
    """Root, issuing CA and end entity of a case, DER."""
    path = Path3()
    CASES[case].spoil(path)
    return path.signed()


def write(folder: Path, case: str) -> None:
    """The path of a case as three PEM files."""
    for role, der in zip(("root", "issuer", "holder"), path_of(case), strict=True):
        (folder / f"{case}.{role}.pem").write_text(_pem(der))


def _pem(der: bytes) -> str:
    lines = "\n".join(textwrap.wrap(base64.b64encode(der).decode(), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"


if __name__ == "__main__":
    for each in CASES:
        write(Path(sys.argv[1]), each)
