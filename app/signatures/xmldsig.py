"""An XML signature as prescriptions carry it, read into a checked shape (XML Signature 1.1, W3C 2013).

One fixed shape is accepted. There is one reference, and nothing is ever looked up by its address or id: the
digest in it is compared with that of the prescription which was handed in, so that no other element can take
the prescription's place (signature wrapping). The only transform is exclusive canonicalisation. The key comes
from the one certificate; key values, key names and HMAC have no place in the shape.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Container
from dataclasses import dataclass

from lxml import etree

from app.signatures.algorithms import DIGESTS, SIGNATURES, DigestAlgorithm, SignatureAlgorithm
from app.signatures.verdict import Failing, Reason, SignatureUnreadable
from app.signatures.xml_reading import (
    EXCLUSIVE_C14N,
    XmlRefused,
    base64_of,
    canonical,
    element_from_untrusted,
    require_attributes,
    require_children,
    text_of,
)

NAMESPACE = "http://www.w3.org/2000/09/xmldsig#"
LARGEST_SIGNATURE_BYTES = 32 * 1024
_PEM_MARKS = ("BEGIN CERTIFICATE", "END CERTIFICATE")


@dataclass(frozen=True)
class XmlSignature:
    """A signature of the right shape; nothing in it is proven.

    Attributes:
        signed_info: the canonical bytes that the key signed.
        digest: of what was signed, as the signature names it.
        value: as long as the modulus for RSA; r || s for ECDSA (XML Signature 1.1 section 6.4.3).
        certificate: DER, not parsed.
    """

    signed_info: bytes
    algorithm: SignatureAlgorithm
    digest_algorithm: DigestAlgorithm
    digest: bytes
    value: bytes
    certificate: bytes


def signature_from_untrusted(xml: bytes) -> XmlSignature:
    """Read a ``Signature`` element.

    Raises:
        SignatureUnreadable: not of the shape, or with other than one certificate.
    """
    try:
        root = element_from_untrusted(xml, LARGEST_SIGNATURE_BYTES)
        return _signature(root)
    except XmlRefused as refused:
        raise _unreadable("signature_format", f"The signature cannot be read: {refused}.") from refused


def _signature(root: etree._Element) -> XmlSignature:
    if root.tag != _ds("Signature"):
        raise XmlRefused("it is no Signature element of XML Signature")
    require_attributes(root)
    signed_info, value, key_info = require_children(
        root, _ds("SignedInfo"), _ds("SignatureValue"), _ds("KeyInfo")
    )
    algorithm, digest_algorithm, digest = _signed_info(signed_info)
    return XmlSignature(
        canonical(signed_info), algorithm, digest_algorithm, digest, base64_of(value), _certificate(key_info)
    )


def _signed_info(element: etree._Element) -> tuple[SignatureAlgorithm, DigestAlgorithm, bytes]:
    require_attributes(element)
    names = ("CanonicalizationMethod", "SignatureMethod", "Reference")
    canonicalisation, method, reference = require_children(element, *map(_ds, names))
    _require_exclusive(canonicalisation)
    return (SIGNATURES[_known(method, SIGNATURES)], *_reference(reference))


def _reference(element: etree._Element) -> tuple[DigestAlgorithm, bytes]:
    """The one reference. It has no address, or the empty one: what it is about is what was handed in."""
    require_attributes(element, "URI")
    if element.get("URI", "") != "":
        raise XmlRefused(
            "its Reference names an address; only the prescription that is handed in is verified"
        )
    names = ("Transforms", "DigestMethod", "DigestValue")
    transforms, method, value = require_children(element, *map(_ds, names))
    require_attributes(transforms)
    _require_exclusive(*require_children(transforms, _ds("Transform")))
    return DIGESTS[_known(method, DIGESTS)], base64_of(value)


def _require_exclusive(element: etree._Element) -> None:
    _known(element, (EXCLUSIVE_C14N,))


def _known(element: etree._Element, algorithms: Container[str]) -> str:
    """The algorithm, when it is among those and has no parameters."""
    require_attributes(element, "Algorithm")
    require_children(element)
    algorithm = element.get("Algorithm", "")
    if algorithm not in algorithms:
        raise XmlRefused(f"the algorithm {algorithm[:80]!r} is not accepted")
    return algorithm


def _certificate(key_info: etree._Element) -> bytes:
    require_attributes(key_info)
    found = key_info.findall(f".//{_ds('X509Certificate')}")
    if len(found) > 1 or any(mark in (each.text or "") for each in found for mark in _PEM_MARKS):
        raise _several_certificates()
    (data,) = require_children(key_info, _ds("X509Data"))
    require_attributes(data)
    (certificate,) = require_children(data, _ds("X509Certificate"))
    if not text_of(certificate):
        raise XmlRefused("it has no certificate")
    try:
        return _one_certificate(base64_of(certificate))
    except XmlRefused as refused:
        raise SignatureUnreadable(
            Reason(Failing.CERTIFICATE_UNREADABLE, "certificate_unreadable", "The certificate is not base64.")
        ) from refused


def _one_certificate(encoded: bytes) -> bytes:
    """The DER, unless a second certificate stands behind the first (X.690: the outer length says where).

    Prescriptions of the national services carry PEM, in base64 once more.
    """
    if encoded.count(b"-----BEGIN CERTIFICATE-----") > 1:
        raise _several_certificates()
    der = _der_of_pem(encoded) if encoded.startswith(b"-----BEGIN CERTIFICATE-----") else encoded
    if len(der) > 4 and der[:2] == b"\x30\x82":
        ends = 4 + int.from_bytes(der[2:4], "big")
        if der[ends:].startswith(b"\x30\x82"):
            raise _several_certificates()
    return der


def _der_of_pem(pem: bytes) -> bytes:
    body = pem.strip().removeprefix(b"-----BEGIN CERTIFICATE-----").removesuffix(b"-----END CERTIFICATE-----")
    try:
        return base64.b64decode(b"".join(body.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise XmlRefused("the certificate is not PEM") from error


def _several_certificates() -> SignatureUnreadable:
    sentence = "The signature must carry exactly one certificate, so that it is plain who signed."
    return SignatureUnreadable(Reason(Failing.SEVERAL_CERTIFICATES, "several_certificates", sentence))


def _unreadable(code: str, explanation: str) -> SignatureUnreadable:
    return SignatureUnreadable(Reason(Failing.FORMAT, code, explanation))


def _ds(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
