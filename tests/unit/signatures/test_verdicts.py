"""The published texts, one test each, their order, and how a revocation's reason and time decide."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509

from app.errors import Unavailable
from app.signatures.algorithms import SHA256, DigestAlgorithm
from app.signatures.prescription import PrescriptionDigest, PrescriptionFragments
from app.signatures.verdict import Failing
from app.signatures.verifying import VerificationPolicy
from app.validation.status import Revoked
from tests.support.defective_certificates import NOW, Path3, key
from tests.support.signed_prescriptions import (
    ASKER,
    SIGNED_AT,
    UID,
    Card,
    Office,
    b64,
    fragments,
    rsa_card,
    signature,
    signed,
    signed_info,
    value_of,
)

DAY = timedelta(days=1)


def test_a_sound_signature_with_p256_is_valid() -> None:
    verdict = Office().verdict()
    assert (verdict.is_valid, verdict.errors, verdict.signed_at) == (True, [], SIGNED_AT)
    assert verdict.signer is not None
    assert (verdict.signer.uid, verdict.signer.name) == (UID, "Meera Patel")


def test_a_sound_signature_with_rsa_is_valid() -> None:
    assert Office(rsa_card()).verdict().is_valid


def test_the_canonical_form_is_verified_not_the_bytes() -> None:
    """Another way of writing the same XML is the same prescription."""
    office = Office()
    xml = signed(office.card)
    rewritten = fragments().replace(b"></time>", b"/>").replace(b"></id>", b" />")
    assert rewritten != fragments()
    assert office.verdict(xml, rewritten).is_valid


def test_text_around_the_signature_s_parts_changes_nothing() -> None:
    office = Office()
    xml = (
        signed(office.card)
        .replace(b"</SignedInfo>", b"</SignedInfo>\n  ")
        .replace(b"<KeyInfo>", b"\n<KeyInfo>")
    )
    assert office.verdict(xml).is_valid


def test_the_digest_alone_is_enough_so_that_no_patient_s_data_need_travel() -> None:
    office = Office()
    digest = PrescriptionFragments.from_untrusted(fragments()).digest(DigestAlgorithm(SHA256, is_old=False))
    assert office.verifying.verify(signed(office.card), PrescriptionDigest(digest, SIGNED_AT), ASKER).is_valid


def test_invalid_signature_format() -> None:
    assert Office().verdict(b"<Signature/>").errors == ["Invalid signature format"]


def test_multiple_certificates_detected() -> None:
    office = Office()
    certificate = office.card.ders()[2]
    info = signed_info(b"\x00" * 32)
    assert office.verdict(signature(info, b"\x01" * 64, certificate, certificate)).errors == [
        "Multiple certificates detected"
    ]


def test_multiple_certificates_in_one_element_are_detected() -> None:
    office = Office()
    doubled = signature(signed_info(b"\x00" * 32), b"\x01" * 64, office.card.ders()[2] * 2)
    pem = signed(office.card).replace(b"<X509Certificate>", b"<X509Certificate>-----BEGIN CERTIFICATE-----")
    for xml in (doubled, pem):
        assert office.verdict(xml).errors == ["Multiple certificates detected"]


def test_invalid_certificate() -> None:
    office = Office()
    unreadable = signature(signed_info(b"\x00" * 32), b"\x01" * 64, b"no certificate")
    assert office.verdict(unreadable).errors == ["Invalid certificate"]


def test_signature_is_invalid() -> None:
    office = Office()
    data = PrescriptionFragments.from_untrusted(fragments())
    info = signed_info(data.digest(DigestAlgorithm(SHA256, is_old=False)))
    by_a_stranger = signature(info, value_of(info.encode(), key("stranger")), office.card.ders()[2])
    assert office.verdict(by_a_stranger).errors == ["Signature is invalid"]


def test_signature_does_not_match_prescription() -> None:
    office = Office()
    other = fragments(drug="Diamorphine 100mg powder")
    assert office.verdict(signed(office.card), other).errors == ["Signature doesn't match prescription"]


def test_certificate_is_revoked_on_our_record() -> None:
    office = Office()
    office.record(revoked=Revoked("keyCompromise", NOW))
    assert office.verdict().errors == ["Certificate is revoked"]


def test_certificate_is_revoked_on_the_ca_s_list_alone() -> None:
    """Whoever rewrites our database does not bring a revoked card back."""
    office = Office()
    office.lists.revoked[office.card.certificate.serial_number] = Revoked("keyCompromise", NOW)
    assert office.verdict().errors == ["Certificate is revoked"]


def test_ca_certificate_is_revoked() -> None:
    office = Office()
    issuer = x509.load_der_x509_certificate(office.card.ders()[1])
    office.lists.revoked[issuer.serial_number] = Revoked("cACompromise", NOW)
    assert office.verdict().errors == ["CA certificate is revoked"]


def test_certificate_expired_when_signed() -> None:
    office = Office()
    for moment in (NOW - 60 * DAY, NOW - 31 * DAY):
        data = fragments(moment)
        assert office.verdict(signed(office.card, data), data).errors == ["Certificate expired when signed"]


def test_a_signature_of_the_future_is_not_believed() -> None:
    office = Office()
    data = fragments(NOW + DAY)
    verdict = office.verdict(signed(office.card, data), data)
    assert [reason.code for reason in verdict.reasons] == ["signed_in_the_future"]


def test_a_certificate_that_expired_after_signing_is_no_fault() -> None:
    path = Path3()
    path.holder.ends = NOW - DAY
    assert Office(Card(path)).verdict().is_valid


def test_certificate_not_trusted() -> None:
    office, stranger = Office(), Card()
    stranger.path.holder.signing_key = key("stranger")
    assert office.verdict(signed(stranger)).errors == ["Certificate not trusted"]


@pytest.mark.parametrize("known", ["never issued", "issued only"])
def test_a_certificate_that_is_on_nobody_s_card_is_not_trusted(known: str) -> None:
    office = Office()
    if known == "never issued":
        office.register.clear()
    else:
        office.record(status="issued")
    assert office.verdict().errors == ["Certificate not trusted"]


def test_a_sign_in_certificate_of_ours_signs_no_prescription() -> None:
    office = Office()
    office.card.path.holder.put(
        x509.KeyUsage(True, False, False, False, False, False, False, False, False), critical=True
    )
    del office.card._ders
    assert office.verdict().errors == ["Certificate not trusted"]


def test_everything_that_applies_is_told_in_the_published_order() -> None:
    office = Office()
    office.record(revoked=Revoked("keyCompromise", NOW))
    issuer = x509.load_der_x509_certificate(office.card.ders()[1])
    office.lists.revoked[issuer.serial_number] = Revoked("cACompromise", NOW)
    data = fragments(NOW - 60 * DAY)
    info = signed_info(b"\x00" * 32)
    xml = signature(info, value_of(info.encode(), key("stranger")), office.card.ders()[2])
    assert office.verdict(xml, data).errors == [
        "Signature is invalid",
        "Signature doesn't match prescription",
        "Certificate is revoked",
        "CA certificate is revoked",
        "Certificate expired when signed",
    ]
    assert [each.value for each in Failing][-1] == "Certificate not trusted"


@pytest.mark.parametrize("reason", ["keyCompromise", "cACompromise", "aACompromise"])
@pytest.mark.parametrize("revoked_at", [SIGNED_AT - DAY, SIGNED_AT + DAY])
def test_a_compromise_undoes_every_signature(reason: str, revoked_at: object) -> None:
    office = Office()
    office.record(revoked=Revoked(reason, revoked_at))  # type: ignore[arg-type]
    assert office.verdict().errors == ["Certificate is revoked"]


OTHERS = ["unspecified", "affiliationChanged", "superseded", "cessationOfOperation", "privilegeWithdrawn"]


@pytest.mark.parametrize("reason", [*OTHERS, "certificateHold"])
def test_another_reason_undoes_what_was_signed_after_it(reason: str) -> None:
    office = Office()
    for revoked_at in (SIGNED_AT - DAY, SIGNED_AT):
        office.record(revoked=Revoked(reason, revoked_at))
        assert office.verdict().errors == ["Certificate is revoked"]


@pytest.mark.parametrize("reason", [*OTHERS, "certificateHold"])
def test_another_reason_leaves_what_was_signed_before_it(reason: str) -> None:
    office = Office()
    office.record(revoked=Revoked(reason, SIGNED_AT + timedelta(seconds=1)))
    verdict = office.verdict()
    assert verdict.is_valid
    assert "after it was signed" in verdict.notes[0]


def test_without_a_list_nothing_is_believed_and_no_verdict_is_given() -> None:
    office = Office()
    office.lists.is_down = True
    with pytest.raises(Unavailable, match="must not be believed"):
        office.verdict()


def test_without_a_list_a_bad_signature_is_bad_all_the_same() -> None:
    office = Office()
    office.lists.is_down = True
    assert not office.verdict(signed(office.card), fragments(drug="Something else")).is_valid


def test_our_record_alone_decides_where_the_settings_say_so() -> None:
    office = Office(policy=VerificationPolicy(own_record_suffices=True))
    office.lists.is_down = True
    assert office.verdict().is_valid
    office.record(revoked=Revoked("keyCompromise", NOW))
    assert office.verdict().errors == ["Certificate is revoked"]


def test_sha1_is_read_for_what_was_signed_before_the_day_of_the_settings() -> None:
    before, after = SIGNED_AT + DAY, SIGNED_AT
    for day, is_valid in ((before, True), (after, False), (None, False)):
        office = Office(rsa_card(), VerificationPolicy(sha1_before=day))
        verdict = office.verdict(signed(office.card, old=True))
        assert verdict.is_valid is is_valid
        assert verdict.errors == ([] if is_valid else ["Signature is invalid"])


def test_the_audit_learns_the_digest_and_the_verdict_and_nothing_of_the_patient() -> None:
    office = Office()
    office.verdict()
    office.verdict(b"<Signature/>")
    sound, unreadable = office.events
    assert (sound.event, sound.actor_uid, sound.details["valid"]) == ("signature.verified", ASKER.uid, True)
    assert unreadable.details["reasons"] == ["signature_format"]
    assert "9999999999" not in repr(office.events)
    assert b64(b"9999999999") not in repr(office.events)


def test_another_prescriber_named_in_the_prescription_is_told() -> None:
    office = Office()
    data = fragments(uid="555253521124")
    assert "another prescriber" in office.verdict(signed(office.card, data), data).notes[0]


def test_the_explanation_tells_the_minute_because_temporary_cards_live_for_hours() -> None:
    path = Path3()
    path.holder.begins, path.holder.ends = SIGNED_AT - timedelta(hours=3), SIGNED_AT - timedelta(minutes=5)
    (reason,) = Office(Card(path)).verdict().reasons
    assert reason.code == "not_valid_when_signed"
    assert reason.explanation == (
        f"It was signed on {SIGNED_AT:%d %B %Y at %H:%M} UTC; the certificate was valid from "
        f"{path.holder.begins:%d %B %Y at %H:%M} UTC to {path.holder.ends:%d %B %Y at %H:%M} UTC."
    )


@pytest.mark.parametrize(
    ("purpose", "is_valid"),
    [("1.3.6.1.5.5.7.3.4", False), ("1.3.6.1.5.5.7.3.36", True), ("2.5.29.37.0", True)],
)
def test_a_key_that_is_for_other_purposes_only_signs_no_prescription(purpose: str, is_valid: bool) -> None:
    """RFC 5280 section 4.2.1.12: e-mail protection is another purpose; signing documents and any are not."""
    card = Card()
    card.path.holder.put(x509.ExtendedKeyUsage([x509.ObjectIdentifier(purpose)]))
    verdict = Office(card).verdict()
    assert verdict.is_valid is is_valid
    assert [each.code for each in verdict.reasons] == ([] if is_valid else ["not_for_this_use"])
