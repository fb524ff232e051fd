"""The whole agent on cards in PC/SC readers: pulled in the middle, unlocked for nobody else, moved about."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import pcsc
from card_agent import card_operations
from card_agent.card_views import CardViews
from card_agent.desks import desk_of
from card_agent.driver import Driver, DriverRefused
from card_agent.errors import CardRemoved, SoLastTry
from card_agent.pcsc_cards import PcscCard
from card_agent.pin import Pin
from card_agent.ports import Purpose
from card_agent.reader_movements import movements
from card_agent.settings import AgentSettings
from cryptoki import Module, inserted_card, load_card_profiles
from cryptoki.errors import PinIncorrect
from tests.integration.card_agent.conftest import HOLDER, AgentProcess, write_config
from tests.support.desk_job_site import DeskJobSite, SiteJob
from tests.support.making_cards import prepare
from tests.support.pcsc_desk import OPENSC
from tests.support.running_service import wait_until
from virtual_card.pcsc import Faults, PcscDesk, PcscService, pcsc_reader_name

PIN = "59174028"
SIGN_WITH_KEY_1 = bytes.fromhex("8068017020") + bytes(32) + b"\x00"
DONE, NEEDS_PIN = b"\x90\x00", b"\x69\x82"


@pytest.fixture
def desk(pcsc_desk: PcscDesk) -> PcscDesk:
    """Both readers empty."""
    for position in ("left", "right"):
        if pcsc_desk.reader(position).card:
            pcsc_desk.remove(position)
    return pcsc_desk


@pytest.fixture
def agent(tmp_path: Path, site: DeskJobSite, desk: PcscDesk) -> Iterator[AgentProcess]:
    config = write_config(tmp_path, site)
    text = config.read_text().replace("folder = 'desk'", f"folder = '{desk.folder}'")
    config.write_text(text.replace("[desk]", "[cards]\nprofiles = ['smartcard-hsm', 'piv']\n[desk]"))
    agent = AgentProcess(config, tmp_path / "agent.log")
    site.card_profile = "smartcard-hsm"
    yield agent
    site.card_profile = "softhsm"
    if agent.process is not None and agent.process.poll() is None:
        agent.process.terminate()
        agent.close()


@pytest.fixture
def job(site: DeskJobSite) -> SiteJob:
    """A job of the founding ceremony, which asks for no operator's card."""
    return site.begin(HOLDER, None, None)


# Counted from a call to the site: while it is initialised, or gets its certificates.
@pytest.mark.parametrize(("call", "apdu"), [("personalisation", 15), ("certificate-requests", 25)])
def test_a_card_pulled_in_the_middle_is_said_so_and_gone_on_with(
    person: Driver, site: DeskJobSite, job: SiteJob, desk: PcscDesk, call: str, apdu: int
) -> None:
    serial = person.take_blank("right")
    site.after[call] = lambda: desk.order_faults(serial, Faults(pulled_at=apdu))
    with pytest.raises(DriverRefused, match=f"Card {serial} was taken out of the reader. Insert it again"):
        list(person.issue(site.hop(job), "", PIN))
    wait_until(lambda: desk.reader("right").card is None, "the reader is empty")
    assert person.readers()["right"] == ""
    person.insert("right", serial)
    list(person.issue(site.hop(job), "", PIN))
    assert job.state == "active"
    assert person.sign_in(f"/card?op={site.origin}&nonce={'n' * 44}", PIN).startswith(site.origin)


def test_after_the_agent_was_killed_the_card_is_begun_anew_with_its_pin(
    agent: AgentProcess, site: DeskJobSite, job: SiteJob
) -> None:
    with agent.start() as person:
        person.take_blank("right")
        site.before["certificate-requests"] = agent.kill
        with pytest.raises(httpx.TransportError):
            list(person.issue(site.hop(job), "", PIN))
        wait_until(lambda: site.calls_begun == site.calls_ended, "the site is done with the call")
    assert job.state == "certified"
    job.state, job.certificates = "personalising", None  # as if the site had never got it
    with agent.start() as person:
        with pytest.raises(DriverRefused, match=r"has another PIN. Go on with the PIN that was chosen then"):
            list(person.issue(site.hop(job), "", "80461735"))
        list(person.issue(site.hop(job), "", PIN))
        assert job.state == "active"
        person.sign_in(f"/card?op={site.origin}&nonce={'n' * 44}", PIN)


def raw_signature() -> bytes:
    """What the card in the right reader answers to a program that asks for a signature and gives no PIN."""
    with pcsc.Context() as context, context.connect(pcsc_reader_name("right")) as card:
        return card.transmit(SIGN_WITH_KEY_1)


def test_after_a_signature_no_other_program_can_sign(
    person: Driver, site: DeskJobSite, job: SiteJob, desk: PcscDesk
) -> None:
    serial = person.take_blank("right")
    list(person.issue(site.hop(job), "", PIN))
    # While anybody is logged in as other programs log in, everybody can sign:
    with Module.load(OPENSC) as module, module.find_token(serial=serial).login(PIN):
        assert raw_signature()[-2:] == DONE
    person.sign_in(f"/card?op={site.origin}&nonce={'n' * 44}", PIN)
    assert raw_signature() == NEEDS_PIN


