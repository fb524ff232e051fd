"""The composition root's part for believing certificates: anchors, profiles, and who tells of revocations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes

from app.adapters.asked_ocsp import AskedByOcsp
from app.adapters.fetched_revocation_lists import FetchedRevocationLists, ListPlace, read_list
from app.ca.contents import StatusAddresses
from app.ca_files import PROFILES_FILE, PUBLIC_FOLDER, public_crl
from app.domain.certificate_order import CertificatePurpose
from app.domain.certificate_profile import CertificateProfile, rules_from_toml
from app.errors import Unavailable
from app.settings import Settings
from app.signin.certificate_checks import CardPaths
from app.validation.anchors import RevokedByRoot, TrustAnchors
from app.validation.ocsp_answer import LARGEST_ANSWER_BYTES
from app.validation.path import PathValidator
from app.validation.refusals import StatusUnknown
from app.validation.revocation_list import StatusLimits, revocation_list_from_untrusted
from app.validation.status import FirstThatTells, Revoked
from app.validation.use import CertificateUse

ROOT = "root"
EVERY_CA = "*"
"""The profile of OCSP responders belongs to every issuing CA."""


def path_validator(settings: Settings, purpose: CertificatePurpose) -> PathValidator:
    """Validates certificates of one purpose, as our profile for it says.

    Raises:
        TrustAnchorsNotUsable: the CA certificates of the installation do not belong together.
    """
    profile = _profiles()[purpose]
    former = settings.validation.former_policies.split()
    return PathValidator(trust_anchors(settings, profile), CertificateUse.of(profile, former))


def card_paths(settings: Settings) -> CardPaths:
    """How cards are believed at sign-in: our paths, and the root's own list of the CAs that it has revoked.

    Raises:
        TrustAnchorsNotUsable: the CA certificates of the installation do not belong together.
    """
    return CardPaths(path_validator(settings, CertificatePurpose.AUTHENTICATION), root_list(settings))


def root_list(settings: Settings) -> FetchedRevocationLists:
    """The root's list, from the file that the ceremony left: it changes at ceremonies only."""
    known, file = settings.validation, public_crl(settings.ca.folder, ROOT)
    limits = StatusLimits(known.crl_largest_kilobytes * 1024, timedelta(days=known.root_crl_longest_age_days))
    place = ListPlace(str(file), limits, known.crl_within_seconds)
    return FetchedRevocationLists({ca_certificate(settings, ROOT).subject: place}, read_list)


@dataclass(frozen=True)
class RootListSays:
    """What sign-in believes of the root's list now.

    Attributes:
        ends: until when nobody is kept from signing in by its age.
        revoked: of every issuing CA by its name, how the root revoked it; None when it did not.
    """

    ends: datetime
    revoked: Mapping[str, Revoked | None]


def root_list_says(settings: Settings, now: datetime) -> RootListSays:
    """What the root's list says.

    Raises:
        StatusUnknown: it is missing or not believed now.
    """
    file, root = public_crl(settings.ca.folder, ROOT), ca_certificate(settings, ROOT)
    longest = timedelta(days=settings.validation.root_crl_longest_age_days)
    try:
        checked = revocation_list_from_untrusted(
            file.read_bytes(), root, now, StatusLimits(longest_age=longest)
        )
    except OSError as error:
        raise StatusUnknown(f"{file} cannot be read: {error.strerror}") from error
    revoked = {name: checked.revocation(ca_certificate(settings, name)) for name in sorted(_issuing_cas())}
    return RootListSays(min(checked.next_update, checked.this_update + longest), revoked)


def issuer_is_revoked(settings: Settings, purpose: CertificatePurpose) -> bool:
    """Whether the root has revoked the CA that issues certificates for the purpose."""
    issuer = ca_certificate(settings, _profiles()[purpose].issuing_ca)
    return issuer in revoked_by_root(settings).authorities


def revoked_by_root(settings: Settings) -> RevokedByRoot:
    """The issuing CAs that the root's list revokes, whatever its age: what is revoked stays so.

    A list that is missing or is not the root's revokes nothing here. Sign-in lets nobody in by it.
    """
    try:
        crl = x509.load_der_x509_crl(public_crl(settings.ca.folder, ROOT).read_bytes())
    except (OSError, ValueError):
        return RevokedByRoot()
    root = cast(CertificateIssuerPublicKeyTypes, ca_certificate(settings, ROOT).public_key())
    if not crl.is_signature_valid(root):
        return RevokedByRoot()
    issuing = [ca_certificate(settings, name) for name in sorted(_issuing_cas())]
    named = [each for each in issuing if crl.get_revoked_certificate_by_serial_number(each.serial_number)]
    return RevokedByRoot([crl], named) if named else RevokedByRoot()


def trust_anchors(settings: Settings, profile: CertificateProfile) -> TrustAnchors:
    """The root and the CA that issues for the profile, from the CA's public folder."""
    return TrustAnchors(ca_certificate(settings, ROOT), (ca_certificate(settings, profile.issuing_ca),))


def ca_certificate(settings: Settings, name: str) -> x509.Certificate:
    """The certificate of one of our CAs.

    Raises:
        Unavailable: the key ceremony has left none, or it cannot be read.
    """
    file: Path = settings.ca.folder / PUBLIC_FOLDER / f"{name}.cer"
    try:
        return x509.load_der_x509_certificate(file.read_bytes())
    except (OSError, ValueError) as fault:
        raise Unavailable(
            "CA certificate", f"{file} cannot be read. The key ceremony makes it: spine-ra ca ceremony"
        ) from fault


def revocation_lists(settings: Settings) -> FetchedRevocationLists:
    """The lists of our CAs, each believed as the settings say."""
    known = settings.validation
    ages = dict.fromkeys(_issuing_cas(), timedelta(hours=known.crl_longest_age_hours))
    ages[ROOT] = timedelta(days=known.root_crl_longest_age_days)
    addresses = StatusAddresses(settings.status.origin)
    return FetchedRevocationLists(
        {
            ca_certificate(settings, name).subject: ListPlace(
                addresses.crl(name),
                StatusLimits(known.crl_largest_kilobytes * 1024, age),
                known.crl_within_seconds,
            )
            for name, age in ages.items()
        }
    )


def revocation_status(settings: Settings) -> FirstThatTells:
    """Who tells of revocations: the lists, which hold for many certificates, else OCSP."""
    known = settings.validation
    limits = StatusLimits(LARGEST_ANSWER_BYTES, timedelta(hours=known.crl_longest_age_hours))
    address = StatusAddresses(settings.status.origin).ocsp
    return FirstThatTells(revocation_lists(settings), AskedByOcsp(address, limits, known.crl_within_seconds))


def _issuing_cas() -> set[str]:
    return {profile.issuing_ca for profile in _profiles().values()} - {EVERY_CA}


def _profiles() -> Mapping[CertificatePurpose, CertificateProfile]:
    return rules_from_toml(PROFILES_FILE.read_text()).profiles
