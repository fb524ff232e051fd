"""One flow of personalisation for every card profile, on the real modules: from blank to unblocked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from card_agent.ports import KeySet, Purpose
from cryptoki import (
    Attestation,
    CardProfile,
    InsertedCard,
    KeySpec,
    PublicKey,
    errors,
    inserted_card,
    load_card_profiles,
    piv_management,
    prepare_softhsm_folder,
)
from cryptoki.card_profile import SoPinChanging, Unblocking
from tests.support.certificates_for_tokens import certified
from tests.support.tpm import clear_lockout, running_tpm
from virtual_card.pcsc import KINDS, PcscDesk

PROFILES = load_card_profiles()
PIN, NEW_PIN, WRONG = "59174028", "27182818", "00000000"
KEYS = ((b"\x01", "authentication"), (b"\x02", "content-commitment"))
SHA256 = hashes.SHA256()
Opener = Callable[[], AbstractContextManager[InsertedCard]]


EVERY_PROFILE = pytest.mark.parametrize("profile", list(PROFILES.values()), ids=list(PROFILES))
CARDS = [profile for profile in PROFILES.values() if profile.unblocking is not Unblocking.NONE]
EVERY_CARD = pytest.mark.parametrize("profile", CARDS, ids=[profile.name for profile in CARDS])
TPM = pytest.mark.parametrize("profile", [PROFILES["tpm"]], ids=["tpm"])


@pytest.fixture
def opened(
    profile: CardProfile, pcsc_desk: PcscDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Opener]:
    """Opens one blank card of the profile, again and again."""
    if profile.name == "tpm":
        with running_tpm(tmp_path) as environment:
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
            yield lambda: inserted_card(profile)
        return
    if profile.name not in KINDS:
        conf = prepare_softhsm_folder(tmp_path)
        yield lambda: inserted_card(profile, softhsm_conf=conf)
        return
    card = pcsc_desk.new_blank_card(profile=profile.name)
    pcsc_desk.insert("left", card.serial)
    yield lambda: inserted_card(profile, card.serial)
    pcsc_desk.remove("left")


@contextmanager
def _personalised(opened: Opener, so_pin: str) -> Iterator[InsertedCard]:
    with opened() as card:
        card.initialise(so_pin, PIN, "card")
        yield card


def _make_keys(card: InsertedCard) -> dict[bytes, PublicKey]:
    with card.login_to_write(PIN) as session:
        return {
            cka_id: session.generate_key_pair(KeySpec.EC_P256, cka_id=cka_id, label=label).public_key
            for cka_id, label in KEYS
        }


@EVERY_PROFILE
def test_from_blank_to_signing(profile: CardProfile, opened: Opener) -> None:
    with _personalised(opened, profile.random_so_pin()) as card:
        made = _make_keys(card)
        with card.login_to_write(PIN) as session:
            for cka_id, label in KEYS:
                csr = _csr(session.private_key(cka_id=cka_id))
                assert csr.is_signature_valid
                assert csr.public_key() == made[cka_id]
                der = certified(made[cka_id]).public_bytes(Encoding.DER)
                session.write_certificate(der, cka_id=cka_id, label=label)
    with opened() as card:
        found = {each.cka_id: x509.load_der_x509_certificate(each.der) for each in card.certificates()}
        assert {cka_id: each.public_key() for cka_id, each in found.items()} == made
        assert all(each.issuer != each.subject for each in found.values())
        with card.login(PIN) as session:
            for cka_id, public_key in made.items():
                assert isinstance(public_key, ec.EllipticCurvePublicKey)
                key = session.private_key(cka_id=cka_id)
                assert isinstance(key, ec.EllipticCurvePrivateKey)
                for data in (b"once", b"twice"):
                    public_key.verify(key.sign(data, ec.ECDSA(SHA256)), data, ec.ECDSA(SHA256))


@EVERY_PROFILE
def test_a_certificate_takes_the_place_of_an_earlier_one(profile: CardProfile, opened: Opener) -> None:
    with _personalised(opened, profile.random_so_pin()) as card:
        made = _make_keys(card)
        with card.login_to_write(PIN) as session:
            for _ in range(2):
                last = certified(made[b"\x01"]).public_bytes(Encoding.DER)
                session.write_certificate(last, cka_id=b"\x01", label="authentication")
    with opened() as card:
        assert [each.der for each in card.certificates() if each.cka_id == b"\x01"] == [last]


@EVERY_CARD
def test_three_wrong_pins_lock_and_the_so_pin_unblocks(profile: CardProfile, opened: Opener) -> None:
    so_pin = profile.random_so_pin()
    with _personalised(opened, so_pin) as card:
        _make_keys(card)
    if not profile.locks_itself:
        pytest.skip("the software around this card locks it: tests/integration/virtual_card")
    with opened() as card:
        assert card.tries_left() == 3
        for left in (2, 1):
            with pytest.raises(errors.PinIncorrect):
                card.login(WRONG)
            assert card.tries_left() == left
        with pytest.raises(errors.LastTryNeedsConsent):
            card.login(PIN)
        assert card.tries_left() == 1
        with pytest.raises(errors.PinLocked):
            card.login(WRONG, consent_to_last_try=True)
        assert card.tries_left() == 0
        with pytest.raises(errors.PinLocked):
            card.login(PIN)
    with opened() as card:
        card.unblock(so_pin, NEW_PIN)
    with opened() as card:
        assert card.tries_left() == 3
        with card.login(NEW_PIN) as session:
            assert session.has_private_key(cka_id=b"\x01")


@EVERY_CARD
def test_a_wrong_so_pin_unblocks_nothing(profile: CardProfile, opened: Opener) -> None:
    with _personalised(opened, profile.random_so_pin()) as card, pytest.raises(errors.TokenError):
        card.unblock(profile.random_so_pin(), NEW_PIN)
    with opened() as card:
        card.login(PIN).close()


@EVERY_PROFILE
def test_the_holder_changes_the_pin(profile: CardProfile, opened: Opener) -> None:
    with _personalised(opened, profile.random_so_pin()) as card:
        card.change_pin(PIN, NEW_PIN)
    with opened() as card:
        with pytest.raises(errors.PinIncorrect):
            card.login(PIN)
        card.login(NEW_PIN).close()


@EVERY_CARD
def test_a_card_is_erased_with_its_so_pin(profile: CardProfile, opened: Opener) -> None:
    first, second = profile.random_so_pin(), profile.random_so_pin()
    with _personalised(opened, first) as card:
        _make_keys(card)
    with opened() as card:
        card.initialise(second, NEW_PIN, "card", present_so_pin=first)
    with opened() as card:
        with card.login(NEW_PIN) as session:
            assert not session.has_private_key(cka_id=b"\x01")
        card.unblock(second, PIN)


@EVERY_CARD
def test_a_card_in_use_gets_another_so_pin(profile: CardProfile, opened: Opener) -> None:
    """Keys and PIN stay; a change that was cut off after its first part is finished."""
    first, second, third = (profile.random_so_pin() for _ in range(3))
    with _personalised(opened, first) as card:
        made = _make_keys(card)
        card.change_so_pin(first, second)
    with opened() as card:
        with card.login_to_write(PIN) as session:
            assert session.private_key(cka_id=b"\x01").public_key() == made[b"\x01"]
        with pytest.raises(errors.TokenError):
            card.unblock(first, NEW_PIN)
        card.unblock(second, NEW_PIN)
    with opened() as card:
        with pytest.raises(errors.TokenError):
            card.change_so_pin(first, third)
        if profile.so_pin_changing is SoPinChanging.PIV:
            piv_management.change_management_key(card.token, second, third)
        card.change_so_pin(second, third)
        card.unblock(third, PIN)
    with opened() as card:
        card.login_to_write(PIN).close()


@pytest.mark.parametrize("profile", [each for each in CARDS if each.blank_so_pin], ids=lambda each: each.name)
def test_a_card_is_cleared_and_shows_that_nothing_is_left(profile: CardProfile, opened: Opener) -> None:
    so_pin, other = profile.random_so_pin(), profile.random_so_pin()
    with _personalised(opened, so_pin) as card:
        _make_keys(card)
        with card.login_to_write(PIN) as session:
            assert any("private_key 01" in each for each in session.object_names())
    with opened() as card:
        with pytest.raises(errors.TokenError):
            card.clear(other, NEW_PIN)
        assert card.clear(so_pin, NEW_PIN) == []
    with opened() as card:
        assert card.clear(profile.blank_so_pin, NEW_PIN) == [], "done again, it does no harm"
        assert card.certificates() == []
    with opened() as card:
        card.initialise(other, PIN, "card")
        card.unblock(other, NEW_PIN)


@EVERY_CARD
def test_a_second_set_of_keys_lies_beside_the_first_and_needs_the_pin(
    profile: CardProfile, opened: Opener
) -> None:
    """At a renewal; with the CKA_IDs that the card agent uses, which on a PIV card are slots."""
    with _personalised(opened, profile.random_so_pin()) as card:
        _make_keys(card)
        with card.login_to_write(PIN) as session:
            for purpose in Purpose:
                cka_id = KeySet.SECOND.cka_id(purpose)
                made = session.generate_key_pair(KeySpec.EC_P256, cka_id=cka_id, label=purpose.value)
                der = certified(made.public_key).public_bytes(Encoding.DER)
                session.write_certificate(der, cka_id=cka_id, label=purpose.value)
    with opened() as card:
        ids = {keys.cka_id(purpose) for keys in KeySet for purpose in Purpose}
        assert {each.cka_id for each in card.certificates()} >= {
            KeySet.SECOND.cka_id(each) for each in Purpose
        }
        with card.login(PIN) as session:
            assert all(session.has_private_key(cka_id=cka_id) for cka_id in ids)
        with pytest.raises((errors.TokenError, errors.ObjectNotFound)):
            _sign_without_login(card, KeySet.SECOND.cka_id(Purpose.CONTENT_COMMITMENT))


@EVERY_CARD
def test_a_set_of_keys_is_removed_and_the_other_stays(profile: CardProfile, opened: Opener) -> None:
    """At the end of a renewal; done again, it does no harm. A PIV card has the next key replace it."""
    with _personalised(opened, profile.random_so_pin()) as card:
        made = _make_keys(card)
        with card.login_to_write(PIN) as session:
            for cka_id, public_key in made.items():
                der = certified(public_key).public_bytes(Encoding.DER)
                session.write_certificate(der, cka_id=cka_id, label="label")
    for _ in range(2):
        with opened() as card, card.login_to_write(PIN) as session:
            session.destroy(cka_id=b"\x01")
    with opened() as card:
        assert {each.cka_id for each in card.certificates()} == {b"\x02"}
        with card.login_to_write(PIN) as session:
            assert session.has_private_key(cka_id=b"\x01") is profile.template.replaces
            session.generate_key_pair(KeySpec.EC_P256, cka_id=b"\x01", label="authentication")
            assert session.private_key(cka_id=b"\x01").public_key() != made[b"\x01"]
            assert session.private_key(cka_id=b"\x02").public_key() == made[b"\x02"]


@EVERY_CARD
def test_the_card_proves_where_its_keys_were_made(profile: CardProfile, opened: Opener) -> None:
    with _personalised(opened, profile.random_so_pin()) as card:
        made = _make_keys(card)
        proofs = {cka_id: card.proof_of(public_key, cka_id) for cka_id, public_key in made.items()}
    if profile.attestation is Attestation.NONE:
        assert proofs == {b"\x01": None, b"\x02": None}
        return
    for proof in proofs.values():
        assert proof is not None
        assert proof.kind is profile.attestation
        assert len(proof.evidence) == 2
    assert len({proof.evidence[0] for proof in proofs.values() if proof}) == 2


@EVERY_CARD
def test_a_pin_of_impossible_length_uses_no_try(profile: CardProfile, opened: Opener) -> None:
    with _personalised(opened, profile.random_so_pin()) as card:
        for pin in ("1" * (profile.pin_minimum - 1), "1" * (profile.pin_maximum + 1)):
            with pytest.raises(errors.PinLenRange):
                card.login(pin)
        assert card.tries_left() == profile.pin_tries


@TPM
def test_wrong_pins_lock_a_whole_tpm_and_only_its_owner_unlocks_it(
    profile: CardProfile, opened: Opener, tmp_path: Path
) -> None:
    """Limits of the TPM's module, as its profile says: no flags, no unblocking, no erasing."""
    so_pin = profile.random_so_pin()
    with _personalised(opened, so_pin) as card:
        for _ in range(profile.pin_tries):
            with pytest.raises((errors.PinIncorrect, errors.PinLocked)):
                card.login(WRONG)
        with pytest.raises(errors.PinLocked):
            card.login(PIN)
        assert card.tries_left() == profile.pin_tries
        with pytest.raises(errors.PinLocked):
            card.token.login_so(so_pin)
        with pytest.raises(errors.NotThisKindOfCard, match="cannot be unblocked"):
            card.unblock(so_pin, NEW_PIN)
        with pytest.raises(errors.TokenError):
            card.initialise(so_pin, NEW_PIN, "card", present_so_pin=so_pin)
    clear_lockout({})
    with opened() as card:
        card.login(PIN).close()


def _sign_without_login(card: InsertedCard, cka_id: bytes) -> None:
    with card.token.open() as session:
        key = session.private_key(cka_id=cka_id)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        key.sign(b"data", ec.ECDSA(SHA256))


def _csr(key: object) -> x509.CertificateSigningRequest:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "555500000001")])
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, SHA256)