def test_while_the_site_answers_no_other_program_can_sign(
    person: Driver, site: DeskJobSite, job: SiteJob, desk: PcscDesk
) -> None:
    person.take_blank("right")
    answers = {}
    calls = ["certificate-requests", "completion"]
    for call in calls:
        site.before[call] = lambda call=call: answers.update({call: raw_signature()})
    try:
        list(person.issue(site.hop(job), "", PIN))
    finally:
        site.before.clear()
    assert answers == dict.fromkeys(calls, NEEDS_PIN)


def test_cards_are_found_by_serial_however_the_slots_change(desk: PcscDesk) -> None:
    agent_desk, processes = desk_of(AgentSettings(0, desk.folder, (), ("smartcard-hsm",)))
    right = agent_desk.take_blank("right")
    prepare(processes, right, "0123456789abcdef", PIN, HOLDER["uid"])
    left = agent_desk.take_blank("left")
    for move in (lambda: None, lambda: agent_desk.remove("left"), lambda: agent_desk.insert("left", left)):
        move()
        assert processes.run(right, card_operations.sign, [Pin(PIN)], Purpose.AUTHENTICATION, b"said")


def test_a_card_opened_ahead_is_unlocked_for_nobody_and_may_be_moved_meanwhile(desk: PcscDesk) -> None:
    agent_desk, processes = desk_of(AgentSettings(0, desk.folder, (), ("smartcard-hsm",)))
    serial = agent_desk.take_blank("right")
    prepare(processes, serial, "0123456789abcdef", PIN, HOLDER["uid"])
    processes.end()
    for said in ("right", "left"):
        card = PcscCard(serial, ["smartcard-hsm"], pcsc_reader_name(said))
        card.open_ahead()
        assert raw_signature() == NEEDS_PIN
        with card.log_in(Pin(PIN)):
            pass
        assert raw_signature() == NEEDS_PIN
    with pytest.raises(CardRemoved):
        PcscCard("NOBODYS", ["smartcard-hsm"], pcsc_reader_name("right")).open_ahead()
    card.open_ahead()
    before = movements(pcsc_reader_name("right"))
    for move in (lambda: agent_desk.remove("right"), lambda: agent_desk.insert("right", serial)):
        move()
        wait_until(lambda: movements(pcsc_reader_name("right")) != before, "pcscd has noticed")
    with card.log_in(Pin(PIN)):
        pass
    card.open_ahead()
    card.close_ahead()
    card.close_ahead()


def test_the_last_try_of_the_so_pin_waits_for_consent(desk: PcscDesk) -> None:
    agent_desk, processes = desk_of(AgentSettings(0, desk.folder, (), ("smartcard-hsm",)))
    serial = agent_desk.take_blank("right")
    prepare(processes, serial, "0123456789abcdef", PIN, HOLDER["uid"])
    with inserted_card(load_card_profiles()["smartcard-hsm"], serial) as card:
        while card.so_tries_left() != 1:
            with pytest.raises(PinIncorrect):
                card.unblock("f" * 16, PIN)
    pins = [Pin("71935820"), Pin("0123456789abcdef")]
    assert not processes.so_last_tries.is_awaited(serial)
    with pytest.raises(SoLastTry, match="somebody else must agree") as refused:
        processes.run(serial, card_operations.unblock, pins)
    assert "SO PIN" not in str(refused.value), "a holder may read it"
    (view,) = CardViews(agent_desk, processes).cards_in_readers()
    assert view.awaits_so_consent
    assert view.would_unlock
    with pytest.raises(SoLastTry, match="SO PIN"):
        processes.run(serial, card_operations.clear, pins)
    assert not processes.so_last_tries.would_unlock(serial)
    processes.so_last_tries.agree(serial)
    assert processes.so_last_tries.take_consent(serial)
    assert not processes.so_last_tries.take_consent(serial)
    processes.run(serial, card_operations.unblock_at_last_try, pins)
    processes.run(serial, card_operations.check_pin, [Pin("71935820")])


def test_readers_that_vanish_are_said_so_and_found_again(tmp_path: Path, site: DeskJobSite) -> None:
    # A process of its own, because the PC/SC library keeps to the first socket that it was told of.
    folder = Path(tempfile.mkdtemp(prefix="desk-"))
    config = write_config(tmp_path, site)
    text = config.read_text().replace("folder = 'desk'", f"folder = '{folder}'")
    config.write_text(text.replace("[desk]", "[cards]\nprofiles = ['smartcard-hsm']\n[desk]"))
    agent = AgentProcess(config, tmp_path / "agent.log")
    try:
        with PcscService(folder), agent.start() as person:
            serial = person.take_blank("left")
        answer = httpx.get(agent.origin, trust_env=False)
        assert answer.status_code == 502
        assert "smartcard service of this computer (pcscd) does not answer" in answer.text
        with PcscService(folder), Driver(agent.origin) as person:
            assert person.readers() == {"left": serial, "right": ""}
    finally:
        assert agent.process is not None
        agent.process.terminate()
        agent.close()
        shutil.rmtree(folder)
