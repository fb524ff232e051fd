"""Orders carried out by a real authority: its token, its database, the main database, all real."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from sqlalchemy import select

from app.adapters.ca_operations import Operations
from app.ca import refusals
from app.ca_server import open_certificate_authority
from app.domain.approval import ApprovalNotValid
from app.domain.certificate_order import (
    CardCertificateOrder,
    FoundingApproval,
    SignedApproval,
    serial_number_text,
)
from app.settings import Settings
from app.storage.tables.audit import audit_event
from card_agent.desk_key import DeskKey
from tests.support.certificates import (
    HOLDER,
    OPERATOR,
    OTHER,
    CardKeys,
    Operator,
    RegistrationRecord,
    approved,
    csr_of,
    ec_key,
    facts_of,
    founding_digest,
    founding_order,
    holder_order,
    keys_signed,
    later,
    order_of,
    sign_statement,
    statement_of,
)


@pytest.fixture
def running(ca_settings: Settings, record: RegistrationRecord) -> Iterator[Operations]:
    with open_certificate_authority(ca_settings) as operations:
        yield operations


@pytest.fixture
def operator(running: Operations, record: RegistrationRecord) -> Operator:
    """The first founder, with the card that the founding gave."""
    keys = CardKeys.new()
    issued = running.authority.issue_card_certificates(founding_order(keys))
    record.finish_issuance("founding-1")
    return Operator(OPERATOR, keys, issued.content_commitment)


def events(record: RegistrationRecord, name: str) -> list[tuple[str, str, str]]:
    chosen = select(audit_event).where(audit_event.c.event == name).order_by(audit_event.c.seq)
    with record.database.read() as work:
        return [(row.subject, row.outcome, row.reason) for row in work.connection.execute(chosen)]


def test_a_pair_of_certificates_is_what_the_profiles_say(running: Operations, operator: Operator) -> None:
    issued = running.authority.issue_card_certificates(holder_order(CardKeys.new(), operator))
    authentication, commitment = (
        x509.load_der_x509_certificate(der) for der in (issued.authentication, issued.content_commitment)
    )
    for certificate in (authentication, commitment):
        assert certificate.subject.rfc4514_string() == f"CN={HOLDER}_Amara_Osei,OU=People,O=nhs"
        assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days == 730
        assert 128 <= certificate.serial_number.bit_length() <= 159
        assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usage = authentication.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.content_commitment
    extended = authentication.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(extended) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    usage = commitment.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.content_commitment
    assert not usage.value.digital_signature
    with pytest.raises(x509.ExtensionNotFound):
        commitment.extensions.get_extension_for_class(x509.ExtendedKeyUsage)


def test_each_certificate_chains_to_the_root(running: Operations, operator: Operator) -> None:
    issued = running.authority.issue_card_certificates(holder_order(CardKeys.new(), operator))
    authentication_ca, commitment_ca, root = (x509.load_der_x509_certificate(der) for der in issued.chain)
    x509.load_der_x509_certificate(issued.authentication).verify_directly_issued_by(authentication_ca)
    x509.load_der_x509_certificate(issued.content_commitment).verify_directly_issued_by(commitment_ca)
    authentication_ca.verify_directly_issued_by(root)
    commitment_ca.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)


def test_rsa_cards_are_served_too(running: Operations, operator: Operator) -> None:
    keys = CardKeys(*(rsa.generate_private_key(65537, 2048) for _ in range(2)))
    issued = running.authority.issue_card_certificates(holder_order(keys, operator))
    assert (
        x509.load_der_x509_certificate(issued.authentication).public_key() == keys.authentication.public_key()
    )


def test_each_certificate_is_one_audit_event(
    running: Operations, operator: Operator, record: RegistrationRecord
) -> None:
    order = holder_order(CardKeys.new(), operator)
    running.authority.issue_card_certificates(order)
    running.authority.issue_card_certificates(order)
    running.backlog.write()
    issued = events(record, "certificate.issued")
    assert issued == [(OPERATOR, "allowed", "")] * 2 + [(HOLDER, "allowed", "")] * 2


def test_the_same_order_gives_the_same_certificates(running: Operations, operator: Operator) -> None:
    keys = CardKeys.new()
    first = running.authority.issue_card_certificates(holder_order(keys, operator))
    again = running.authority.issue_card_certificates(holder_order(keys, operator))
    assert again == first


def test_other_keys_for_the_same_issuance_are_refused(running: Operations, operator: Operator) -> None:
    running.authority.issue_card_certificates(holder_order(CardKeys.new(), operator))
    with pytest.raises(refusals.AlreadyCertified):
        running.authority.issue_card_certificates(holder_order(CardKeys.new(), operator))


def test_a_key_is_certified_once_in_all_time(
    running: Operations, operator: Operator, record: RegistrationRecord
) -> None:
    keys = CardKeys.new()
    running.authority.issue_card_certificates(holder_order(keys, operator))
    record.finish_issuance("issuance-1", "undone")
    record.add_issuance("issuance-2", HOLDER, OPERATOR)
    second = approved(order_of("issuance-2", HOLDER, "Amara", "Osei", keys, FoundingApproval("")), operator)
    with pytest.raises(refusals.KeyAlreadyCertified):
        running.authority.issue_card_certificates(second)


def test_one_key_for_both_purposes_is_refused(running: Operations, operator: Operator) -> None:
    key = ec_key()
    with pytest.raises(refusals.KeyAlreadyCertified):
        running.authority.issue_card_certificates(holder_order(CardKeys(key, key), operator))


def test_an_undone_order_is_never_signed_and_what_was_signed_is_revoked(
    running: Operations, operator: Operator, record: RegistrationRecord
) -> None:
    keys = CardKeys.new()
    issued = running.authority.issue_card_certificates(holder_order(keys, operator))
    running.revoker.withdraw("issuance-1", "cessationOfOperation", later())
    running.revoker.withdraw("issuance-2", "cessationOfOperation", later())
    serial = serial_number_text(x509.load_der_x509_certificate(issued.authentication).serial_number)
    assert running.ledger.revocation(serial) is not None
    record.finish_issuance("issuance-1", "undone")
    record.add_issuance("issuance-2", HOLDER, OPERATOR)
    late = approved(
        order_of("issuance-2", HOLDER, "Amara", "Osei", CardKeys.new(), FoundingApproval("")), operator
    )
    with pytest.raises(refusals.OrderWithdrawn):
        running.authority.issue_card_certificates(late)


def without_approval(order: CardCertificateOrder, _operator: Operator) -> CardCertificateOrder:
    return replace(order, approval=FoundingApproval(founding_digest()))


def unknown_issuance(order: CardCertificateOrder, operator: Operator) -> CardCertificateOrder:
    return approved(replace(order, issuance_id="issuance-9"), operator)


def other_card(order: CardCertificateOrder, operator: Operator) -> CardCertificateOrder:
    return approved(replace(order, card_serial="card-other"), operator)


def other_holder(order: CardCertificateOrder, operator: Operator) -> CardCertificateOrder:
    return approved(replace(order, holder_uid=OTHER), operator)


def tampered_statement(order: CardCertificateOrder, _operator: Operator) -> CardCertificateOrder:
    assert isinstance(order.approval, SignedApproval)
    statement = order.approval.statement.replace(b'"softhsm"', b'"another"')
    return replace(order, approval=replace(order.approval, statement=statement))


def reordered_statement(order: CardCertificateOrder, operator: Operator) -> CardCertificateOrder:
    facts = dict(reversed(facts_of(order, operator.uid).items()))
    statement = repr(facts).replace("'", '"').encode()
    signature = sign_statement(operator.keys.content_commitment, statement)
    return replace(order, approval=SignedApproval(statement, signature, operator.certificate))


def statement_with_more(order: CardCertificateOrder, operator: Operator) -> CardCertificateOrder:
    statement = statement_of(facts_of(order, operator.uid, also="this"))
    signature = sign_statement(operator.keys.content_commitment, statement)
    return replace(order, approval=SignedApproval(statement, signature, operator.certificate))


def huge_statement(order: CardCertificateOrder, operator: Operator) -> CardCertificateOrder:
    statement = statement_of(facts_of(order, operator.uid, card_profile="x" * 5000))
    signature = sign_statement(operator.keys.content_commitment, statement)
    return replace(order, approval=SignedApproval(statement, signature, operator.certificate))


def signed_with_the_authentication_key(
    order: CardCertificateOrder, operator: Operator
) -> CardCertificateOrder:
    statement = statement_of(facts_of(order, operator.uid))
    signature = sign_statement(operator.keys.authentication, statement)
    return replace(order, approval=SignedApproval(statement, signature, operator.certificate))


def self_made_certificate(order: CardCertificateOrder, operator: Operator) -> CardCertificateOrder:
    """The right names and serial number, signed by somebody else."""
    real = x509.load_der_x509_certificate(operator.certificate)
    key = ec_key()
    forged = x509.CertificateBuilder(
        real.issuer,
        real.subject,
        key.public_key(),
        real.serial_number,
        real.not_valid_before_utc,
        real.not_valid_after_utc,
    )
    der = forged.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    return approved(order, replace(operator, keys=CardKeys(key, key), certificate=der))


def garbage_certificate(order: CardCertificateOrder, operator: Operator) -> CardCertificateOrder:
    return approved(order, replace(operator, certificate=b"\x30\x03\x02\x01\x00"))


def certificate_of_an_unknown_version(
    order: CardCertificateOrder, operator: Operator
) -> CardCertificateOrder:
    der = operator.certificate.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x05", 1)
    return approved(order, replace(operator, certificate=der))


def old_approval(order: CardCertificateOrder, operator: Operator) -> CardCertificateOrder:
    return approved(order, operator, signed_at=later(hours=-25).isoformat())


def future_approval(order: CardCertificateOrder, operator: Operator) -> CardCertificateOrder:
    return approved(order, operator, signed_at=later(hours=1).isoformat())


def no_time(order: CardCertificateOrder, operator: Operator) -> CardCertificateOrder:
    return approved(order, operator, signed_at="soon")


def other_site(order: CardCertificateOrder, operator: Operator) -> CardCertificateOrder:
    return approved(order, operator, origin="https://evil.example")


def other_name(order: CardCertificateOrder, operator: Operator) -> CardCertificateOrder:
    return approved(order, operator, holder_name="Somebody Else")


def other_operator(order: CardCertificateOrder, operator: Operator) -> CardCertificateOrder:
    return approved(order, operator, operator=OTHER)


def csr_of_another_key(order: CardCertificateOrder, _operator: Operator) -> CardCertificateOrder:
    """The signature over the CSR is somebody else's."""
    der = bytearray(order.authentication_csr)
    der[-1] ^= 1
    return replace(order, authentication_csr=bytes(der))


