"""A SmartCard-HSM and a PIV card through the whole desk: unlocked, SO PIN exported, renewed, cleared.

One story for each kind of card, told in order, with nothing left out between the card and the CA's token.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

import cryptoki
from app.domain.card import CardStatus
from app.domain.card_job import JobStepOutOfOrder
from app.domain.certificate import CertificateStatus
from app.domain.renewal_job import Signing
from app.ra.changing_so_pins import ChangingSoPins
from app.ra.moving_cards import MoveAsked
from app.ra.releasing_so_pins import ReleasedSoPins, ReleasingSoPins
from card_agent.card_operations import certified_key, spki_of
from card_agent.driver import Driver, DriverRefused
from card_agent.ports import KeySet, Purpose
from tests.integration.card_agent.conftest import AgentProcess
from tests.support.certificates import ca_template, copied_ca_settings
from tests.support.killing import wait_until
from tests.support.pcsc_desk import pcsc_desk
from tests.support.registration_authority import another
from tests.support.whole_desk import FOUNDERS_PIN, Holder, WholeDesk, whole_desk
from virtual_card.pcsc import Faults, PcscDesk

__all__ = ["ca_template", "pcsc_desk"]

PIN, NEW_PIN, SECOND_PIN, MANAGER_PIN = "59174028", "60281947", "70351862", FOUNDERS_PIN
# Commands to the card while it is cleared at which it is pulled.
PULLED_AT = (4, 15)
REASON = "The maker's tool must read why it answers no more"


@dataclass
class Story:
    """The desk, two RA managers, and Amara the clerk, who all work at one place."""

    desk: WholeDesk
    profile: cryptoki.CardProfile
    manager: Holder
    second: Holder
    amara: Holder

    @property
    def serial(self) -> str:
        return self.amara.serial

    def status(self) -> CardStatus:
        with self.desk.office.ra.database.read() as work:
            card = work.cards.get(self.serial)
        assert card is not None
        return card.status

    def certificates(self, status: CertificateStatus) -> set[str]:
        with self.desk.office.ra.database.read() as work:
            of_card = work.certificates.of_card(self.serial)
        return {each.serial_number for each in of_card if each.status is status}

    def require_old_keys_gone(self) -> None:
        """No certificate that was withdrawn has its key on the card, and those in force have theirs."""
        with self.desk.office.ra.database.read() as work:
            known = work.certificates.of_card(self.serial)
        keys = {True: set[bytes](), False: set[bytes]()}
        for each in known:
            keys[each.status is CertificateStatus.ACTIVE].add(spki_of(certified_key(each.der)))
        self.desk.put(None, self.amara)
        on_card = self._keys_on_card()
        assert keys[True] <= on_card
        assert not keys[False] & on_card

    def _keys_on_card(self) -> set[bytes]:
        found: set[bytes] = set()
        with cryptoki.inserted_card(self.profile, self.serial) as card, card.login(self.amara.pin) as session:
            for cka_id in (keys.cka_id(purpose) for keys in KeySet for purpose in Purpose):
                if session.has_private_key(cka_id=cka_id):
                    found.add(spki_of(session.private_key(cka_id=cka_id).public_key()))
        return found

    def so_pins_in_escrow(self) -> int:
        with self.desk.office.ra.database.read() as work:
            return len(work.cards.wrapped_so_pins(self.serial))

    def takes(self, so_pin: str) -> bool:
        """Whether the card in the right reader is unblocked with this SO PIN."""
        with cryptoki.inserted_card(self.profile, self.serial) as card:
            try:
                card.unblock(so_pin, self.amara.pin)
            except cryptoki.errors.CryptokiError:
                return False
        return True


@pytest.fixture(scope="module", params=["smartcard-hsm", "piv"])
def story(
    request: pytest.FixtureRequest,
    ca_template: Path,
    tmp_path_factory: pytest.TempPathFactory,
    pcsc_desk: PcscDesk,
) -> Iterator[Story]:
    folder, profile = tmp_path_factory.mktemp(request.param), request.param
    agents: list[AgentProcess] = []

    def start(config: Path) -> Driver:
        agents.append(AgentProcess(config, folder / "agent.log"))
        return agents[-1].start()

    try:
        ca_settings = copied_ca_settings(ca_template, folder)
        with whole_desk(ca_settings, folder, start, pcsc_desk.folder, profile) as desk:
            managers = desk.office.position("Second RA manager", "R5080", "B0272", "B0274")
            clerks = desk.office.position("Clerk", "R8008")
            second, amara = desk.employ(managers, SECOND_PIN), desk.employ(clerks, PIN)
            assert desk.founder is not None
            yield Story(desk, cryptoki.load_card_profiles()[profile], desk.founder, second, amara)
            desk.empty()
    finally:
        for agent in agents:
            if agent.process is not None and agent.process.poll() is None:
                agent.process.terminate()
                agent.close()


def test_1_it_is_unlocked_and_gets_another_so_pin(story: Story) -> None:
    desk, serial = story.desk, story.serial
    desk.put(story.manager, story.amara)
    job_id = desk.office.ra.unlocking.begin(story.manager.actor, serial)
    pins = {"signer_pin": MANAGER_PIN, "new_pin": NEW_PIN, "repeated_pin": NEW_PIN}
    done = desk.work_off(story.manager.actor, job_id, pins)
    assert done == ["release", "keep_next", "set_pin", "change_so_pin", "prove"]
    assert desk.audited("card.unlocked")[-1]["so_pin"] == "changed"
    assert story.so_pins_in_escrow() == 1
    story.amara.pin = NEW_PIN
    desk.require_signs_in(story.amara)


def test_2_two_managers_export_its_so_pin_and_then_it_gets_another(story: Story) -> None:
    desk, first, second = story.desk, story.manager, story.second
    job_id = desk.office.ra.unlocks.exporting.begin(first.actor, story.serial, REASON)
    desk.put(first, second)
    address = desk.person.fill_in(desk.hop(first.actor, job_id), {"signer_pin": MANAGER_PIN})
    assert "The second RA manager signs" in desk.person.read(address)
    assert REASON in desk.person.read(address)
    assert [step.name for step in desk.person.work_off(address, {"signer_pin": SECOND_PIN})] == ["release"]
    shown = desk.person.read(address)
    found = re.search(r"without the spaces\. ((?:[0-9a-f]{4} ?)+)", shown)
    assert found, shown
    so_pin = found[1].replace(" ", "")
    assert "It is not shown again" in desk.person.read(address)
    assert sorted(desk.audited("so_pin.released")[-1]["signers"]) == sorted(  # type: ignore[type-var]
        [first.actor.uid, second.actor.uid]
    )
    desk.put(None, story.amara)
    assert story.takes(so_pin), "what was shown opens the card"
    with pytest.raises(DriverRefused, match="did not take this SO PIN"):
        desk.work_off(first.actor, job_id, {"what": "change", "so_pin": "0" * len(so_pin)})
    done = desk.work_off(first.actor, job_id, {"what": "change", "so_pin": found[1]})
    assert done == ["release", "keep_next", "change", "report"]
    assert not story.takes(so_pin), "what was shown is worth nothing now"
    assert story.so_pins_in_escrow() == 1
    desk.require_signs_in(story.amara)


def test_2b_its_holder_gives_it_another_so_pin_after_one_was_given_away(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, holder, changing = story.desk, story.amara, story.desk.office.ra.unlocks.changing
    with desk.office.ra.database.change() as work:
        work.cards.mark_so_pin_seen(story.serial, work.now)
    desk.put(None, holder)
    job_id = changing.begin_own(holder.actor, story.serial)
    with monkeypatch.context() as patched:
        patched.setattr(ChangingSoPins, "complete", _cut_off)
        with pytest.raises(DriverRefused, match="cut off"):
            desk.work_off(holder.actor, job_id, {"holder_pin": holder.pin})
    assert story.so_pins_in_escrow() == 2, "the card may have either"
    assert changing.due(holder.actor.uid) == [story.serial]
    done = desk.work_off(holder.actor, job_id, {"holder_pin": holder.pin})
    assert done == ["release", "keep_next", "change", "report"]
    assert desk.audited("so_pin.changed")[-1]["so_pin"] == "changed"
    assert story.so_pins_in_escrow() == 1
    assert changing.due(holder.actor.uid) == []
    desk.require_signs_in(holder)


def _cut_off(*_: object) -> NoReturn:
    raise JobStepOutOfOrder("It was cut off here.")


def test_3_it_is_renewed_by_an_operator(story: Story) -> None:
    desk, before = story.desk, story.certificates(CertificateStatus.ACTIVE)
    desk.let_end(story.serial, days=30)
    assert story.status() is CardStatus.EXPIRING
    desk.put(story.manager, story.amara)
    job_id = desk.office.ra.renewing.begin(story.manager.actor, story.serial, Signing.OPERATOR)
    pins = {"holder_pin": story.amara.pin, "signer_pin": MANAGER_PIN}
    assert desk.work_off(story.manager.actor, job_id, pins)[-1] == "remove_old"
    assert story.status() is CardStatus.ACTIVE
    assert not story.certificates(CertificateStatus.ACTIVE) & before
    story.require_old_keys_gone()
    desk.require_signs_in(story.amara)


def test_4_it_is_renewed_by_its_holder_alone(story: Story) -> None:
    desk, holder = story.desk, story.amara
    desk.let_end(story.serial, days=30)
    desk.put(None, holder)
    job_id = desk.office.ra.renewing.begin_own(holder.actor, story.serial)
    assert desk.work_off(holder.actor, job_id, {"holder_pin": holder.pin})[-1] == "remove_old"
    assert story.status() is CardStatus.ACTIVE
    story.require_old_keys_gone()
    desk.require_signs_in(holder)


def test_5_expired_it_is_renewed_when_two_colleagues_vouch(story: Story) -> None:
    desk, first, second = story.desk, story.manager, story.second
    before = story.certificates(CertificateStatus.ACTIVE)
    desk.let_end(story.serial, days=-1)
    assert story.status() is CardStatus.EXPIRED
    desk.put(first, story.amara)
    job_id = desk.office.ra.renewing.begin(first.actor, story.serial, Signing.COLLEAGUES)
    pins = {"holder_pin": story.amara.pin}
    address = desk.person.fill_in(desk.hop(first.actor, job_id), {**pins, "signer_pin": MANAGER_PIN})
    assert "second colleague" in desk.person.read(address)
    desk.person.remove("left")
    desk.person.insert("left", second.serial)
    done = [step.name for step in desk.person.work_off(address, {**pins, "signer_pin": SECOND_PIN})]
    assert done[-1] == "remove_old"
    assert story.status() is CardStatus.ACTIVE
    assert not story.certificates(CertificateStatus.ACTIVE) & before
    story.require_old_keys_gone()
    desk.require_signs_in(story.amara)


def test_6_it_is_cleared_and_goes_to_somebody_else(
    story: Story, pcsc_desk: PcscDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, serial = story.desk, story.serial
    desk.office.ra.card_moves.give(story.manager.actor, serial, "cancel", MoveAsked("left"))
    job_id = desk.office.ra.clearing.begin(story.manager.actor, serial)
    desk.put(story.manager, story.amara)
    with pytest.raises(DriverRefused, match="Wrong PIN"):
        desk.work_off(story.manager.actor, job_id, {"signer_pin": "00000000"})
    for apdu in PULLED_AT:
        with monkeypatch.context() as patched:
            _pull_once_released(patched, pcsc_desk, serial, apdu)
            with pytest.raises(DriverRefused, match="taken out"):
                desk.work_off(story.manager.actor, job_id, {"signer_pin": MANAGER_PIN})
        wait_until(lambda: pcsc_desk.reader("right").card is None, "the reader is empty")
        assert story.status() is CardStatus.CANCELLED, "half cleared is not cleared"
        desk.put(story.manager, story.amara)
    done = desk.work_off(story.manager.actor, job_id, {"signer_pin": MANAGER_PIN})
    assert done == ["release", "erase", "report"]
    assert story.status() is CardStatus.RECYCLED
    cleared = desk.audited("card.cleared")[-1]
    assert (cleared["objects"], cleared["module"]) == ([], story.profile.name)
    with cryptoki.inserted_card(story.profile, serial) as card:
        assert card.certificates() == []
    with pytest.raises(DriverRefused):
        desk.require_signs_in(story.amara)
    uid = desk.office.person(another(next(desk.numbers))).uid
    assert desk.issue(uid, PIN, serial) == serial
    story.amara.pin = PIN
    desk.require_signs_in(story.amara)


def _pull_once_released(patched: pytest.MonkeyPatch, desk: PcscDesk, serial: str, apdu: int) -> None:
    """Have the card pulled at that command after its SO PIN came to the desk: while it is erased."""
    release = ReleasingSoPins.release

    def then_pulled(*call: Any) -> ReleasedSoPins:
        released = release(*call)
        desk.order_faults(serial, Faults(pulled_at=apdu))
        return released

    patched.setattr(ReleasingSoPins, "release", then_pulled)
