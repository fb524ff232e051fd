"""The certificate authority: takes an order with its approval and gives certificates, each exactly once.

The steps, and what is left when the process ends after each:

1. check the approval, the CSRs and the names        nothing
2. prepare: profile, lint with a throw-away key      nothing
3. require that the audit keeps up                   nothing
4. record what will be signed, and why               signed at the next start, or when the order comes again
5. sign                                              as after 4: a signature that nobody saw is made again
6. record what was signed, with its receipt          all of it; the same order gives the certificates again
7. audit, with what else was signed meanwhile        audited at the next start

Steps 1 to 6 are the answer's; step 7 follows within about a second (``app.ca.audit_backlog``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from app.ca import csr as requests
from app.ca import names
from app.ca.approval import ApprovalCheck
from app.ca.attestation import ProvenanceCheck
from app.ca.audit_backlog import AuditBacklog
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
from app.ca.wanted import ACTOR, Wanted, are_for, intended
from app.clock import Clock
from app.domain.audit_event import AuditEvent
from app.domain.certificate_order import (
    ApprovedBy,
    CardCertificateOrder,
    CardCertificates,
    CertificatePurpose,
    SystemCertificateOrder,
)
from app.domain.certificate_profile import CertificateRules
from app.domain.json_value import JsonValue, canonical_json
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
        backlog: what is signed and not audited.
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
        backlog: AuditBacklog,
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
        self._backlog = backlog
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
        return CardCertificates(authentication, content_commitment, self._chain, provenance)

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
        """Sign what was on record and not signed when the process ended, and audit what was not.

        Returns how many were signed.

        Raises:
            Unavailable: a database or the token is down.
        """
        unfinished = self._ledger.unfinished()
        for order_id in dict.fromkeys(each.intended.order_id for each in unfinished):
            self._sign(self._ledger.of_order(order_id), {}, None)
        self._backlog.write()
        return len(unfinished)

    @cached_property
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
        """Steps 2 to 6: what is on record and the DER of every certificate, in the order of ``wanted``."""
        order_id = wanted[0].order_id
        prepared: Mapping[str, PreparedCertificate] = {}
        facts: Mapping[str, JsonValue] | None = None
        recorded = self._ledger.of_order(order_id)
        if not are_for(recorded, wanted):
            prepared, facts, recorded = self._intend(wanted, founder, reason)
        ders = self._sign(recorded, prepared, facts)
        by_purpose = {each.intended.purpose: each.intended for each in recorded}
        in_order = [by_purpose[each.profile.purpose] for each in wanted]
        return [(each, ders[each.serial_number]) for each in in_order]

    def _intend(
        self, wanted: Sequence[Wanted], founder: str | None, reason: Reason
    ) -> tuple[dict[str, PreparedCertificate], dict[str, JsonValue], Sequence[CertificateRecord]]:
        """Prepare and record.

        Returns:
            What was prepared, by serial number; the reason's facts; and what is on record then.
        """
        validities = self._validities(wanted, self._clock())
        prepared = [self._prepare(*each) for each in zip(wanted, validities, strict=True)]
        made = [intended(each, ready) for each, ready in zip(wanted, prepared, strict=True)]
        facts = reason.facts([each.report for each in prepared])
        self._backlog.require_in_step()
        recorded = self._ledger.intend(made, founder, canonical_json(facts))
        by_serial_number = {each.serial_number: ready for each, ready in zip(made, prepared, strict=True)}
        return by_serial_number, facts, recorded

    def _prepare(self, wanted: Wanted, validity: Validity) -> PreparedCertificate:
        profile = wanted.profile
        return self._issuers[profile.issuing_ca].prepare(profile, wanted.subject, wanted.csr, validity)

    def _validities(self, wanted: Sequence[Wanted], now: datetime) -> list[Validity]:
        """From a little ago for as long as each profile says; a card's end is levelled where rules say so."""
        begins, window = now - self._rules.backdate, self._rules.renewal.levelling
        if not window or not all(each.is_whole for each in wanted):
            return [Validity.beginning(begins, each.lasting) for each in wanted]
        # Both certificates of a card end together, never later than the shorter profile allows.
        longest = Validity.beginning(begins, min(each.profile.validity for each in wanted))
        latest = longest.not_after
        ending = self._ledger.ending((latest - window).date(), latest.date())
        return [Validity(longest.not_before, levelled_end(latest, window, ending))] * len(wanted)

    def _sign(
        self,
        recorded: Sequence[CertificateRecord],
        prepared: Mapping[str, PreparedCertificate],
        facts: Mapping[str, JsonValue] | None,
    ) -> Mapping[str, bytes]:
        """An order's certificates by serial number: as they are on record, or signed now, with their receipt.

        Args:
            prepared: what this call put on record, and ``facts`` why; without them the record is asked.
        """
        ders = {each.intended.serial_number: each.der for each in recorded if each.der is not None}
        if len(ders) == len(recorded):
            return ders
        order_id, made = recorded[0].intended.order_id, set(prepared)
        if facts is None or made != {each.intended.serial_number for each in recorded}:
            self._backlog.require_in_step()
            facts = self._ledger.reason_without_receipt(order_id)
        if facts is None:  # another call has just signed the same
            return self._sign(self._ledger.of_order(order_id), {}, None)
        return self._sign_with_receipt(recorded, prepared, facts)

    def _sign_with_receipt(
        self,
        recorded: Sequence[CertificateRecord],
        prepared: Mapping[str, PreparedCertificate],
        facts: Mapping[str, JsonValue],
    ) -> Mapping[str, bytes]:
        signed = [replace(each, der=self._signed(each.intended, prepared)) for each in recorded]
        receipt = self._receipts.make(facts, signed, self._clock())
        ders = {each.intended.serial_number: each.der for each in signed if each.der is not None}
        kept = self._ledger.record_signed(ders, receipt)
        self._backlog.note()
        return kept

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