def other_keys(order: CardCertificateOrder, _operator: Operator) -> CardCertificateOrder:
    """What a taken-over web process would do between approval and order."""
    mine = CardKeys.new()
    return replace(
        order,
        authentication_csr=csr_of(mine.authentication),
        content_commitment_csr=csr_of(mine.content_commitment),
    )


def other_keys_signed_by_another_desk(
    order: CardCertificateOrder, operator: Operator
) -> CardCertificateOrder:
    return keys_signed(other_keys(order, operator), DeskKey())


def one_other_key(order: CardCertificateOrder, _operator: Operator) -> CardCertificateOrder:
    return replace(order, content_commitment_csr=csr_of(ec_key()))


def keys_exchanged(order: CardCertificateOrder, _operator: Operator) -> CardCertificateOrder:
    first, second = order.authentication_csr, order.content_commitment_csr
    return replace(order, authentication_csr=second, content_commitment_csr=first)


def keys_unsigned(order: CardCertificateOrder, _operator: Operator) -> CardCertificateOrder:
    return replace(order, keys_signature=b"")


def no_desk_key(order: CardCertificateOrder, operator: Operator) -> CardCertificateOrder:
    return approved(order, operator, desk_key="AAAA")


def desk_key_that_is_no_base64(order: CardCertificateOrder, operator: Operator) -> CardCertificateOrder:
    return approved(order, operator, desk_key="\u00e9")


