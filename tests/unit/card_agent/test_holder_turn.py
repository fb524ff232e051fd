"""A holder's turn in a batch: answered once, for that holder alone, and never waited for without an end."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

import pytest

from card_agent.batch_desk import BatchDesk, DeskBatch
from card_agent.batch_link import BatchLink
from card_agent.batch_pages import BatchPages
from card_agent.desk_job import Job, Party
from card_agent.errors import CardMissing, PageExpired
from card_agent.holder_turn import HolderTurn
from card_agent.pin import Pin
from card_agent.pin_policy import PinPolicy
from card_agent.settings import Site
from card_agent.site_connection import SiteConnection
from card_agent.visits import FormValues, WaysBack

HOLDER = Party("710000009101", "Amara Osei")


def job(job_id: str = "1", state: str = "begun") -> Job:
    return Job(
        job_id, state, HOLDER, Party("710000001102", "Priya"), "softhsm", "", PinPolicy(6, 8), b"", None
    )


class Pages(BatchPages):
    """The pages of a batch whose run waits for a holder."""

    def __init__(self, batch: DeskBatch) -> None:
        self.batch = batch
        super().__init__(None, cast(BatchDesk, self), cast(FormValues, self), cast(WaysBack, self))  # type: ignore[arg-type]

    def find(self, name: str) -> DeskBatch:
        return self.batch

    def take(self, value: str, name: str) -> None: ...

    def new(self, name: str) -> str:
        return "fresh"

    def add(self, text: str, address: str) -> str:
        return "back"


@pytest.fixture
def batch() -> DeskBatch:
    site = cast(Site, type("Site", (), {"name": "Test RA", "origin": "https://ra.example"}))
    connection = SiteConnection(site)
    return DeskBatch(
        BatchLink(connection, "1", "Induction", Party("2", "Priya"), 0, 2, "t"),
        0,
        2,
        turn=HolderTurn(job()),
    )


def entered(pin: str, again: str = "", turn: str = "1") -> dict[str, str]:
    return {"form_value": "x", "turn": turn, "new_pin": pin, "repeated_pin": again or pin}


def test_the_pin_goes_to_the_run_that_waits_for_it(batch: DeskBatch) -> None:
    turn = batch.turn
    assert turn is not None
    Pages(batch).answer("a", entered("59174028"))
    pin = turn.wait(timedelta(0))
    assert pin is not None
    assert pin.reveal() == "59174028"


@pytest.mark.parametrize(("pin", "again"), [("333333", ""), ("5917", ""), ("59174028", "59174029")])
def test_a_pin_that_cannot_be_is_asked_for_again(batch: DeskBatch, pin: str, again: str) -> None:
    turn = batch.turn
    assert turn is not None
    answer = Pages(batch).answer("a", entered(pin, again))
    assert b"Amara Osei: choose your PIN" in answer.body
    assert pin.encode() not in answer.body
    with pytest.raises(CardMissing):
        turn.wait(timedelta(0))


def test_a_pin_never_goes_onto_another_persons_card(batch: DeskBatch) -> None:
    """The page of one holder was left open while the turn became the next one's."""
    pages = Pages(batch)
    batch.turn = HolderTurn(job("2"))
    with pytest.raises(PageExpired):
        pages.answer("a", entered("59174028", turn="1"))
    batch.turn = None
    with pytest.raises(PageExpired):
        pages.answer("a", entered("59174028", turn="1"))


def test_a_turn_is_answered_once() -> None:
    turn = HolderTurn(job())
    turn.pass_over()
    with pytest.raises(PageExpired):
        turn.choose(Pin("59174028"))
    assert turn.wait(timedelta(0)) is None


def test_a_card_that_was_certified_before_has_its_pin() -> None:
    assert HolderTurn(job()).needs_new_pin
    assert not HolderTurn(job(state="certified")).needs_new_pin
