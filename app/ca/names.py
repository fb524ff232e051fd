"""Subject names: from the fields of an order to a distinguished name by the profile's pattern.

Whatever could change the meaning of a name for someone who reads it (control characters, separators, text
that runs backwards, look-alike spaces) is refused here, so that no relying party has to be careful.
"""

from __future__ import annotations

import re
import unicodedata

from cryptography import x509
from cryptography.x509.oid import NameOID

from app.ca.refusals import NameNotAcceptable
from app.domain.certificate_profile import CertificateProfile
from app.domain.personal_name import PUNCTUATION

MAXIMUM_COMMON_NAME = 64
"""ub-common-name (RFC 5280 appendix A.1) counts characters; we count octets, as many programs do."""

MAXIMUM_NAME = 200
_ATTRIBUTES = {
    "C": NameOID.COUNTRY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "CN": NameOID.COMMON_NAME,
}


def person_subject(profile: CertificateProfile, uid: str, given_name: str, family_name: str) -> x509.Name:
    """The subject of a person's certificate.

    A common name that would be too long keeps the whole user id, which is what identifies, and shortens the
    given and then the family name.

    Raises:
        NameNotAcceptable
    """
    _require_digits("user id", uid)
    given, family = _clean("given name", given_name), _clean("family name", family_name)
    fields = {"uid": uid, "given_name": given, "family_name": family}
    return _subject(profile.subject, _shortened(profile.subject, fields))


def system_subject(profile: CertificateProfile, asid: str) -> x509.Name:
    """The subject of an accredited system's certificate.

    Raises:
        NameNotAcceptable
    """
    _require_digits("accredited system id", asid)
    return _subject(profile.subject, {"asid": asid})


def named_subject(pattern: tuple[tuple[str, str], ...], **fields: str) -> x509.Name:
    """A subject whose fields come from our own reviewed configuration."""
    return _subject(pattern, fields)


def _subject(pattern: tuple[tuple[str, str], ...], fields: dict[str, str]) -> x509.Name:
    return x509.Name(
        x509.NameAttribute(_ATTRIBUTES[kind], value.format_map(fields)) for kind, value in pattern
    )


def _require_digits(what: str, value: str) -> None:
    if re.fullmatch(r"[0-9]{12}", value) is None:
        raise NameNotAcceptable(f"The {what} must be 12 digits.")


def _clean(what: str, value: str) -> str:
    """The name in Unicode normalisation form C, one space between words."""
    if len(value) > MAXIMUM_NAME:
        raise NameNotAcceptable(f"The {what} is longer than {MAXIMUM_NAME} characters.")
    name = " ".join(unicodedata.normalize("NFC", value).split(" ")).strip()
    if not any(unicodedata.category(character).startswith("L") for character in name):
        raise NameNotAcceptable(f"The {what} has no letter.")
    for character in name:
        if unicodedata.category(character)[0] not in "LM" and character not in PUNCTUATION:
            raise NameNotAcceptable(
                f"The {what} holds the character U+{ord(character):04X}, which cannot stand in a "
                "certificate. Correct the person's name."
            )
    return name


def _shortened(pattern: tuple[tuple[str, str], ...], fields: dict[str, str]) -> dict[str, str]:
    """The fields with the given and then the family name cut until the common name fits; one letter stays."""
    shortened = dict(fields)
    for field in ("given_name", "family_name"):
        while _common_name_octets(pattern, shortened) > MAXIMUM_COMMON_NAME and len(shortened[field]) > 1:
            shortened[field] = shortened[field][:-1].rstrip()
    return shortened


def _common_name_octets(pattern: tuple[tuple[str, str], ...], fields: dict[str, str]) -> int:
    names = (value.format_map(fields) for kind, value in pattern if kind == "CN")
    return max((len(name.encode()) for name in names), default=0)