def desk_key_of_another_kind(order: CardCertificateOrder, operator: Operator) -> CardCertificateOrder:
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return approved(order, operator, desk_key=base64.b64encode(der).decode())


def no_csr(order: CardCertificateOrder, _operator: Operator) -> CardCertificateOrder:
    return replace(order, authentication_csr=b"not a CSR")


def weak_key(order: CardCertificateOrder, _operator: Operator) -> CardCertificateOrder:
    return keys_signed(replace(order, authentication_csr=csr_of(rsa.generate_private_key(3, 2048))))


def short_key(order: CardCertificateOrder, _operator: Operator) -> CardCertificateOrder:
    return keys_signed(replace(order, authentication_csr=csr_of(rsa.generate_private_key(65537, 1024))))


def name_with_a_line_break(order: CardCertificateOrder, operator: Operator) -> CardCertificateOrder:
    return approved(replace(order, given_name="Amara\nCN=root"), operator)


def name_that_is_a_path(order: CardCertificateOrder, operator: Operator) -> CardCertificateOrder:
    return approved(replace(order, given_name="../../etc"), operator)


def name_that_runs_backwards(order: CardCertificateOrder, operator: Operator) -> CardCertificateOrder:
    return approved(replace(order, given_name="Amara\u202e"), operator)


