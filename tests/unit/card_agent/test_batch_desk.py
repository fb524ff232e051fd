"""The operator's PIN of a batch is kept for its run only: bounded in time and in cards, and forgotten."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from card_agent.batch_desk import MOST_CARDS, PIN_IS_OVER, PIN_LASTS, BatchDesk, DeskBatch
from card_agent.batch_link import BatchLink
from card_agent.card_process import CardProcesses
from card_agent.card_views import CardViews
from card_agent.desk_job import Party
from card_agent.errors import CardFault, CardMissing, DeskBusy
from card_agent.pin import Pin
from card_agent.ports import Card
from card_agent.settings import Site
from card_agent.site_connection import SiteConnection

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def _no_card(serial: str, reader: str = "") -> Card:
    raise CardMissing(serial)


class Desk(BatchDesk):
    """A desk whose cards take ``each`` long and whose batch has ``cards``."""

    def __init__(self, cards: int = 1000, each: timedelta = timedelta(seconds=1)) -> None:
        self.now, self.made, self.left, self.each = NOW, 0, cards, each
        self.refusal: Exception | None = None
        self.lock = threading.Lock()
        super().__init__(cast(CardViews, None), CardProcesses(_no_card), lambda: self.now, self.lock)

    def _sign(self, batch: DeskBatch, pin: Pin, data: bytes) -> None:
        if pin.reveal() != "59174028":
            raise CardMissing("not that PIN")

    def _one_card(self, batch: DeskBatch, pin: Pin) -> bool:
        assert pin.reveal() == "59174028"
        if self.refusal is not None:
            raise self.refusal
        if self.made == self.left:
            return False
        self.made += 1
        self.now += self.each
        return True


@pytest.fixture
def batch() -> DeskBatch:
    connection = SiteConnection(cast(Site, None))
    return DeskBatch(
        BatchLink(connection, "1", "Induction", Party("710000001102", "Priya Nair"), 0, 1000, "t"),
        0,
        1000,
    )


def run(desk: Desk, batch: DeskBatch) -> Pin:
    pin = Pin("59174028")
    desk.begin(batch, pin)
    for _ in range(500):
        if not batch.is_running:
            break
        time.sleep(0.01)
    return pin


def test_the_pin_is_asked_again_after_so_many_cards(batch: DeskBatch) -> None:
    desk = Desk()
    pin = run(desk, batch)
    assert (desk.made, batch.stopped, pin.reveal()) == (MOST_CARDS, PIN_IS_OVER, "")
    run(desk, batch)
    assert desk.made == 2 * MOST_CARDS


def test_the_pin_is_asked_again_after_so_long(batch: DeskBatch) -> None:
    desk = Desk(each=timedelta(minutes=7))
    pin = run(desk, batch)
    assert desk.made == PIN_LASTS // timedelta(minutes=7) + 1
    assert (batch.stopped, pin.reveal()) == (PIN_IS_OVER, "")


def test_the_pin_is_forgotten_when_the_batch_is_done(batch: DeskBatch) -> None:
    desk = Desk(cards=3)
    pin = run(desk, batch)
    assert (desk.made, batch.is_finished, pin.reveal()) == (3, True, "")


@pytest.mark.parametrize("refusal", [CardFault("The card failed."), ValueError("a fault of ours")])
def test_whatever_stops_the_run_the_pin_is_forgotten(batch: DeskBatch, refusal: Exception) -> None:
    desk = Desk()
    desk.refusal = refusal
    pin = run(desk, batch)
    assert pin.reveal() == ""
    assert batch.stopped
    assert "a fault of ours" not in batch.stopped
    assert desk.lock.acquire(blocking=False), "the desk is free again"


def test_a_wrong_pin_begins_nothing(batch: DeskBatch) -> None:
    desk = Desk()
    with pytest.raises(CardMissing):
        desk.begin(batch, Pin("48021637"))
    assert not batch.is_running
    run(desk, batch)
    assert desk.made == MOST_CARDS


def test_a_desk_does_one_thing_at_a_time(batch: DeskBatch) -> None:
    desk = Desk()
    with desk.lock, pytest.raises(DeskBusy):
        desk.begin(batch, Pin("59174028"))
