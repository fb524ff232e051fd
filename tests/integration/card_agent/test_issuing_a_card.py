"""A card is issued at the real agent with real SoftHSM cards and a site that verifies everything."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from card_agent import card_operations
from card_agent.card_process import CardProcesses
from card_agent.driver import Driver, DriverRefused
from card_agent.ports import Purpose
from card_agent.virtual_cards import VirtualCardOpener
from tests.support.desk_job_site import DeskJobSite, SiteJob

OPERATOR = {"uid": "555021943108", "name": "Grace Operator"}
HOLDER = {"uid": "555036632106", "name": "Amara Holder"}
OPERATOR_PIN = "83501947"
NEW_PIN = "59174028"
STEPS = [
    "collect",
    "record_intention",
    "initialise",
    "generate_keys",
    "request_certificates",
    "certify",
    "write_certificates",
    "read_back",
    "complete",
]


@pytest.fixture
def job(site: DeskJobSite, operator_certificate: bytes) -> SiteJob:
    """An issuance for the holder, begun by the operator."""
    return site.begin(HOLDER, OPERATOR, operator_certificate)


def test_a_card_is_issued_step_by_step_and_signs_in(
    person: Driver, site: DeskJobSite, job: SiteJob, operator_card: str, desk_folder: Path
) -> None:
    serial = person.take_blank("right")
    steps = list(person.issue(site.hop(job), OPERATOR_PIN, NEW_PIN))
    assert [step.name for step in steps] == STEPS
    assert all(step.time for step in steps)
    assert (job.state, job.card_serial) == ("active", serial)
    assert job.provenance["authentication"]["never_extractable"] is True
    person.remove("left")
    location = person.sign_in(f"/card?op={site.origin}&nonce={'n' * 44}", NEW_PIN)
    assert location.startswith(f"{site.origin}/sign-in/card#")
    read = CardProcesses(VirtualCardOpener(desk_folder)).run(serial, card_operations.contents)
    assert job.certificates is not None
    assert read.certificates[Purpose.AUTHENTICATION] == base64.b64decode(job.certificates["authentication"])


def test_the_escrowed_so_pin_opens_the_card(
    person: Driver, site: DeskJobSite, job: SiteJob, desk_folder: Path
) -> None:
    import virtual_card

    serial = person.take_blank("right")
    list(person.issue(site.hop(job), OPERATOR_PIN, NEW_PIN))
    unblocked = CardProcesses(VirtualCardOpener(desk_folder)).run(serial, _unblock_with, (), job.so_pins[-1])
    assert unblocked == virtual_card.PIN_TRIES


def _unblock_with(card: object, so_pin: str) -> int:
    with card._opened() as opened:  # type: ignore[attr-defined]
        opened.unblock(so_pin, "70351862")
        return int(opened.card.tries_left())


def test_a_ticket_works_once(person: Driver, site: DeskJobSite, job: SiteJob) -> None:
    person.take_blank("right")
    hop = site.hop(job)
    list(person.issue(hop, OPERATOR_PIN, NEW_PIN))
    with pytest.raises(DriverRefused, match="used already"):
        list(person.issue(hop, OPERATOR_PIN, NEW_PIN))
    with pytest.raises(DriverRefused, match="issued and active"):
        list(person.issue(site.hop(job), OPERATOR_PIN, NEW_PIN))


def test_a_card_issued_locked_has_a_pin_that_nobody_typed(
    person: Driver, site: DeskJobSite, job: SiteJob, operator_card: str
) -> None:
    job.terms = {"is_locked": True}
    serial = person.take_blank("right")
    steps = list(person.issue(site.hop(job), OPERATOR_PIN, NEW_PIN))
    assert [step.name for step in steps] == STEPS
    assert (job.state, job.card_serial) == ("active", serial)
    person.remove("left")
    with pytest.raises(DriverRefused, match="Wrong PIN"):
        person.sign_in(f"/card?op={site.origin}&nonce={'n' * 44}", NEW_PIN)


def test_how_long_a_temporary_card_works_is_signed(
    person: Driver, site: DeskJobSite, job: SiteJob, operator_card: str
) -> None:
    job.terms = {"temporary_hours": 8}
    person.take_blank("right")
    list(person.issue(site.hop(job), OPERATOR_PIN, NEW_PIN))
    assert job.state == "active"
