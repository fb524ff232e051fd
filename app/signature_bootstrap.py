"""The composition root's part for verifying signatures of prescriptions."""

from __future__ import annotations

from datetime import timedelta

from app.adapters.api_key_file import ApiKeyFile
from app.adapters.fetched_revocation_lists import FetchedRevocationLists, ListPlace
from app.ca.contents import StatusAddresses
from app.domain.certificate_order import CertificatePurpose
from app.services import SignatureService
from app.settings import Settings, WhenStatusUnknown
from app.signatures.judging import CertificateJudge
from app.signatures.verifying import VerificationPolicy, VerifyingSignatures
from app.storage.database import Database
from app.validation.revocation_list import StatusLimits
from app.validation_bootstrap import ROOT, ca_certificate, path_validator


def signature_service(settings: Settings, database: Database) -> SignatureService:
    """Verifies signatures, for people and for programs with a key."""
    judge = CertificateJudge(
        path_validator(settings, CertificatePurpose.CONTENT_COMMITMENT), revocation_lists(settings)
    )
    policy = VerificationPolicy(
        settings.signatures.sha1_before_moment,
        settings.validation.when_status_unknown is WhenStatusUnknown.OWN_RECORD,
    )
    return SignatureService(
        VerifyingSignatures(database, judge, policy),
        signature_keys(settings),
        settings.signatures.limit_per_minute,
    )


def signature_keys(settings: Settings) -> ApiKeyFile:
    """Which programs may have signatures verified."""
    return ApiKeyFile(settings.signatures.api_keys_file)


def revocation_lists(settings: Settings) -> FetchedRevocationLists:
    """The lists of the CA that issues signing certificates, and of the root."""
    known = settings.validation
    ages = {
        CertificatePurpose.CONTENT_COMMITMENT.value: timedelta(hours=known.crl_longest_age_hours),
        ROOT: timedelta(days=known.root_crl_longest_age_days),
    }
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
