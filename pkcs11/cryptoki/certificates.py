"""X.509 certificate objects in a token (PKCS #11 v2.40, 4.6.3)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.utils import CryptographyDeprecationWarning
from pkcs11 import Attribute, CertificateType, ObjectClass


@dataclass(frozen=True)
class CertificateObject:
    """A certificate as it lies in the token: the CKA_ID joins it to its private key."""

    cka_id: bytes
    label: str
    der: bytes

    @property
    def is_self_issued(self) -> bool:
        """Whether issuer and subject are one: no authority of ours made it (RFC 5280 section 3.2).

        So it is when it cannot be read: modules make placeholders of their own, every other one of which has
        a serial number below zero (ykcs11), and the library warns of those today and refuses them one day.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", CryptographyDeprecationWarning)
                parsed = x509.load_der_x509_certificate(self.der)
        except ValueError:
            return True
        return parsed.issuer == parsed.subject


def read_certificate(found: Any) -> CertificateObject | None:
    """The certificate in a token's object; None for one that a card pulled meanwhile has half written."""
    try:
        return CertificateObject(found[Attribute.ID], found[Attribute.LABEL], found[Attribute.VALUE])
    except MemoryError:  # how the library takes a value of no length
        return None


def certificate_template(certificate: CertificateObject) -> dict[Attribute, Any]:
    """Every attribute that readers look for: NSS ignores a certificate without its SERIAL_NUMBER."""
    parsed = x509.load_der_x509_certificate(certificate.der)
    return {
        Attribute.CLASS: ObjectClass.CERTIFICATE,
        Attribute.CERTIFICATE_TYPE: CertificateType.X_509,
        Attribute.TOKEN: True,
        Attribute.PRIVATE: False,
        Attribute.ID: certificate.cka_id,
        Attribute.LABEL: certificate.label,
        Attribute.SUBJECT: parsed.subject.public_bytes(),
        Attribute.ISSUER: parsed.issuer.public_bytes(),
        Attribute.SERIAL_NUMBER: der_integer(parsed.serial_number),
        Attribute.VALUE: certificate.der,
    }


def der_integer(number: int) -> bytes:
    """A positive number as a DER INTEGER; a serial number has at most 20 octets (RFC 5280 4.1.2.2)."""
    content = number.to_bytes(number.bit_length() // 8 + 1, "big")
    return bytes((0x02, len(content))) + content