def longer_than_approved(order: CardCertificateOrder, operator: Operator) -> CardCertificateOrder:
    return replace(approved(order, operator, temporary_hours="8"), temporary_hours=72)


def temporary_approval_for_a_regular_card(
    order: CardCertificateOrder, operator: Operator
) -> CardCertificateOrder:
    return approved(order, operator, temporary_hours="8")


def regular_approval_for_a_temporary_card(
    order: CardCertificateOrder, _operator: Operator
) -> CardCertificateOrder:
    return replace(order, temporary_hours=8)


def longer_than_a_temporary_card_may(order: CardCertificateOrder, operator: Operator) -> CardCertificateOrder:
    return replace(approved(order, operator, temporary_hours="121"), temporary_hours=121)


ABUSE = [
    (without_approval, refusals.IssuanceNotApproved),
    (unknown_issuance, refusals.IssuanceNotApproved),
    (other_card, refusals.IssuanceNotApproved),
    (other_holder, refusals.IssuanceNotApproved),
    (tampered_statement, ApprovalNotValid),
    (reordered_statement, ApprovalNotValid),
    (statement_with_more, ApprovalNotValid),
    (huge_statement, ApprovalNotValid),
    (signed_with_the_authentication_key, ApprovalNotValid),
    (self_made_certificate, refusals.ApproverUnknown),
    (garbage_certificate, refusals.ApproverUnknown),
    (certificate_of_an_unknown_version, refusals.ApproverUnknown),
    (old_approval, refusals.ApprovalTooOld),
    (future_approval, refusals.ApprovalTooOld),
    (no_time, refusals.ApprovalTooOld),
    (other_site, refusals.ApprovalDiffers),
    (other_name, refusals.ApprovalDiffers),
    (other_operator, refusals.ApprovalDiffers),
    (other_keys, ApprovalNotValid),
    (other_keys_signed_by_another_desk, ApprovalNotValid),
    (one_other_key, ApprovalNotValid),
    (keys_exchanged, ApprovalNotValid),
    (keys_unsigned, ApprovalNotValid),
    (no_desk_key, ApprovalNotValid),
    (desk_key_that_is_no_base64, ApprovalNotValid),
    (desk_key_of_another_kind, ApprovalNotValid),
    (csr_of_another_key, refusals.ProofOfPossessionFailed),
    (no_csr, refusals.CsrMalformed),
    (weak_key, refusals.KeyTooWeak),
    (short_key, refusals.KeyTypeNotAllowed),
    (name_with_a_line_break, refusals.NameNotAcceptable),
    (name_that_is_a_path, refusals.NameNotAcceptable),
    (name_that_runs_backwards, refusals.NameNotAcceptable),
    (longer_than_approved, refusals.ApprovalDiffers),
    (temporary_approval_for_a_regular_card, refusals.ApprovalDiffers),
    (regular_approval_for_a_temporary_card, refusals.ApprovalDiffers),
    (longer_than_a_temporary_card_may, refusals.TemporaryTooLong),
]


def test_a_temporary_cards_certificates_last_as_long_as_was_approved(
    running: Operations, operator: Operator
) -> None:
    order = holder_order(CardKeys.new(), operator)
    order = replace(approved(order, operator, temporary_hours="8"), temporary_hours=8)
    issued = running.authority.issue_card_certificates(order)
    for der in (issued.authentication, issued.content_commitment):
        certificate = x509.load_der_x509_certificate(der)
        lasting = certificate.not_valid_after_utc - certificate.not_valid_before_utc
        assert lasting == timedelta(hours=8)


def test_what_is_not_approved_or_not_right_is_refused_and_audited(
    running: Operations, operator: Operator, record: RegistrationRecord
) -> None:
    """One authority for the whole table: no refusal may leave anything behind that helps the next order."""
    order = holder_order(CardKeys.new(), operator)
    running.backlog.write()  # the operator's card, whose events would come in between
    for spoil, refusal in ABUSE:
        before = len(events(record, "certificate.issued"))
        with pytest.raises(refusal):
            running.authority.issue_card_certificates(spoil(order, operator))
        audited = events(record, "certificate.issued")
        assert len(audited) == before + 1, spoil.__name__
        assert audited[-1][1:] == ("refused", refusal.code), spoil.__name__
    assert running.ledger.of_order("issuance-1") == []
    running.authority.issue_card_certificates(order)


