"""The short walk on cards in PC/SC readers: ./run --pcsc, a browser, and SmartCard-HSM cards by OpenSC.

The long walk of the same steps, on SoftHSM cards, is test_the_walk.py. One story, told in order. Between its
chapters cards are pulled out of the reader in the middle of what is done with them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from app.bootstrap.cards import renewal_rules
from app.domain.renewal_job import Signing
from app.ra.renewing import Renewing
from app.ra.unlocking import Unlocking
from bench.whole_service import open_desk
from card_agent.driver import DriverRefused
from tests.support.afterwards import require_audit_verifies, require_unlocks
from tests.support.card_jobs import JobAtDesk
from tests.support.killing import wait_until
from tests.support.office import NEW_PIN, Office
from tests.support.running_service import (
    Service,
    offset_of_this_process,
    processes_of_run,
    running_service,
    stop,
)
from tests.support.walking import READER_1, READER_2, Walker
from tests.support.years import Years
from virtual_card.pcsc import Faults, PcscDesk

HER_PIN = "59174028"
OTHER_PIN = "60281947"
# Commands to the card (APDUs), counted from when the desk has the PINs, at which it is pulled.
WHILE_ISSUED = {"erased": 3, "keys are made": 60, "certificates are written": 120, "read back": 180}
WHILE_RENEWED = {"keys are made": 100, "certificates are written": 250, "used": 340, "old keys removed": 420}
WHILE_UNLOCKED = {"the PIN is set": 30, "the SO PIN is changed": 60, "it proves itself": 125}
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


@dataclass(frozen=True)
class Pulling:
    """The operator's desk, where a card is pulled while it is worked on, put back and gone on with."""

    office: Office
    readers: PcscDesk

    def pulled(self, serial: str, apdu: int, run: Callable[[], str]) -> None:
        """Do it until the card is pulled at that command, which people are told; and put the card back."""
        self.readers.order_faults(serial, Faults(pulled_at=apdu))
        seen = run()
        assert f"Card {serial} was taken out of the reader" in seen or f"Insert card {serial}" in seen, seen
        wait_until(lambda: self.readers.reader("right").card is None, "the reader is empty")
        self.office.put_back(serial)

    def pulled_and_gone_on_with(self, job: JobAtDesk, apdu: int) -> None:
        hop = job.hop()
        self.pulled(job.card, apdu, lambda: self.office.work_off(hop, job.fields))
        job.go_on()


@pytest.fixture(scope="module")
def pulling(office: Office) -> Pulling:
    return Pulling(office, PcscDesk(office.layout.desk))


@pytest.fixture(scope="module")
def pulled_card(office: Office) -> tuple[str, str]:
    """Somebody, and the card that is pulled again and again: user id and serial."""
    uid = office.register()
    return uid, office.issue_whole(uid)


@pytest.mark.parametrize("apdu", WHILE_ISSUED.values(), ids=WHILE_ISSUED)
def test_4b_pulled_while_it_is_issued(apdu: int, pulling: Pulling, office: Office) -> None:
    uid, card = office.register(), office.lay_out_cards()
    issuance = office.issuing.begin(office.actor, uid)
    hop = office.hop(issuance)
    pulling.pulled(card, apdu, lambda: office.issue(hop))
    office.go_on(issuance)
    office.require_live(uid, card)
    require_unlocks(office, card, OTHER_PIN)
    assert card in office.sign_in(card, OTHER_PIN)


@pytest.mark.parametrize("apdu", WHILE_RENEWED.values(), ids=WHILE_RENEWED)
def test_4c_pulled_while_it_is_renewed(
    apdu: int, pulling: Pulling, office: Office, service: Service, pulled_card: tuple[str, str]
) -> None:
    uid, card = pulled_card
    before = {each.serial_number for each in office.certificates(uid)}
    years = Years(service)
    years.let_end(card, days=30)
    years.close()
    office.put_back(card)
    job_id = Renewing(office.database, renewal_rules()).begin(office.actor, card, Signing.OPERATOR)
    pins = {"holder_pin": NEW_PIN, "signer_pin": office.priya.pin}
    pulling.pulled_and_gone_on_with(JobAtDesk(office, office.actor, card, job_id, pins), apdu)
    office.require_live(uid, card)
    assert len({each.serial_number for each in office.certificates(uid)} - before) == 2
    assert card in office.sign_in(card)


@pytest.mark.parametrize("apdu", WHILE_UNLOCKED.values(), ids=WHILE_UNLOCKED)
def test_4d_pulled_while_it_is_unlocked(
    apdu: int, pulling: Pulling, office: Office, pulled_card: tuple[str, str]
) -> None:
    uid, card = pulled_card
    certificates = {each.serial_number: each.status for each in office.certificates(uid)}
    office.put_back(card)
    job_id = Unlocking(office.database).begin(office.actor, card)
    pins = {"signer_pin": office.priya.pin, "new_pin": OTHER_PIN, "repeated_pin": OTHER_PIN}
    pulling.pulled_and_gone_on_with(JobAtDesk(office, office.actor, card, job_id, pins), apdu)
    assert {each.serial_number: each.status for each in office.certificates(uid)} == certificates
    with pytest.raises(DriverRefused, match="Wrong PIN"):
        office.sign_in(card, NEW_PIN)
    assert card in office.sign_in(card, OTHER_PIN)
    require_unlocks(office, card, NEW_PIN)


def test_4e_afterwards_the_audit_verifies(office: Office) -> None:
    assert office.issuing.open_issuances(office.actor) == []
    require_audit_verifies(office)


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
