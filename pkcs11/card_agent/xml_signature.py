"""The signature that goes back to the site: XML Signature 1.1 of one fixed shape.

The agent writes ``SignedInfo`` itself, in canonical form, with the digest of the bytes that it showed: no
site chooses what the content-commitment key signs, but for a prescription.
"""

from __future__ import annotations

import base64
import hashlib

_NAMESPACE = "http://www.w3.org/2000/09/xmldsig#"
_EXCLUSIVE_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
_ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
_SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"


def signed_info(canonical_form: bytes) -> bytes:
    """Return the bytes that the key signs, for a document in canonical form."""
    digest = _base64(hashlib.sha256(canonical_form).digest())
    return (
        f'<SignedInfo xmlns="{_NAMESPACE}">'
        f'<CanonicalizationMethod Algorithm="{_EXCLUSIVE_C14N}"></CanonicalizationMethod>'
        f'<SignatureMethod Algorithm="{_ECDSA_SHA256}"></SignatureMethod>'
        f'<Reference><Transforms><Transform Algorithm="{_EXCLUSIVE_C14N}"></Transform></Transforms>'
        f'<DigestMethod Algorithm="{_SHA256}"></DigestMethod><DigestValue>{digest}</DigestValue></Reference>'
        "</SignedInfo>"
    ).encode()


def signature_element(info: bytes, value: bytes, certificate: bytes) -> bytes:
    """Return the ``Signature`` element. ``value`` is r || s (64 bytes), ``certificate`` DER."""
    return (
        f'<Signature xmlns="{_NAMESPACE}">{info.decode()}<SignatureValue>{_base64(value)}</SignatureValue>'
        f"<KeyInfo><X509Data><X509Certificate>{_base64(certificate)}</X509Certificate></X509Data></KeyInfo>"
        "</Signature>"
    ).encode()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
