"""The composition root's part for verifying signatures of prescriptions."""

from __future__ import annotations

from app.bootstrap.api_keys import signature_keys
from app.bootstrap.validation import path_validator, revocation_status
from app.domain.certificate_order import CertificatePurpose
from app.services import SignatureService
from app.settings import Settings, WhenStatusUnknown
from app.signatures.judging import CertificateJudge
from app.signatures.verifying import VerificationPolicy, VerifyingSignatures
from app.storage.database import Database


def signature_service(settings: Settings, database: Database) -> SignatureService:
    """Verifies signatures, for people and for programs with a key."""
    judge = CertificateJudge(
        path_validator(settings, CertificatePurpose.CONTENT_COMMITMENT), revocation_status(settings)
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
