"""Refusals: one class and one stable code each, and a sentence that says what to do."""

from __future__ import annotations

from app.signin import refusals
from app.signin.refusals import SIGN_IN_DID_NOT_WORK, SignInRefused
from app.signin.smartcard import Attempt, SignedIn

ALL = [
    each
    for each in vars(refusals).values()
    if isinstance(each, type) and issubclass(each, SignInRefused) and each is not SignInRefused
]


def test_codes_are_different() -> None:
    assert len({each.code for each in ALL}) == len(ALL)


def test_the_full_reason_is_not_what_is_told() -> None:
    for each in ALL:
        refusal = each("the secret reason")
        assert "secret reason" not in str(refusal)
        assert refusal.reason == "the secret reason"


def test_only_what_the_holder_can_act_on_is_told() -> None:
    telling = {each.code for each in ALL if each.told != SIGN_IN_DID_NOT_WORK}
    assert telling == {
        "too_many_sign_ins",
        "no_sign_in_pending",
        "certificate_revoked",
        "certificate_not_active",
        "certificate_expired",
        "card_reported_lost",
        "card_reported_stolen",
        "card_cancelled",
        "card_suspended",
        "card_not_active",
        "card_expired",
        "card_not_yet_usable",
        "holder_not_active",
    }


def test_values_that_open_something_do_not_print() -> None:
    from datetime import UTC, datetime

    attempt = Attempt("the key", b"the token", "10.0.0.7")
    signed_in = SignedIn("1", "n", "c", datetime(2026, 1, 1, tzinfo=UTC), "s", "the key")
    for value in (attempt, signed_in):
        assert "the key" not in repr(value)
        assert "the token" not in repr(value)
