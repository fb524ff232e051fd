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
from app.clock import utc_now
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
_KNOWN_WITHIN = timedelta(minutes=5)
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


def issuing_cas(purpose: CertificatePurpose) -> tuple[str, ...]:
    """Names of the CAs whose certificates for the purpose may be in force; the one that issues now first."""
    return _profiles()[purpose].issuing_cas


def issues_until(settings: Settings) -> Mapping[str, datetime]:
    """Until when each CA that issues now may: a certificate of full length must not outlive it.

    Raises:
        Unavailable: its certificate cannot be read.
    """
    issuing = {each.issuing_ca: each.validity for each in _profiles().values() if each.issuing_ca != EVERY_CA}
    return {
        name: ca_certificate(settings, name).not_valid_after_utc - validity
        for name, validity in issuing.items()
    }


def revoked_issuers(settings: Settings, purpose: CertificatePurpose) -> frozenset[bytes]:
    """The subjects (DER) of those that the root has revoked, of the CAs for the purpose."""
    revoked = revoked_by_root(settings).authorities
    ours = [ca_certificate(settings, name) for name in issuing_cas(purpose)]
    return frozenset(each.subject.public_bytes() for each in ours if each in revoked)


def cards_distrusted_before(settings: Settings) -> datetime | None:
    """Sessions that cards began before this moment are of no worth; None while no CA of cards is revoked.

    When the CA that issues now is revoked, it is the present: no card signs in any more. When one before it
    is, it is when sign-in everywhere knew of that: who had a card of another CA signs in once more.
    """
    revoked, current = revoked_by_root(settings), issuing_cas(CertificatePurpose.AUTHENTICATION)[0]
    if ca_certificate(settings, current) in revoked.authorities:
        return utc_now()
    if revoked_issuers(settings, CertificatePurpose.AUTHENTICATION):
        return min(each.last_update_utc for each in revoked.lists) + _KNOWN_WITHIN
    return None


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
    """The root and the CAs that issue or issued for the profile, from the CA's public folder."""
    issuing = tuple(ca_certificate(settings, name) for name in profile.issuing_cas)
    return TrustAnchors(ca_certificate(settings, ROOT), issuing)


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
    return {name for profile in _profiles().values() for name in profile.issuing_cas} - {EVERY_CA}


def _profiles() -> Mapping[CertificatePurpose, CertificateProfile]:
    return rules_from_toml(PROFILES_FILE.read_text()).profiles
