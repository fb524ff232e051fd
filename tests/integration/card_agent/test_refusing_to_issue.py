"""What stops an issuance before the card is touched, and what the person is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from card_agent.driver import Driver, DriverRefused
from card_agent.virtual_cards import VirtualDesk
from tests.integration.card_agent.conftest import HOLDER, OPERATOR, OPERATOR_PIN, make_card
from tests.support.desk_job_site import DeskJobSite, SiteJob

NEW_PIN = "59174028"


@pytest.fixture
def job(site: DeskJobSite, operator_certificate: bytes) -> SiteJob:
    """An issuance for the holder, begun by the operator."""
    return site.begin(HOLDER, OPERATOR, operator_certificate)


def issue(
    person: Driver, site: DeskJobSite, job: SiteJob, operator_pin: str = OPERATOR_PIN, pin: str = NEW_PIN
) -> None:
    """Issue and drop the steps."""
    list(person.issue(site.hop(job), operator_pin, pin))


def test_without_a_second_card_it_asks_for_a_blank_one(
    person: Driver, site: DeskJobSite, job: SiteJob
) -> None:
    with pytest.raises(DriverRefused, match="Insert a blank card into the other reader"):
        issue(person, site, job)


def test_without_the_operators_card_it_asks_for_it(person: Driver, site: DeskJobSite, job: SiteJob) -> None:
    person.remove("left")
    person.take_blank("left")
    with pytest.raises(DriverRefused, match="Insert the card of Grace Operator"):
        issue(person, site, job)


def test_somebody_elses_card_is_not_issued_again(
    person: Driver, site: DeskJobSite, job: SiteJob, desk: VirtualDesk, desk_folder: Path
) -> None:
    make_card(desk, desk_folder, site, "right", {"uid": "555000000001", "name": "Else Somebody"}, NEW_PIN)
    with pytest.raises(DriverRefused, match="not blank: it holds certificates of Else Somebody"):
        issue(person, site, job)
    assert job.state == "begun"


def test_another_operators_card_does_not_approve(
    person: Driver, site: DeskJobSite, operator_certificate: bytes
) -> None:
    job = site.begin(HOLDER, {"uid": "555000000001", "name": "Else Somebody"}, operator_certificate)
    person.take_blank("right")
    with pytest.raises(DriverRefused, match="Insert the card of Else Somebody"):
        issue(person, site, job)


def test_nobody_issues_a_card_to_themselves(
    person: Driver, site: DeskJobSite, operator_certificate: bytes
) -> None:
    job = site.begin(OPERATOR, OPERATOR, operator_certificate)
    person.take_blank("right")
    with pytest.raises(DriverRefused, match="Nobody can issue a card to themselves"):
        issue(person, site, job)


def test_a_wrong_operator_pin_leaves_everything_as_it_was(
    person: Driver, site: DeskJobSite, job: SiteJob
) -> None:
    person.take_blank("right")
    with pytest.raises(DriverRefused, match=r"^Wrong PIN. You have 2 tries left.$"):
        issue(person, site, job, operator_pin="26849370")
    assert job.state == "begun"
    issue(person, site, job)
    assert job.state == "active"


def test_a_pin_that_is_missing_is_asked_for_by_its_name(
    person: Driver, site: DeskJobSite, job: SiteJob
) -> None:
    """The form asks for several."""
    person.take_blank("right")
    with pytest.raises(DriverRefused, match=r"^Enter the PIN of Grace Operator\.$"):
        issue(person, site, job, operator_pin="")


@pytest.mark.parametrize("pin", ["111111", "123456", "12345", "123456789", "190384", "555036", "12a456", ""])
def test_a_guessable_new_pin_is_refused_before_any_card_is_asked(
    person: Driver, site: DeskJobSite, job: SiteJob, pin: str
) -> None:
    person.take_blank("right")
    with pytest.raises(DriverRefused, match="new PIN"):
        issue(person, site, job, operator_pin="26849370", pin=pin)
    with pytest.raises(DriverRefused, match="2 tries left"):
        issue(person, site, job, operator_pin="26849370")


def test_the_founding_ceremony_needs_no_operator(person: Driver, site: DeskJobSite) -> None:
    job = site.begin(HOLDER, None, None)
    person.take_blank("left")
    issue(person, site, job, operator_pin="")
    assert job.state == "active"


def test_a_site_that_sends_another_escrow_key_gets_no_so_pin(
    person: Driver, site: DeskJobSite, job: SiteJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has taken over the site would read the SO PIN of every card issued from then on."""
    person.take_blank("right")
    with monkeypatch.context() as patched:
        patched.setattr(site.authority, "escrow", rsa.generate_private_key(65537, 2048))
        with pytest.raises(DriverRefused, match="another key for SO PINs than the settings"):
            issue(person, site, job)
    assert job.so_pins == []
    assert job.failures[-1]["reason"].startswith("escrow_key_differs")
    issue(person, site, job)
    assert job.state == "active"


def test_a_site_that_refuses_is_shown_in_its_own_words_and_the_page_goes_on(
    person: Driver, site: DeskJobSite, job: SiteJob
) -> None:
    person.take_blank("right")

    def undone() -> None:
        job.state = "undone"

    site.before["personalisation"] = undone
    with pytest.raises(DriverRefused, match="The issuance is undone"):
        issue(person, site, job)
    with pytest.raises(DriverRefused, match="undone on the site"):
        issue(person, site, job)


@pytest.mark.parametrize("call", ["personalisation", "certificate-requests", "completion"])
def test_a_site_that_restarts_in_the_middle_is_waited_for(
    person: Driver, site: DeskJobSite, job: SiteJob, call: str
) -> None:
    def gone() -> None:
        raise ConnectionResetError

    person.take_blank("right")
    # Once before the call takes effect, or once after it: the answer is lost, and the step is sent again.
    (site.before if call == "completion" else site.after)[call] = gone
    issue(person, site, job)
    assert (job.state, job.failures) == ("active", [])


def test_a_site_that_is_down_is_a_sentence(person: Driver, site: DeskJobSite, job: SiteJob) -> None:
    def gone() -> None:
        raise ConnectionResetError

    person.take_blank("right")
    site.before["claim"] = gone
    with pytest.raises(DriverRefused, match="Test RA does not answer"):
        issue(person, site, job)
