"""Card sign-in against a real database: the normal way, and every attack of the design's table."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from app.domain.card import CardStatus
from app.signin import refusals
from app.signin.opaque_value import hash_of, new_id, new_value
from app.signin.refusals import SIGN_IN_DID_NOT_WORK, SignInRefused
from app.signin.session import ANONYMOUS_LIFETIME
from app.signin.smartcard import Attempt, SignedIn, SignInLimits, SmartcardSignIn, require_usable_holder
from app.storage.database import Database
from app.storage.tables.cards import card, certificate
from app.storage.tables.people import person
from app.storage.tables.sessions import sign_in_challenge
from tests.support.sign_in import ORIGIN, CardAuthority, HeldCard, StaffRegister, authority, ec_key


@dataclass
class Desk:
    """A person with a card, in front of a browser."""

    register: StaffRegister
    sign_in: SmartcardSignIn
    uid: str
    card: HeldCard

    def browser(self) -> str:
        """A browser session; answers its key."""
        key = new_value()
        with self.register.database.change() as work:
            work.sessions.add(new_id(), hash_of(key), {}, work.now + ANONYMOUS_LIFETIME)
        return key

    def answer(self, key: str, token: bytes) -> SignedIn:
        return self.sign_in.validate(Attempt(key, token, "10.0.0.7", "r1"))

    def refused(self, key: str, token: bytes) -> SignInRefused:
        with pytest.raises(SignInRefused) as caught:
            self.answer(key, token)
        return caught.value

    def refused_card(self, held: HeldCard) -> SignInRefused:
        key = self.browser()
        return self.refused(key, held.token(self.sign_in.challenge(key)))


@pytest.fixture
def desk(database: Database) -> Desk:
    register = StaffRegister(database)
    uid = register.person()
    return Desk(register, SmartcardSignIn(database, authority().paths, ORIGIN), uid, register.card(uid))


def test_a_card_signs_its_holder_in(desk: Desk) -> None:
    key = desk.browser()
    signed_in = desk.answer(key, desk.card.token(desk.sign_in.challenge(key)))
    assert (signed_in.uid, signed_in.name, signed_in.card_serial) == (
        desk.uid,
        "Meera Patel",
        desk.card.serial,
    )
    [event] = desk.register.events("signin.succeeded")
    assert (event.subject, event.actor_address, event.details["card_serial"]) == (
        desk.uid,
        "10.0.0.7",
        desk.card.serial,
    )


@pytest.mark.parametrize(
    "key", [ec_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)], ids=["P-384", "RSA"]
)
def test_cards_with_other_keys_sign_in(desk: Desk, key: Any) -> None:
    uid = desk.register.person("Tom", "Okoro")
    held, browser = desk.register.card(uid, key), desk.browser()
    assert desk.answer(browser, held.token(desk.sign_in.challenge(browser))).uid == uid


def test_the_session_gets_a_new_key_and_the_old_one_opens_nothing(desk: Desk) -> None:
    """Session fixation: whoever planted the first key learns nothing."""
    key = desk.browser()
    signed_in = desk.answer(key, desk.card.token(desk.sign_in.challenge(key)))
    with desk.register.database.read() as work:
        assert work.sessions.live(hash_of(key), work.now.date()) is None
        live = work.sessions.live(hash_of(signed_in.session_key), work.now.date())
    assert live is not None
    assert live.person is not None
    assert live.person.uid == desk.uid


def test_an_attackers_nonce_sent_through_the_victims_agent_is_refused(desk: Desk) -> None:
    attacker, victim = desk.browser(), desk.browser()
    token = desk.card.token(desk.sign_in.challenge(attacker))
    assert isinstance(desk.refused(victim, token), refusals.NoSignInPending)


def test_an_attackers_nonce_is_refused_when_the_victim_has_a_sign_in_of_its_own(desk: Desk) -> None:
    attacker, victim = desk.browser(), desk.browser()
    token = desk.card.token(desk.sign_in.challenge(attacker))
    desk.sign_in.challenge(victim)
    assert isinstance(desk.refused(victim, token), refusals.SignatureWrong)


def test_a_token_works_once(desk: Desk) -> None:
    key = desk.browser()
    token = desk.card.token(desk.sign_in.challenge(key))
    signed_in = desk.answer(key, token)
    for replayed_in in (key, signed_in.session_key, desk.browser()):
        assert isinstance(desk.refused(replayed_in, token), refusals.NoSignInPending)


def test_a_refused_token_uses_its_nonce_up(desk: Desk) -> None:
    key = desk.browser()
    nonce = desk.sign_in.challenge(key)
    assert isinstance(desk.refused(key, desk.card.token("n" * 44)), refusals.SignatureWrong)
    assert isinstance(desk.refused(key, desk.card.token(nonce)), refusals.NoSignInPending)


def test_a_nonce_lives_five_minutes(desk: Desk) -> None:
    key = desk.browser()
    nonce = desk.sign_in.challenge(key)
    desk.register.set(sign_in_challenge, sign_in_challenge.c.used_at.is_(None), expires_at=datetime.now(UTC))
    assert isinstance(desk.refused(key, desk.card.token(nonce)), refusals.NoSignInPending)


def test_two_tabs_of_one_browser_may_each_begin(desk: Desk) -> None:
    key = desk.browser()
    first, _second = desk.sign_in.challenge(key), desk.sign_in.challenge(key)
    assert desk.answer(key, desk.card.token(first)).uid == desk.uid


def test_a_token_for_another_origin_is_refused(desk: Desk) -> None:
    key = desk.browser()
    token = desk.card.token(desk.sign_in.challenge(key), origin="https://evil.example")
    assert isinstance(desk.refused(key, token), refusals.SignatureWrong)


def _as_json(change: Callable[[dict[str, Any]], Any]) -> Callable[[bytes], bytes]:
    def changed(token: bytes) -> bytes:
        fields = json.loads(token)
        return json.dumps(change(fields) or fields).encode()

    return changed


MALFORMED: dict[str, tuple[Callable[[bytes], bytes], type[SignInRefused]]] = {
    "empty": (lambda token: b"", refusals.TokenMalformed),
    "not JSON": (lambda token: b"x" * 200, refusals.TokenMalformed),
    "a list": (lambda token: b"[" + token + b"]", refusals.TokenMalformed),
    "deeply nested": (lambda token: b"[" * 9000, refusals.TokenMalformed),
    "too long": (lambda token: token + b" " * 10_000, refusals.TokenTooLong),
    "format 2": (_as_json(lambda f: f | {"format": "web-eid:2.0"}), refusals.TokenFormatNotSupported),
    "no format": (_as_json(lambda f: f.pop("format") and f), refusals.TokenFormatNotSupported),
    "algorithm none": (_as_json(lambda f: f | {"algorithm": "none"}), refusals.TokenAlgorithmNotSupported),
    "algorithm HS256": (_as_json(lambda f: f | {"algorithm": "HS256"}), refusals.TokenAlgorithmNotSupported),
    "another key's algorithm": (
        _as_json(lambda f: f | {"algorithm": "RS256"}),
        refusals.TokenAlgorithmNotSupported,
    ),
    "no signature": (_as_json(lambda f: f | {"signature": ""}), refusals.TokenMalformed),
    "signature no base64": (_as_json(lambda f: f | {"signature": "*" * 88}), refusals.TokenMalformed),
    "signature of zeros": (
        _as_json(lambda f: f | {"signature": base64.b64encode(bytes(64)).decode()}),
        refusals.SignatureWrong,
    ),
    "short signature": (_as_json(lambda f: f | {"signature": "AAAA"}), refusals.SignatureWrong),
    "certificate no DER": (
        _as_json(lambda f: f | {"unverifiedCertificate": base64.b64encode(b"x" * 90).decode()}),
        refusals.CertificateUnreadable,
    ),
}


@pytest.mark.parametrize(("change", "expected"), MALFORMED.values(), ids=MALFORMED.keys())
def test_a_token_that_is_not_right_is_refused_with_one_sentence(
    desk: Desk, change: Callable[[bytes], bytes], expected: type[SignInRefused]
) -> None:
    key = desk.browser()
    refusal = desk.refused(key, change(desk.card.token(desk.sign_in.challenge(key))))
    assert type(refusal) is expected
    # Whoever holds the key is told that the card has expired, and what to do; nothing else.
    tells = refusals.CertificateHasExpired
    assert str(refusal) == (tells.told if expected is tells else SIGN_IN_DID_NOT_WORK)
    [event] = desk.register.events("signin.refused")
    assert (event.reason, event.outcome) == (expected.code, "refused")
    assert event.details["why"]


def test_unknown_fields_are_tolerated(desk: Desk) -> None:
    key = desk.browser()
    token = desk.card.token(
        desk.sign_in.challenge(key), format="web-eid:1.1", unverifiedSigningCertificate=""
    )
    assert desk.answer(key, token).uid == desk.uid


def test_a_certificate_of_another_authority_is_refused(desk: Desk) -> None:
    foreign = CardAuthority()
    held = replace(desk.card, certificate=foreign.certify(desk.card.key))
    assert isinstance(desk.refused_card(held), refusals.CertificateNotOurs)


def test_a_certificate_that_the_root_signed_itself_is_refused(desk: Desk) -> None:
    impostor = CardAuthority(root_key=authority().root_key, ca_key=authority().root_key)
    held = replace(desk.card, certificate=impostor.certify(desk.card.key))
    assert isinstance(desk.refused_card(held), refusals.CertificateNotOurs)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"days": (-100, -1)}, refusals.CertificateHasExpired),
        ({"days": (1, 100)}, refusals.CertificateNotYetValid),
        ({"usages": (ExtendedKeyUsageOID.SERVER_AUTH,)}, refusals.CertificateNotForSignIn),
        ({"usages": None}, refusals.CertificateNotForSignIn),
        ({"digital_signature": False}, refusals.CertificateNotForSignIn),
    ],
    ids=["expired", "not yet valid", "server certificate", "no extended key usage", "content commitment"],
)
def test_a_certificate_of_ours_that_is_not_for_this_is_refused(
    desk: Desk, how: dict[str, Any], expected: type[SignInRefused]
) -> None:
    held = desk.register.card(desk.register.person("Tom", "Okoro"), **how)
    refusal = desk.refused_card(held)
    assert type(refusal) is expected
    # Whoever holds the key is told that the card has expired, and what to do; nothing else.
    tells = refusals.CertificateHasExpired
    assert str(refusal) == (tells.told if expected is tells else SIGN_IN_DID_NOT_WORK)


def _with_root_list(desk: Desk, root_list: bytes | None) -> Desk:
    paths = authority().paths_with(root_list)
    return replace(desk, sign_in=SmartcardSignIn(desk.register.database, paths, ORIGIN))


def test_a_card_whose_ca_the_root_revoked_is_refused(desk: Desk) -> None:
    """Nothing about the card itself changed: its certificate, its register and its PIN are in order."""
    revoked = authority().root_list(authority().ca)
    refusal = _with_root_list(desk, revoked).refused_card(desk.card)
    assert isinstance(refusal, refusals.IssuingCertificateRevoked)
    assert str(refusal) == SIGN_IN_DID_NOT_WORK
    [event] = desk.register.events("signin.refused")
    assert "cACompromise" in str(event.details["why"])


@pytest.mark.parametrize(
    "root_list",
    [
        None,
        b"no list at all",
        authority().root_list(days_old=501),
        authority().root_list(days_old=450, days_valid=900),
        authority().root_list(days_old=-1),
        authority().root_list(key=authority().ca_key),
    ],
    ids=["missing", "unreadable", "ended", "older than we allow", "of the future", "signed by another key"],
)
def test_nobody_signs_in_while_it_is_not_known_whether_the_ca_was_revoked(
    desk: Desk, root_list: bytes | None
) -> None:
    refusal = _with_root_list(desk, root_list).refused_card(desk.card)
    assert isinstance(refusal, refusals.IssuingCertificateStatusUnknown)
    assert str(refusal) == SIGN_IN_DID_NOT_WORK


def test_a_certificate_that_is_not_in_our_register_is_refused(desk: Desk) -> None:
    """A certificate minted behind our back by the right CA key."""
    held = replace(desk.card, certificate=authority().certify(desk.card.key))
    assert isinstance(desk.refused_card(held), refusals.CertificateUnknown)


@pytest.mark.parametrize(
    ("status", "expected", "told"),
    [
        ("lost", refusals.CardReportedLost, "reported lost"),
        ("stolen", refusals.CardReportedStolen, "reported stolen"),
        ("cancelled", refusals.CardIsCancelled, "cancelled"),
        ("suspended", refusals.CardIsSuspended, "suspended"),
        ("locked", refusals.CardNotActive, "not active"),
    ],
)
def test_the_state_of_ones_own_card_is_told(
    desk: Desk, status: str, expected: type[SignInRefused], told: str
) -> None:
    desk.register.set(card, card.c.serial == desk.card.serial, status=status)
    refusal = desk.refused_card(desk.card)
    assert type(refusal) is expected
    assert told in str(refusal)
    assert refusal.uid == desk.uid
    [event] = desk.register.events("signin.refused")
    assert (event.subject, event.reason) == (desk.uid, expected.code)


def test_the_state_of_a_card_is_told_only_to_whoever_holds_its_key(desk: Desk) -> None:
    desk.register.set(card, card.c.serial == desk.card.serial, status="lost")
    thief = replace(desk.card, key=ec_key())
    refusal = desk.refused_card(thief)
    assert isinstance(refusal, refusals.SignatureWrong)
    assert str(refusal) == SIGN_IN_DID_NOT_WORK


def test_a_revoked_certificate_is_refused(desk: Desk) -> None:
    desk.register.set(
        certificate,
        certificate.c.card_serial == desk.card.serial,
        status="revoked",
        revoked_at=datetime.now(UTC),
        reason="superseded",
    )
    assert isinstance(desk.refused_card(desk.card), refusals.CertificateRevoked)


def test_a_certificate_whose_card_was_not_handed_over_is_refused(desk: Desk) -> None:
    desk.register.set(certificate, certificate.c.card_serial == desk.card.serial, status="issued")
    assert isinstance(desk.refused_card(desk.card), refusals.CertificateNotActive)


def test_the_holder_of_a_closed_profile_is_refused(desk: Desk) -> None:
    desk.register.set(person, person.c.uid == desk.uid, status="closed")
    assert isinstance(desk.refused_card(desk.card), refusals.HolderNotActive)


def test_too_many_tries_in_one_browser_are_refused(desk: Desk) -> None:
    sign_in = SmartcardSignIn(
        desk.register.database, authority().paths, ORIGIN, limits=SignInLimits(per_session=2)
    )
    patient = replace(desk, sign_in=sign_in)
    key = patient.browser()
    for _ in range(2):
        assert isinstance(patient.refused(key, b"x" * 200), refusals.NoSignInPending)
    token = desk.card.token(sign_in.challenge(key))
    assert isinstance(patient.refused(key, token), refusals.TooManySignIns)


def test_too_many_tries_from_one_address_are_refused(desk: Desk) -> None:
    sign_in = SmartcardSignIn(
        desk.register.database, authority().paths, ORIGIN, limits=SignInLimits(per_address=2)
    )
    patient = replace(desk, sign_in=sign_in)
    for _ in range(2):
        assert isinstance(patient.refused(patient.browser(), b""), refusals.NoSignInPending)
    assert isinstance(patient.refused(patient.browser(), b""), refusals.TooManySignIns)


def test_a_success_lets_a_busy_address_go_on(desk: Desk) -> None:
    sign_in = SmartcardSignIn(
        desk.register.database, authority().paths, ORIGIN, limits=SignInLimits(per_address=2)
    )
    patient = replace(desk, sign_in=sign_in)
    for _ in range(4):
        key = patient.browser()
        assert patient.answer(key, desk.card.token(sign_in.challenge(key))).uid == desk.uid


def test_signing_in_again_keeps_the_session_that_relying_parties_know(desk: Desk) -> None:
    key = desk.browser()
    first = desk.answer(key, desk.card.token(desk.sign_in.challenge(key)))
    again = desk.answer(first.session_key, desk.card.token(desk.sign_in.challenge(first.session_key)))
    assert again.session_id == first.session_id
    assert again.session_key != first.session_key


def test_another_person_in_the_same_browser_ends_the_first_ones_session(desk: Desk) -> None:
    other = desk.register.card(desk.register.person("Tom", "Okoro"))
    key = desk.browser()
    first = desk.answer(key, desk.card.token(desk.sign_in.challenge(key)))
    second = desk.answer(first.session_key, other.token(desk.sign_in.challenge(first.session_key)))
    assert second.session_id != first.session_id
    [event] = desk.register.events("session.ended")
    assert (event.subject, event.details["session"]) == (desk.uid, first.session_id)


def test_a_card_reported_lost_ends_every_session_and_announces_it(desk: Desk) -> None:
    keys = [desk.browser(), desk.browser()]
    signed_in = [desk.answer(key, desk.card.token(desk.sign_in.challenge(key))) for key in keys]
    with desk.register.database.change() as work:
        assert work.sessions.end_all(desk.uid, "card_lost") == 2
    with desk.register.database.change() as work:
        assert work.sessions.end_all(desk.uid, "card_lost") == 0
        live = [work.sessions.live(hash_of(each.session_key), work.now.date()) for each in signed_in]
        announced = {row.key for row in work.outbox.due(["openid.logout"])}
    assert live == [None, None]
    assert announced == {each.session_id for each in signed_in}


def test_old_sessions_and_challenges_are_forgotten(desk: Desk) -> None:
    desk.sign_in.challenge(desk.browser())
    with desk.register.database.change() as work:
        assert work.sessions.forget_old(work.now) == 0
        assert work.sessions.forget_old(work.now + timedelta(days=1)) == 1


def test_a_card_reported_lost_while_its_holder_signs_in_leaves_no_session(desk: Desk) -> None:
    database, key = desk.register.database, new_value()

    def report_lost() -> None:
        with database.change() as work:
            lost = work.cards.get_to_change(desk.card.serial)
            assert lost is not None
            work.cards.end(lost, CardStatus.LOST, work.now, "lost")
            work.sessions.end_all(desk.uid, "card_lost")

    reporting = threading.Thread(target=report_lost)
    with database.change() as work:
        holder = require_usable_holder(work, desk.card.certificate, "10.0.0.7")
        reporting.start()
        reporting.join(1)
        work.sessions.sign_in(hash_of(new_value()), hash_of(key), holder, work.now + ANONYMOUS_LIFETIME)
    reporting.join(30)
    with database.read() as work:
        assert work.sessions.live(hash_of(key), work.now.date()) is None
