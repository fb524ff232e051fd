"""PINs and single-use values in memory."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta

import pytest

from card_agent.errors import CardFault, PageExpired, PinIncorrect, PinLocked, crossing_a_pipe
from card_agent.http_messages import Request
from card_agent.pin import Pin
from card_agent.remembered import Remembered
from card_agent.visits import FormValues

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def test_a_pin_hides_its_digits_and_forgets_them() -> None:
    with Pin("59174028") as pin:
        assert pin.reveal() == "59174028"
        assert "5917" not in f"{pin!r} {pin} {[pin]}"
    assert pin.reveal() == ""


def test_a_pin_is_never_pickled() -> None:
    with pytest.raises(TypeError, match="pipe"):
        pickle.dumps(Pin("59174028"))


def test_a_request_does_not_show_its_form() -> None:
    assert "59174028" not in repr(Request("POST", "/card", {}, {}, {"pin": "59174028"}))


def test_a_value_is_taken_once() -> None:
    remembered: Remembered[str] = Remembered(timedelta(minutes=5), Clock())
    name = remembered.add("value")
    assert remembered.look_up(name) == "value"
    assert remembered.take(name) == "value"
    with pytest.raises(PageExpired):
        remembered.take(name)


def test_a_value_ages() -> None:
    clock = Clock()
    remembered: Remembered[str] = Remembered(timedelta(minutes=5), clock)
    name = remembered.add("value")
    clock.now += timedelta(minutes=5, seconds=1)
    with pytest.raises(PageExpired):
        remembered.look_up(name)


def test_a_flood_pushes_out_the_oldest_and_no_more() -> None:
    remembered: Remembered[int] = Remembered(timedelta(minutes=5), Clock(), capacity=3)
    names = [remembered.add(number) for number in range(4)]
    assert [remembered.look_up(name) for name in names[1:]] == [1, 2, 3]
    with pytest.raises(PageExpired):
        remembered.look_up(names[0])


def test_names_are_unguessable() -> None:
    remembered: Remembered[int] = Remembered(timedelta(minutes=5), Clock())
    names = {remembered.add(0) for _ in range(100)}
    assert len(names) == 100
    assert all(len(name) == 43 for name in names)


def test_a_form_value_serves_its_own_form_only_and_is_spent_by_another() -> None:
    values = FormValues(Clock())
    value = values.new("desk")
    with pytest.raises(PageExpired, match="another page"):
        values.take(value, "issue")
    with pytest.raises(PageExpired):
        values.take(value, "desk")


def test_an_error_crosses_the_pipe_with_its_facts() -> None:
    sent = PinIncorrect.with_tries_left(1)
    received = crossing_a_pipe(sent.code, str(sent), sent.facts())
    assert isinstance(received, PinIncorrect)
    assert (received.tries_left, str(received)) == (1, "Wrong PIN. You have 1 try left.")
    assert isinstance(crossing_a_pipe(PinLocked.code, "locked", {}), PinLocked)
    assert isinstance(crossing_a_pipe("something_new", "?", {}), CardFault)