def test_an_approval_does_not_serve_for_another_card(
    running: Operations, operator: Operator, record: RegistrationRecord
) -> None:
    first = holder_order(CardKeys.new(), operator)
    running.authority.issue_card_certificates(first)
    record.finish_issuance("issuance-1", "undone")
    record.add_issuance("issuance-2", HOLDER, OPERATOR)
    replayed = order_of("issuance-2", HOLDER, "Amara", "Osei", CardKeys.new(), first.approval)
    with pytest.raises(refusals.ApprovalDiffers):
        running.authority.issue_card_certificates(replayed)


def test_an_operator_without_the_right_any_more_is_refused(
    running: Operations, operator: Operator, record: RegistrationRecord
) -> None:
    record.withdraw_roles(OPERATOR)
    with pytest.raises(refusals.ApproverMayNotIssue):
        running.authority.issue_card_certificates(holder_order(CardKeys.new(), operator))


def test_an_operator_whose_role_has_ended_is_refused(
    running: Operations, operator: Operator, record: RegistrationRecord
) -> None:
    record.withdraw_roles(OPERATOR)
    record.grant(OTHER, "R5080", "B0272", ends_on=date(2025, 12, 31))
    with pytest.raises(refusals.ApproverMayNotIssue):
        running.authority.issue_card_certificates(holder_order(CardKeys.new(), operator))


def test_an_operator_who_has_left_is_refused(
    running: Operations, operator: Operator, record: RegistrationRecord
) -> None:
    record.close_person(OPERATOR)
    with pytest.raises(refusals.ApproverMayNotIssue):
        running.authority.issue_card_certificates(holder_order(CardKeys.new(), operator))


def test_a_revoked_operator_certificate_approves_nothing(running: Operations, operator: Operator) -> None:
    serial = serial_number_text(x509.load_der_x509_certificate(operator.certificate).serial_number)
    running.revoker.revoke(serial, "keyCompromise", later())
    with pytest.raises(refusals.ApproverUnknown):
        running.authority.issue_card_certificates(holder_order(CardKeys.new(), operator))


def test_somebody_who_is_no_operator_approves_nothing(
    running: Operations, operator: Operator, record: RegistrationRecord
) -> None:
    """Amara has a card, but no right to issue, and is not this issuance's operator."""
    keys = CardKeys.new()
    issued = running.authority.issue_card_certificates(holder_order(keys, operator))
    record.finish_issuance("issuance-1")
    record.add_issuance("issuance-2", OTHER, OPERATOR)
    amara = Operator(HOLDER, keys, issued.content_commitment)
    order = order_of("issuance-2", OTHER, "Daniel", "Okafor", CardKeys.new(), FoundingApproval(""))
    with pytest.raises(refusals.ApprovalDiffers):
        running.authority.issue_card_certificates(approved(order, amara))
    with pytest.raises(refusals.ApprovalDiffers):
        running.authority.issue_card_certificates(approved(order, amara, operator=OPERATOR))


def test_nobody_approves_a_card_for_themselves(
    running: Operations, operator: Operator, record: RegistrationRecord
) -> None:
    record.add_issuance("issuance-2", OPERATOR, OTHER)
    order = order_of("issuance-2", OPERATOR, "Margaret", "Whitcombe", CardKeys.new(), FoundingApproval(""))
    with pytest.raises(refusals.SelfIssuance):
        running.authority.issue_card_certificates(approved(order, operator))


def test_a_founder_is_founded_once(
    running: Operations, operator: Operator, record: RegistrationRecord
) -> None:
    record.add_issuance("founding-2", OPERATOR, None)
    second = replace(founding_order(CardKeys.new()), issuance_id="founding-2", card_serial="card-founding-2")
    with pytest.raises(refusals.FoundingEntrySpent):
        running.authority.issue_card_certificates(second)


def test_only_the_founders_of_the_ceremony_are_founded(
    running: Operations, record: RegistrationRecord
) -> None:
    record.add_issuance("founding-2", OTHER, None)
    stranger = order_of(
        "founding-2", OTHER, "Some", "Stranger", CardKeys.new(), FoundingApproval(founding_digest())
    )
    with pytest.raises(refusals.FoundingRecordUnknown):
        running.authority.issue_card_certificates(stranger)
    other_file = replace(founding_order(CardKeys.new()), approval=FoundingApproval("0" * 64))
    with pytest.raises(refusals.FoundingRecordUnknown):
        running.authority.issue_card_certificates(other_file)
