"""A temporary card, and how it becomes somebody else's, in a real browser, on all that ./run starts.

One story, told in order: each test goes on where the one before ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from cryptography import x509
from playwright.sync_api import Browser, expect

from tests.support.killing import Processes, wait_until
from tests.support.office import NEW_PIN, Office
from tests.support.running_service import CARD_KINDS, SOFTHSM, Service
from tests.support.walking import READER_1, READER_2, Walker

BENS_PIN = "60281947"


@dataclass
class Story:
    """What later chapters need of earlier ones."""

    ann: str = ""
    ben: str = ""
    card: str = ""


@pytest.fixture(scope="module", params=CARD_KINDS)
def card_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def story() -> Story:
    return Story()


@pytest.fixture(scope="module")
def walkers(browser: Browser, service: Service) -> Iterator[dict[str, Walker]]:
    contexts = {name: browser.new_context(ignore_https_errors=True) for name in ("agent", "ann")}
    for context in contexts.values():
        context.set_default_timeout(20_000)
    yield {name: Walker(context, service) for name, context in contexts.items()}
    for context in contexts.values():
        context.close()


@pytest.fixture
def agent(walkers: dict[str, Walker]) -> Walker:
    return walkers["agent"]


@pytest.fixture
def ann(walkers: dict[str, Walker]) -> Walker:
    return walkers["ann"]


def test_1_a_temporary_card_for_a_shift(agent: Walker, office: Office, story: Story) -> None:
    agent.sign_in_as(office.priya)
    story.ann = office.register()
    agent.put_card(READER_1, office.priya.card_serial)
    story.card = agent.take_blank_card(READER_2)
    agent.open(f"/people/{story.ann}")
    agent.press("Issue a card in another way")
    agent.require_accessible()
    agent.page.get_by_label(re.compile("A temporary access card")).check()
    agent.press("Go on")
    agent.sees("Choose how long the card is needed.")
    agent.require_accessible()
    agent.page.get_by_label("8 hours").check()
    agent.page.get_by_label("The card was left at home").check()
    agent.press("Go on")
    agent.page.get_by_label(re.compile("Your PIN")).fill(office.priya.pin)
    agent.sees("It works for 8 hours")
    agent.require_accessible()
    agent.page.get_by_label("New PIN", exact=True).fill(NEW_PIN)
    agent.page.get_by_label("New PIN again").fill(NEW_PIN)
    agent.press("Issue the card")
    agent.page.locator("#back-to-site.button").wait_for()
    [first, *_] = office.certificates(story.ann)
    certificate = x509.load_der_x509_certificate(first.der)
    lasting = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert lasting.total_seconds() == 8 * 3600


def test_2_she_works_with_it(ann: Walker, story: Story) -> None:
    ann.sign_in(story.card, NEW_PIN)
    ann.open("/my")
    ann.sees("Temporary access card")
    ann.require_accessible()


def test_3_suspended_it_opens_nothing_at_once(agent: Walker, ann: Walker, story: Story) -> None:
    agent.open(f"/people/{story.ann}")
    agent.press("Suspend this card")
    agent.require_accessible()
    agent.page.get_by_label("The holder is away for some time").check()
    agent.press("Suspend this card")
    agent.sees("Nobody can sign in with it until it is resumed.")
    ann.open("/my")
    ann.sees("Sign in with your card")
    ann.go_to_pin_page(story.card)
    ann.enter_pin(NEW_PIN)
    ann.sees("This card is suspended")


def test_4_resumed_it_works_again(agent: Walker, ann: Walker, story: Story) -> None:
    agent.open(f"/people/{story.ann}/cards/{story.card}")
    agent.require_accessible()
    agent.press("Resume this card")
    agent.page.get_by_label("The holder is back").check()
    agent.press("Resume this card")
    agent.sees("It works again.")
    ann.go_to_pin_page(story.card)
    ann.enter_pin(NEW_PIN)
    ann.page.wait_for_url(re.compile(rf"{re.escape(ann.service.web)}(?!/sign-in/card)"))
    ann.open("/my")
    ann.sees(story.card)


def test_5_cancelled_and_cleared_it_is_blank_again(
    agent: Walker, office: Office, story: Story, card_kind: str
) -> None:
    agent.open(f"/people/{story.ann}/cards/{story.card}/cancel")
    agent.page.get_by_label("The holder gets another card").check()
    agent.press("Cancel this card")
    agent.put_card(READER_1, office.priya.card_serial)
    agent.put_card(READER_2, story.card)
    agent.open(f"/people/{story.ann}/cards/{story.card}")
    agent.does_not_see("Suspend this card")
    agent.press("Clear this card for reuse")
    agent.require_accessible()
    agent.press("Clear this card for reuse")
    agent.require_accessible()
    agent.press("Open the card desk")
    agent.sees("Everything on this card is erased")
    agent.require_accessible()
    if card_kind != SOFTHSM:
        # A card in a reader is erased with its SO PIN, which is released on the operator's signature.
        agent.page.get_by_label(re.compile("Your PIN")).fill(office.priya.pin)
    agent.press("Erase the card")
    agent.page.locator("#back-to-site.button").wait_for()
    agent.page.locator("#back-to-site").click()
    agent.sees("The card is blank stock again")
    agent.sees("Erased, with nothing left on it")
    agent.open(f"/people/{story.ann}")
    agent.sees("No card has been issued.")


def test_6_it_goes_to_somebody_else_locked(agent: Walker, ann: Walker, office: Office, story: Story) -> None:
    story.ben = office.register()
    agent.clear_desk()
    agent.put_card(READER_1, office.priya.card_serial)
    agent.put_card(READER_2, story.card)
    agent.open(f"/people/{story.ben}/issue-card/otherwise")
    agent.page.get_by_label(re.compile("Locked, for later")).check()
    agent.press("Go on")
    agent.page.get_by_label(re.compile("Your PIN")).fill(office.priya.pin)
    agent.sees("Nobody gets a PIN yet")
    expect(agent.page.get_by_label("New PIN", exact=True)).to_have_count(0)
    agent.require_accessible()
    agent.press("Issue the card locked")
    agent.page.locator("#back-to-site.button").wait_for()
    agent.page.locator("#back-to-site").click()
    agent.sees("The card is issued, locked.")
    agent.open(f"/people/{story.ben}")
    agent.sees("Locked")
    ann.go_to_pin_page(story.card)
    ann.enter_pin(NEW_PIN)
    ann.sees("You have 2 tries left")


def test_6b_its_holder_gets_the_first_pin_when_it_is_unlocked(
    agent: Walker, ann: Walker, office: Office, story: Story
) -> None:
    agent.clear_desk()
    agent.put_card(READER_1, office.priya.card_serial)
    agent.put_card(READER_2, story.card)
    agent.open(f"/people/{story.ben}/cards/{story.card}/unlock")
    agent.press("Go on to unlock this card")
    agent.press("Open the card desk")
    agent.page.get_by_label(re.compile("Your PIN")).fill(office.priya.pin)
    agent.page.get_by_label("New PIN", exact=True).fill(BENS_PIN)
    agent.page.get_by_label("New PIN again").fill(BENS_PIN)
    agent.press("Unlock the card")
    agent.sees("The card is unlocked")
    ann.go_to_pin_page(story.card)
    ann.enter_pin(BENS_PIN)
    ann.sees("I have read the terms")


def test_7_a_batch_of_cards_with_one_pin(agent: Walker, office: Office) -> None:
    people = [office.register() for _ in range(3)]
    agent.clear_desk()
    agent.put_card(READER_1, office.priya.card_serial)
    agent.open("/batches")
    agent.fill({"title": "Induction", "people": "\n".join([*people, "nobody"])})
    agent.press("Check this list")
    agent.sees("3 people get a card. 1 line of the list is left out")
    agent.sees("There is no user id in this line.")
    agent.require_accessible()
    agent.press("Begin with 3 people")
    agent.sees("0 of 3 cards done")
    agent.require_accessible()
    batch = agent.page.url
    agent.press("Open the card desk")
    agent.page.get_by_label(re.compile("Your PIN")).wait_for()
    agent.require_accessible()
    agent.page.get_by_label(re.compile("Your PIN")).fill(office.priya.pin)
    agent.press("Begin")
    agent.sees("Insert a blank card into the other reader.")
    agent.require_accessible()
    address = agent.page.url.removeprefix(office.layout.agent_origin)
    with office.desk() as desk:
        assert [seen.ended for seen in desk.run_batch(address)] == [1, 2, 3]
    agent.sees("Every card of this batch is done.")
    agent.page.locator("#back-to-site").click()
    agent.page.wait_for_url(batch)
    agent.sees("3 of 3 cards done")
    expect(agent.page.get_by_text("Issued, locked")).to_have_count(3)
    agent.require_accessible()


def test_8_a_batch_goes_on_after_its_desk_was_killed(
    agent: Walker, office: Office, processes: Processes
) -> None:
    batch_id = office.batching.begin(office.actor, "Induction", [office.register() for _ in range(2)], None)
    with office.desk() as desk:
        desk.place("left", office.priya.card_serial)
        if desk.readers()["right"]:
            desk.remove("right")
        desk.take_blank("right")
        address = desk.begin_batch(office.batch_hop(batch_id), office.priya.pin)
        wait_until(lambda: "Making the card" in desk.batch(address).says, "the first card is being made")
    processes.kill("card-agent")
    processes.wait_until_back("card-agent")
    with office.desk() as desk:
        address = desk.begin_batch(office.batch_hop(batch_id), office.priya.pin)
        assert list(desk.run_batch(address))[-1].ended == 2
    agent.open(f"/batches/{batch_id}")
    expect(agent.page.get_by_text("Issued, locked")).to_have_count(2)


def test_9_holders_choose_their_pins_at_the_desk(agent: Walker, office: Office) -> None:
    people = [office.register() for _ in range(2)]
    agent.clear_desk()
    agent.put_card(READER_1, office.priya.card_serial)
    agent.open("/batches")
    agent.fill({"title": "At the desk", "people": "\n".join(people)})
    agent.page.get_by_label("With the holders at the desk").check()
    agent.press("Check this list")
    agent.press("Begin with 2 people")
    batch = agent.page.url
    agent.press("Open the card desk")
    agent.page.get_by_label(re.compile("Your PIN")).fill(office.priya.pin)
    agent.press("Begin")
    agent.sees("Insert a blank card into the other reader.")
    with office.desk() as desk:
        desk.take_blank("right")
        agent.sees("choose your PIN")
        agent.require_accessible()
        agent.fill({"new_pin": "777777", "repeated_pin": "777777"})
        agent.press("Make this card")
        agent.page.locator("#error-summary").wait_for()
        agent.require_accessible()
        agent.fill({"new_pin": "59174028", "repeated_pin": "59174028"})
        agent.press("Make this card")
        agent.sees("1 of 2 cards are done")
        agent.sees("is made: take it out and insert a blank card.")
        desk.remove("right")
        desk.take_blank("right")
    agent.sees("is not here")
    agent.press(re.compile("is not here"))
    agent.sees("Every card of this batch is done.")
    agent.page.locator("#back-to-site").click()
    agent.page.wait_for_url(batch)
    agent.sees("2 of 2 cards done")
    agent.sees("The holder was not at the desk.")
    expect(agent.page.get_by_text("Issued", exact=True)).to_have_count(1)
