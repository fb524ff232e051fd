"""Everything that the certificate authority refuses, one sentence-named exception each.

The code travels over the socket; ``refusal_of`` gives the same exception back on the other side.
"""

from __future__ import annotations

from app.domain.approval import ApprovalNotValid
from app.domain.renewal import CardMustBeSeen, RenewalNotDue
from app.errors import Refusal


class CertificateRefused(Refusal):
    """The certificate authority will not sign. Base of its own refusals."""

    code = "certificate_refused"


class CsrMalformed(CertificateRefused):
    """The bytes are no PKCS#10 request (RFC 2986)."""

    code = "csr_malformed"


class ProofOfPossessionFailed(CertificateRefused):
    """The CSR is not signed with the key it asks a certificate for."""

    code = "proof_of_possession_failed"


class KeyTypeNotAllowed(CertificateRefused):
    """The profile does not allow this kind or size of key."""

    code = "key_type_not_allowed"


class KeyTooWeak(CertificateRefused):
    """The key has a known weakness."""

    code = "key_too_weak"


class AttestationFalse(CertificateRefused):
    """The card's proof of where its key was made is forged, damaged, or of another key or card."""

    code = "attestation_false"


class ProvenanceNotProved(CertificateRefused):
    """Such cards must prove that they made their keys, and this one did not."""

    code = "provenance_not_proved"


class KeyAlreadyCertified(CertificateRefused):
    """A certificate was made for this key before; a key is certified once in all time."""

    code = "key_already_certified"


class AlreadyCertified(CertificateRefused):
    """The order was carried out before, for other keys."""

    code = "already_certified"


class OrderWithdrawn(CertificateRefused):
    """The issuance was undone; nothing is signed for it any more."""

    code = "order_withdrawn"


class NameNotAcceptable(CertificateRefused):
    """A name, user id or system id cannot stand in a certificate."""

    code = "name_not_acceptable"


class ProfileViolated(CertificateRefused):
    """What would be signed differs from its certificate profile."""

    code = "profile_violated"


class LintFailed(CertificateRefused):
    """The linter found an error in what would be signed."""

    code = "lint_failed"


class ApprovalDiffers(CertificateRefused):
    """The signed approval is for something else than what is ordered."""

    code = "approval_differs"


class ApprovalTooOld(CertificateRefused):
    """The approval was signed too long ago, or in the future."""

    code = "approval_too_old"


class ApproverUnknown(CertificateRefused):
    """The approval's certificate is no content-commitment certificate of ours that holds now."""

    code = "approver_unknown"


class ApproverMayNotIssue(CertificateRefused):
    """The operator does not hold the right to issue cards now."""

    code = "approver_may_not_issue"


class SelfIssuance(CertificateRefused):
    """The operator is the holder."""

    code = "self_issuance"


class IssuanceNotApproved(CertificateRefused):
    """No open issuance for this holder, card and operator is on record."""

    code = "issuance_not_approved"


class NotARenewal(CertificateRefused):
    """The issuance on record and the kind of approval do not belong together."""

    code = "not_a_renewal"


class CardNotRenewable(CertificateRefused):
    """The card has no pair of certificates of this holder and name that is in order."""

    code = "card_not_renewable"


class ApproverMayNotRenew(CertificateRefused):
    """The signer may not have this card renewed now."""

    code = "approver_may_not_renew"


class FoundingRecordUnknown(CertificateRefused):
    """The order names a founding record other than the one fixed at the key ceremony."""

    code = "founding_record_unknown"


class FoundingEntrySpent(CertificateRefused):
    """The founder's certificates were already issued: founding happens once."""

    code = "founding_entry_spent"


class TemporaryTooLong(CertificateRefused):
    """A temporary access card was approved for longer than the profile allows."""

    code = "temporary_too_long"


class SystemNotApproved(CertificateRefused):
    """No approved accredited system of this id is on record."""

    code = "system_not_approved"


class ReleaseNotApproved(CertificateRefused):
    """No open job on record covers this release of an SO PIN."""

    code = "release_not_approved"


class ApproverMayNotUnlock(CertificateRefused):
    """Whoever signed the release may not have this card's SO PIN released."""

    code = "approver_may_not_unlock"


class NoSoPinInEscrow(CertificateRefused):
    """No SO PIN of the card is in escrow."""

    code = "no_so_pin_in_escrow"


class TooManyReleases(CertificateRefused):
    """SO PINs were released on one-time codes more often than anybody needs."""

    code = "too_many_releases"


class CertificateUnknown(CertificateRefused):
    """The certificate authority issued no certificate with this serial number."""

    code = "certificate_unknown"


class ReasonUnknown(CertificateRefused):
    """The revocation reason is not one of RFC 5280 section 5.3.1 that we use."""

    code = "reason_unknown"


class ReasonNotTheirs(CertificateRefused):
    """Who has the certificate revoked may not give this reason."""

    code = "reason_not_theirs"


class IssuingCaUnknown(CertificateRefused):
    """There is no CA of this name."""

    code = "issuing_ca_unknown"


class AuditChainBroken(CertificateRefused):
    """The audit record does not continue from the last sealed head: it will not be sealed."""

    code = "audit_chain_broken"


class AuthorityRevoked(CertificateRefused):
    """The root has revoked the CA: nothing is issued under it, and nothing of it is believed."""

    code = "authority_revoked"


class RequestMalformed(CertificateRefused):
    """The message to the certificate authority cannot be read."""

    code = "request_malformed"


class CeremonyChanged(CertificateRefused):
    """A key ceremony was held with another file, and is not held again."""

    code = "ceremony_changed"


class CeremonyNotHeld(CertificateRefused):
    """The keys of the certificate authority do not exist yet."""

    code = "ceremony_not_held"


class PreparedCertificateSpent(CertificateRefused):
    """A prepared certificate was given to be issued twice, or to another CA."""

    code = "prepared_certificate_spent"


_KINDS: tuple[type[Refusal], ...] = (
    *CertificateRefused.__subclasses__(),
    ApprovalNotValid,
    RenewalNotDue,
    CardMustBeSeen,
)
_BY_CODE = {kind.code: kind for kind in _KINDS}


def refusal_of(code: str, message: str) -> Refusal:
    """The refusal that has ``code``, with its message; the base when the code is not known here."""
    return _BY_CODE.get(code, CertificateRefused)(message)
