"""The short walk on cards in PC/SC readers: ./run --pcsc, a browser, and SmartCard-HSM cards by OpenSC.

The long walk of the same steps, on SoftHSM cards, is test_the_walk.py. One story, told in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from bench.whole_service import open_desk
from tests.support.running_service import (
    Service,
    offset_of_this_process,
    processes_of_run,
    running_service,
    stop,
)
from tests.support.walking import READER_1, READER_2, Walker

HER_PIN = "59174028"
MARK = "cards-in-readers"
ENVIRONMENT = {"SPINE_RA_TEST_RUN": MARK}


@dataclass
class Story:
    """What later chapters need of earlier ones."""

    uid: str = ""
    card_serial: str = ""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("readers") / "var"


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[Service]:
    with running_service(folder, offset_of_this_process(), "--pcsc", environment=ENVIRONMENT) as running:
        yield running


@pytest.fixture(scope="module")
def story() -> Story:
    return Story()


@pytest.fixture(scope="module")
def agent(browser: Browser, service: Service) -> Iterator[Walker]:
    context = browser.new_context(ignore_https_errors=True)
    context.set_default_timeout(30_000)
    yield Walker(context, service)
    context.close()


@pytest.fixture
def her(browser: Browser, service: Service) -> Iterator[Walker]:
    context = browser.new_context(ignore_https_errors=True)
    context.set_default_timeout(30_000)
    yield Walker(context, service)
    context.close()


def test_1_the_agent_signs_in_and_the_card_counts_a_wrong_pin(agent: Walker, service: Service) -> None:
    priya = service.people()["RA agent"]
    agent.go_to_pin_page(priya.card_serial)
    agent.sees(priya.name)
    agent.enter_pin("480216")
    agent.sees("You have 2 tries left")
    agent.require_accessible()
    agent.sign_in_as(priya)


def test_2_a_card_is_issued_at_the_desk(agent: Walker, story: Story, service: Service) -> None:
    with open_desk(service) as desk:
        story.uid = desk.register(7)
    priya = service.people()["RA agent"]
    agent.put_card(READER_1, priya.card_serial)
    story.card_serial = agent.take_blank_card(READER_2)
    agent.require_accessible()
    agent.open(f"/people/{story.uid}")
    agent.press("Issue a card")
    agent.page.get_by_label(re.compile("Your PIN")).fill(priya.pin)
    agent.page.get_by_label("New PIN", exact=True).fill(HER_PIN)
    agent.page.get_by_label("New PIN again").fill(HER_PIN)
    agent.press("Issue the card")
    agent.page.locator("#back-to-site.button").wait_for()
    agent.page.locator("#back-to-site").click()
    agent.open(f"/people/{story.uid}")
    agent.sees(story.card_serial)
    # The card's own attestation, which the certificate authority verified to the maker of emulated cards.
    agent.sees(re.compile(rf"Proved by the card \(.+, device {story.card_serial}\)"))


def test_3_she_signs_in_with_it(her: Walker, story: Story) -> None:
    her.sign_in(story.card_serial, HER_PIN)
    her.open("/my")
    her.sees(story.card_serial)
    her.sees("Proved by the card (")


def test_4_her_lost_card_opens_nothing(agent: Walker, her: Walker, story: Story) -> None:
    agent.open(f"/people/{story.uid}/cards/{story.card_serial}/report-lost")
    agent.press("Report this card lost")
    her.go_to_pin_page(story.card_serial)
    her.enter_pin(HER_PIN)
    her.sees("You are not signed in")
    her.sees("lost")


def test_5_ctrl_c_stops_the_readers_too_and_a_second_start_keeps_everything(
    browser: Browser, folder: Path, service: Service, story: Story
) -> None:
    assert any("pcscd" in command for command in processes_of_run(MARK).values())
    stop(service.process)
    assert processes_of_run(MARK) == {}
    with running_service(folder, service.port_offset, environment=ENVIRONMENT) as again:
        context = browser.new_context(ignore_https_errors=True)
        walker = Walker(context, again)
        walker.page.goto(again.agent)
        # The drawer knows its cards by what they showed last.
        walker.sees(f"Priya Nair, card {again.people()['RA agent'].card_serial}")
        walker.sees(story.card_serial)
        walker.sign_in_as(again.people()["RA agent"])
        context.close()
