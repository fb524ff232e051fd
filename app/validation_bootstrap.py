"""The composition root's part for believing certificates: anchors, profiles, and who tells of revocations."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509

from app.ca_ceremony import PROFILES_FILE, PUBLIC_FOLDER
from app.domain.certificate_order import CertificatePurpose
from app.domain.certificate_profile import CertificateProfile, rules_from_toml
from app.settings import Settings
from app.validation.anchors import TrustAnchors
from app.validation.path import PathValidator
from app.validation.use import CertificateUse

ROOT = "root"


def path_validator(settings: Settings, purpose: CertificatePurpose) -> PathValidator:
    """Validates certificates of one purpose, as our profile for it says.

    Raises:
        TrustAnchorsNotUsable: the CA certificates of the installation do not belong together.
    """
    profile = rules_from_toml(PROFILES_FILE.read_text()).profiles[purpose]
    former = settings.validation.former_policies.split()
    return PathValidator(trust_anchors(settings, profile), CertificateUse.of(profile, former))


def trust_anchors(settings: Settings, profile: CertificateProfile) -> TrustAnchors:
    """The root and the CA that issues for the profile, from the CA's public folder."""
    return TrustAnchors(ca_certificate(settings, ROOT), (ca_certificate(settings, profile.issuing_ca),))


def ca_certificate(settings: Settings, name: str) -> x509.Certificate:
    """The certificate of one of our CAs."""
    file: Path = settings.ca.folder / PUBLIC_FOLDER / f"{name}.cer"
    return x509.load_der_x509_certificate(file.read_bytes())
