"""Whether a renewal was approved: the holder's own valid key, an operator's, or those of two colleagues.

Everything is checked against our own ledger and rules. From the registration authority's record, which may be
in wrong hands, come only the issuance, which can but stop the renewal, and the roles of those who signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import takewhile

from cryptography import x509

from app.ca import names
from app.ca.approver import Approver, require_recent, verified_approver
from app.ca.csr import UnverifiedCsr, unproven_spki_sha256
from app.ca.ports import (
    ApprovalRecord,
    CertificateLedger,
    CertificateRecord,
    IssuanceOnRecord,
)
from app.ca.refusals import (
    ApprovalDiffers,
    ApproverMayNotRenew,
    CardNotRenewable,
    NotARenewal,
    SelfIssuance,
)
from app.domain.certificate_order import (
    ApprovedBy,
    CardCertificateOrder,
    CertificatePurpose,
    RenewalApproval,
    SignedApproval,
)
from app.domain.certificate_profile import PEOPLE, CertificateRules
from app.domain.permission import Permission
from app.domain.renewal_statement import RenewalStatement, SignedAs, renewal_statement_from_untrusted
from app.domain.revocation import RevocationReason

_COLLEAGUES = 2


class RenewalCheck:
    """Checks the approvals of renewals.

    Args:
        ledger: what this authority issued and revoked.
        record: the registration authority's record.
        origin: the web origin at which people sign.
        rules: how old approvals may be, when renewals open, and the subjects of profiles.
    """

    def __init__(
        self, ledger: CertificateLedger, record: ApprovalRecord, origin: str, rules: CertificateRules
    ) -> None:
        self._ledger = ledger
        self._record = record
        self._origin = origin
        self._rules = rules

    def require_approved(
        self, order: CardCertificateOrder, issuance: IssuanceOnRecord, now: datetime
    ) -> ApprovedBy:
        """Refuse a renewal that nobody with the right to do so approved; answers whose approval it is.

        Raises:
            CertificateRefused, ApprovalNotValid, RenewalNotDue, CardMustBeSeen: one refusal a check.
        """
        if not issuance.is_renewal or not isinstance(order.approval, RenewalApproval):
            raise NotARenewal("The issuance on record is no renewal of a card.")
        earlier = self._earlier_pairs(order)
        self._require_renewable(order, earlier[0], now)
        signed = [self._signed(order, each, earlier[0], now) for each in order.approval.signatures]
        return self._require_signers(order, signed, earlier, now)

    def _earlier_pairs(self, order: CardCertificateOrder) -> list[_Pair]:
        """The pairs of certificates that the card had or has in use, the newest first, without this order's.

        The first is in force. What was withdrawn for another reason than a newer pair was never used.
        """
        by_order: dict[str, _Pair] = {}
        for record in self._ledger.of_card(order.card_serial):
            if record.intended.order_id != order.issuance_id:
                by_order.setdefault(record.intended.order_id, _Pair()).add(record)
        pairs = [pair for pair in by_order.values() if pair.is_whole]
        in_force = [pair for pair in pairs if not self._revocations(pair)]
        if not in_force or in_force[0].holder != order.holder_uid:
            raise CardNotRenewable(
                "This card has no certificates of this holder in force. Issue a card anew."
            )
        superseded = [pair for pair in pairs if self._revocations(pair) == {RevocationReason.SUPERSEDED}]
        return [in_force[0], *(pair for pair in superseded if pair.holder == order.holder_uid)]

    def _revocations(self, pair: _Pair) -> set[RevocationReason]:
        found = (self._ledger.revocation(each.intended.serial_number) for each in pair.records)
        return {revocation.reason for revocation in found if revocation is not None}

    def _require_renewable(self, order: CardCertificateOrder, pair: _Pair, now: datetime) -> None:
        if self._subject_of(order) != pair.subject:
            raise CardNotRenewable(
                "The holder's name is not the one in the card's certificates. Replace the card instead."
            )
        self._rules.renewal.require_due(pair.ends_at, now)

    def _subject_of(self, order: CardCertificateOrder) -> x509.Name:
        profile = self._rules.profiles[CertificatePurpose.AUTHENTICATION]
        return names.person_subject(profile, order.holder_uid, order.given_name, order.family_name)

    def _signed(
        self, order: CardCertificateOrder, approval: SignedApproval, pair: _Pair, now: datetime
    ) -> _Signature:
        approver = verified_approver(self._ledger, approval, now)
        statement = renewal_statement_from_untrusted(approval.statement)
        self._require_same(order, statement, pair)
        if statement.signer != approver.uid:
            raise ApprovalDiffers("The approval is not signed by whom it names.")
        require_recent(statement, self._rules.approval_age, now)
        return _Signature(statement.signed_as, approver)

    def _require_same(self, order: CardCertificateOrder, statement: RenewalStatement, pair: _Pair) -> None:
        ordered = {
            "renewal": (statement.renewal, order.issuance_id),
            "holder": (statement.holder, order.holder_uid),
            "holder's name": (statement.holder_name, f"{order.given_name} {order.family_name}"),
            "card": (statement.card_serial, order.card_serial),
            "certificate": (statement.replaces, pair.authentication),
            "key": (
                statement.authentication_key,
                unproven_spki_sha256(UnverifiedCsr(order.authentication_csr)),
            ),
            "content-commitment key": (
                statement.content_commitment_key,
                unproven_spki_sha256(UnverifiedCsr(order.content_commitment_csr)),
            ),
            "site": (statement.origin, self._origin),
        }
        for what, (approved, wanted) in ordered.items():
            if approved != wanted:
                raise ApprovalDiffers(f"The approval is for another {what}. Approve again.")

    def _require_signers(
        self,
        order: CardCertificateOrder,
        signed: Sequence[_Signature],
        earlier: Sequence[_Pair],
        now: datetime,
    ) -> ApprovedBy:
        match [each.signed_as for each in signed]:
            case [SignedAs.HOLDER]:
                self._require_holder(order, signed[0].approver, earlier)
                return ApprovedBy.HOLDER
            case [SignedAs.OPERATOR]:
                self._require_operator(order, signed[0].approver, earlier[0].ends_at, now)
                return ApprovedBy.OPERATOR
            case [SignedAs.COLLEAGUE, SignedAs.COLLEAGUE]:
                self._require_colleagues(order, [each.approver.uid for each in signed], now)
                return ApprovedBy.COLLEAGUES
        raise ApproverMayNotRenew(
            "A renewal is signed by the holder, by an operator, or by two colleagues of the holder."
        )

    def _require_holder(
        self, order: CardCertificateOrder, holder: Approver, earlier: Sequence[_Pair]
    ) -> None:
        if (holder.uid, holder.card_serial) != (order.holder_uid, order.card_serial):
            raise ApproverMayNotRenew("Only the card's holder, with that card, signs as its holder.")
        by_holder = takewhile(lambda pair: pair.approved_by is ApprovedBy.HOLDER, earlier)
        self._rules.renewal.require_holder_may_again(sum(1 for _ in by_holder))

    def _require_operator(
        self, order: CardCertificateOrder, operator: Approver, ends_at: datetime, now: datetime
    ) -> None:
        if operator.uid == order.holder_uid:
            raise SelfIssuance("An operator cannot renew a card for themselves as an operator.")
        needed = Permission.ISSUE_CARD if now > ends_at else Permission.RENEW_CARD
        if not self._record.may(operator.uid, needed, now):
            raise ApproverMayNotRenew("The operator does not hold the right to renew this card at present.")

    def _require_colleagues(self, order: CardCertificateOrder, uids: Sequence[str], now: datetime) -> None:
        if len({*uids, order.holder_uid}) != _COLLEAGUES + 1:
            raise ApproverMayNotRenew("Two different colleagues must vouch, neither of them the holder.")
        if not all(self._record.is_colleague(uid, order.holder_uid, now) for uid in uids):
            raise ApproverMayNotRenew("Whoever vouches must work at an organisation of the holder's.")


class _Signature:
    """One verified signature: as what, and by whom."""

    def __init__(self, signed_as: str, approver: Approver) -> None:
        self.signed_as = signed_as
        self.approver = approver


class _Pair:
    """The two certificates of one order for a card."""

    def __init__(self) -> None:
        self._by_purpose: dict[CertificatePurpose, CertificateRecord] = {}

    def add(self, record: CertificateRecord) -> None:
        self._by_purpose[record.intended.purpose] = record

    @property
    def is_whole(self) -> bool:
        return all(purpose in self._by_purpose for purpose in PEOPLE)

    @property
    def records(self) -> list[CertificateRecord]:
        return list(self._by_purpose.values())

    @property
    def _one(self) -> CertificateRecord:
        return self._by_purpose[CertificatePurpose.AUTHENTICATION]

    @property
    def holder(self) -> str:
        return self._one.intended.holder

    @property
    def authentication(self) -> str:
        return self._one.intended.serial_number

    @property
    def approved_by(self) -> ApprovedBy:
        return self._one.intended.approved_by

    @property
    def subject(self) -> x509.Name:
        return x509.load_der_x509_certificate(self._one.intended.linted).subject

    @property
    def ends_at(self) -> datetime:
        return min(each.intended.not_after for each in self.records)
