"""The certificate authority: takes an order with its approval and gives certificates, each exactly once.

The steps, and what is left when the process ends after each:

1. check the approval, the CSRs and the names        nothing
2. prepare: profile, lint with a throw-away key      nothing
3. record what will be signed, and why               a record that other keys may still replace
4. write the audit event                             signed at the next start, or when the order comes again
5. sign                                              as after 4: a signature that nobody saw is made again
6. record what was signed, and its receipt           both; the same order gives the certificate again
7. audit the receipt, with what is audited next      audited at the next start
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from app.ca import csr as requests
from app.ca import names
from app.ca.approval import ApprovalCheck
from app.ca.attestation import ProvenanceCheck
from app.ca.audit_ports import AuditRecord
from app.ca.contents import Validity, lasting
from app.ca.issuance import Issuer, PreparedCertificate
from app.ca.ports import (
    ApprovalRecord,
    CertificateLedger,
    CertificateRecord,
    IntendedCertificate,
)
from app.ca.receipts import Reason, Receipts, card_reason, system_reason
from app.ca.refusals import KeyAlreadyCertified, SystemNotApproved
from app.ca.wanted import ACTOR, Wanted, intended, issued_event
from app.clock import Clock
from app.domain.audit_event import AuditEvent
from app.domain.certificate_order import (
    ApprovedBy,
    CardCertificateOrder,
    CardCertificates,
    CertificatePurpose,
    SystemCertificateOrder,
)
from app.domain.certificate_profile import PEOPLE, CertificateRules
from app.domain.json_value import canonical_json
from app.domain.provenance import NO_EVIDENCE, provenance_of_text
from app.domain.renewal import levelled_end
from app.errors import Refusal


class Authority:
    """Carries out orders.

    Args:
        issuers: the issuing CAs by name.
        root: the root's certificate.
        rules: certificate profiles.
        ledger: our own record.
        audit: the audit record of the whole service.
        approvals: checks of card orders.
        provenance: finds out where cards' keys were made.
        record: the registration authority's record.
        receipts: where the reason of each order is kept.
        clock: the time now.
    """

    def __init__(
        self,
        *,
        issuers: Mapping[str, Issuer],
        root: x509.Certificate,
        rules: CertificateRules,
        ledger: CertificateLedger,
        audit: AuditRecord,
        approvals: ApprovalCheck,
        provenance: ProvenanceCheck,
        record: ApprovalRecord,
        receipts: Receipts,
        clock: Clock,
    ) -> None:
        self._issuers = issuers
        self._root = root.public_bytes(Encoding.DER)
        self._rules = rules
        self._ledger = ledger
        self._audit = audit
        self._approvals = approvals
        self._provenance = provenance
        self._record = record
        self._receipts = receipts
        self._clock = clock

    def issue_card_certificates(self, order: CardCertificateOrder) -> CardCertificates:
        """Carry out an order for a card; the same order again gives the same certificates.

        Raises:
            CertificateRefused, ApprovalNotValid, RenewalNotDue, CardMustBeSeen: a rule says no; that is
                audited too.
            Unavailable: the audit, a database or the token is down; the order may be sent again.
        """
        try:
            approved_by = self._approvals.require_approved(order, self._clock())
            founder = (
                f"{order.given_name} {order.family_name}" if approved_by is ApprovedBy.FOUNDING else None
            )
            reason = card_reason(
                order, approved_by, self._record.background(order.issuance_id, order.holder_uid)
            )
            certified = self._certify(self._wanted_for_card(order, approved_by), founder, reason)
        except Refusal as refusal:
            self._audit_refusal(order.holder_uid, order.issuance_id, refusal)
            raise
        provenance = {each.purpose: provenance_of_text(each.provenance) for each, _ in certified}
        (_, authentication), (_, content_commitment) = certified
        return CardCertificates(authentication, content_commitment, self._chain(), provenance)

    def issue_system_certificate(self, order: SystemCertificateOrder) -> bytes:
        """Carry out an order for a system's client certificate; the same order gives the same one. DER.

        Raises:
            SystemNotApproved, CertificateRefused, Unavailable
        """
        try:
            if not self._record.is_system_approved(order.asid):
                raise SystemNotApproved("No accredited system of this id was approved by two people.")
            reason = system_reason(order, self._record.system_background(order.asid))
            [(_, der)] = self._certify([self._wanted_for_system(order)], None, reason)
            return der
        except Refusal as refusal:
            self._audit_refusal(order.asid, order.order_id, refusal)
            raise

    def finish(self) -> int:
        """Sign what was audited and not signed when the process ended. Returns how many."""
        unfinished = self._ledger.unfinished()
        self._sign(unfinished, {})
        self._receipts.finish(self._clock())
        return len(unfinished)

    def _chain(self) -> tuple[bytes, ...]:
        people = (CertificatePurpose.AUTHENTICATION, CertificatePurpose.CONTENT_COMMITMENT)
        issuing = dict.fromkeys(self._rules.profiles[purpose].issuing_ca for purpose in people)
        ders = [self._issuers[name].certificate.public_bytes(Encoding.DER) for name in issuing]
        return (*ders, self._root)

    def _wanted_for_card(self, order: CardCertificateOrder, approved_by: ApprovedBy) -> list[Wanted]:
        pairs = (
            (CertificatePurpose.AUTHENTICATION, order.authentication_csr),
            (CertificatePurpose.CONTENT_COMMITMENT, order.content_commitment_csr),
        )
        wanted = [self._wanted(order, purpose, der, approved_by) for purpose, der in pairs]
        if wanted[0].csr.spki_sha256 == wanted[1].csr.spki_sha256:
            raise KeyAlreadyCertified("Both CSRs are for one key. The card must make a key for each purpose.")
        return wanted

    def _wanted(
        self, order: CardCertificateOrder, purpose: CertificatePurpose, der: bytes, approved_by: ApprovedBy
    ) -> Wanted:
        profile = self._rules.profiles[purpose]
        csr = requests.verify(requests.UnverifiedCsr(der), profile)
        evidence = order.evidence.get(purpose, NO_EVIDENCE)
        provenance = self._provenance.of(evidence, csr.spki, order.card_serial, self._clock())
        return Wanted(
            lasting=lasting(profile, order.temporary_hours),
            profile=profile,
            subject=names.person_subject(profile, order.holder_uid, order.given_name, order.family_name),
            csr=csr,
            order_id=order.issuance_id,
            holder=order.holder_uid,
            card_serial=order.card_serial,
            approved_by=approved_by,
            provenance=provenance.as_text(),
        )

    def _wanted_for_system(self, order: SystemCertificateOrder) -> Wanted:
        profile = self._rules.profiles[CertificatePurpose.SYSTEM]
        subject = names.system_subject(profile, order.asid)
        csr = requests.verify(requests.UnverifiedCsr(order.csr), profile)
        by = ApprovedBy.TWO_PEOPLE
        return Wanted(profile, subject, csr, order.order_id, order.asid, "", by, profile.validity)

    def _certify(
        self, wanted: Sequence[Wanted], founder: str | None, reason: Reason
    ) -> list[tuple[IntendedCertificate, bytes]]:
        """Steps 2 to 7: what is on record and the DER of every certificate, in the order of ``wanted``."""
        prepared: Mapping[str, PreparedCertificate] = {}
        recorded = self._ledger.of_order(wanted[0].order_id)
        if not _are_for(recorded, wanted):
            prepared, recorded = self._intend(wanted, founder, reason)
        records = {each.intended.purpose: each for each in recorded}
        self._write_audit(recorded)
        in_order = [records[each.profile.purpose] for each in wanted]
        if all(each.intended.serial_number in prepared for each in in_order):
            ders = self._sign_with_receipt(in_order, prepared, reason)
        else:
            ders = self._sign(in_order, prepared)
            self._receipts.keep(in_order[0].intended.order_id, self._clock())
        return list(zip([each.intended for each in in_order], ders, strict=True))

    def _sign_with_receipt(
        self,
        recorded: Sequence[CertificateRecord],
        prepared: Mapping[str, PreparedCertificate],
        reason: Reason,
    ) -> list[bytes]:
        """Sign what this call put on record, and keep it with its receipt."""
        now = self._clock()
        signed = [replace(each, der=self._signed(each.intended, prepared)) for each in recorded]
        lint = [prepared[each.intended.serial_number].report for each in signed]
        receipt = self._receipts.make(reason.facts(lint), signed, now)
        ders = {each.intended.serial_number: each.der for each in signed if each.der is not None}
        kept = self._ledger.record_signed(ders, now, receipt)
        if kept == ders:
            self._receipts.is_kept(receipt.order_id, receipt.sha256)
        else:  # the same order was carried out by another call meanwhile
            self._receipts.keep(receipt.order_id, now)
        return [kept[serial_number] for serial_number in ders]

    def _intend(
        self, wanted: Sequence[Wanted], founder: str | None, reason: Reason
    ) -> tuple[dict[str, PreparedCertificate], Sequence[CertificateRecord]]:
        """Prepare and record; returns what was prepared, by serial number, and what is on record then."""
        validities = self._validities(wanted, self._clock())
        prepared = [self._prepare(*each) for each in zip(wanted, validities, strict=True)]
        made = [intended(each, ready) for each, ready in zip(wanted, prepared, strict=True)]
        recorded = self._ledger.intend(
            made, founder, canonical_json(reason.facts([each.report for each in prepared]))
        )
        by_serial_number = {each.serial_number: ready for each, ready in zip(made, prepared, strict=True)}
        return by_serial_number, recorded

    def _prepare(self, wanted: Wanted, validity: Validity) -> PreparedCertificate:
        profile = wanted.profile
        return self._issuers[profile.issuing_ca].prepare(profile, wanted.subject, wanted.csr, validity)

    def _validities(self, wanted: Sequence[Wanted], now: datetime) -> list[Validity]:
        """From a little ago for as long as each profile says; a card's end is levelled where rules say so."""
        begins, window = now - self._rules.backdate, self._rules.renewal.levelling
        if not window or not all(_lasts_long(each) for each in wanted):
            return [Validity.beginning(begins, each.lasting) for each in wanted]
        # Both certificates of a card end together, never later than the shorter profile allows.
        longest = Validity.beginning(begins, min(each.profile.validity for each in wanted))
        latest = longest.not_after
        ending = self._ledger.ending((latest - window).date(), latest.date())
        return [Validity(longest.not_before, levelled_end(latest, window, ending))] * len(wanted)

    def _write_audit(self, records: Sequence[CertificateRecord]) -> None:
        """Nothing is signed before its audit event is written."""
        new = [each.intended for each in records if not each.audited]
        if new:
            self._audit.happened([issued_event(each) for each in new])
            self._ledger.mark_audited([each.serial_number for each in new])

    def _sign(
        self, records: Sequence[CertificateRecord], prepared: Mapping[str, PreparedCertificate]
    ) -> list[bytes]:
        """The certificates: those on record, and what was recorded to be signed, signed now."""
        new = {
            each.intended.serial_number: self._signed(each.intended, prepared)
            for each in records
            if each.der is None
        }
        kept = self._ledger.record_signed(new, self._clock()) if new else {}
        return [each.der or kept[each.intended.serial_number] for each in records]

    def _signed(self, recorded: IntendedCertificate, prepared: Mapping[str, PreparedCertificate]) -> bytes:
        issuer = self._issuers[recorded.issuing_ca]
        ready = prepared.get(recorded.serial_number)
        if ready is None:
            linted = x509.load_der_x509_certificate(recorded.linted)
            ready = issuer.prepare_again(self._rules.profiles[recorded.purpose], linted)
        return issuer.issue(ready)

    def _audit_refusal(self, subject: str, order_id: str, refusal: Refusal) -> None:
        event = AuditEvent.by(ACTOR, "certificate.issued", subject[:200], {"order": order_id[:200]})
        self._audit.refused(event.refused(refusal.code))


def _are_for(recorded: Sequence[CertificateRecord], wanted: Sequence[Wanted]) -> bool:
    """Whether exactly these certificates were recorded before, for these keys, holder and card."""
    known = {
        (each.intended.purpose, each.intended.spki_sha256, each.intended.holder, each.intended.card_serial)
        for each in recorded
    }
    return known == {
        (each.profile.purpose, each.csr.spki_sha256, each.holder, each.card_serial) for each in wanted
    }


def _lasts_long(wanted: Wanted) -> bool:
    """Whether it is a person's certificate that lasts as long as its profile allows."""
    return wanted.profile.purpose in PEOPLE and wanted.lasting >= wanted.profile.validity
