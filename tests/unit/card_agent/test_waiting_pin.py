"""A holder's new PIN waits for the operator's slip to be put right, and no longer."""

from __future__ import annotations

import time

from card_agent.pages import Problem
from card_agent.waiting_pin import WaitingPin

TYPED = {"new_pin": "59174028", "repeated_pin": "59174028", "signer_pin": "1"}
SLIP = [Problem("signer_pin", "Wrong PIN.")]


def test_it_fills_in_what_the_holder_did_not_type_again() -> None:
    waiting = WaitingPin()
    waiting.keep_or_forget(TYPED, SLIP)
    assert waiting.is_there
    again = waiting.filled_in({"signer_pin": "83501947"})
    assert (again["new_pin"], again["repeated_pin"], again["signer_pin"]) == (
        "59174028",
        "59174028",
        "83501947",
    )
    other = {"new_pin": "60281947", "repeated_pin": "60281947"}
    assert waiting.filled_in(other) == other


def test_it_is_forgotten_when_the_form_goes_through_or_the_pin_itself_is_wrong() -> None:
    for problems in ([], [*SLIP, Problem("repeated_pin", "The two are not the same.")]):
        waiting = WaitingPin()
        waiting.keep_or_forget(TYPED, SLIP)
        waiting.keep_or_forget(TYPED, problems)
        assert not waiting.is_there
        assert waiting.filled_in({}) == {}


def test_it_is_overwritten_when_its_time_is_over() -> None:
    waiting = WaitingPin(waits_seconds=0.05)
    waiting.keep_or_forget(TYPED, SLIP)
    pin = waiting._pin
    assert pin is not None
    deadline = time.monotonic() + 10
    while waiting.is_there and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not waiting.is_there
    assert pin.reveal() == ""
