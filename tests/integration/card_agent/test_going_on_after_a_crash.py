"""The agent is killed (SIGKILL) at every step, then started again; a new ticket goes on with the job."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from card_agent.driver import Driver, DriverRefused
from card_agent.virtual_cards import VirtualDesk
from tests.integration.card_agent.conftest import HOLDER, OPERATOR, OPERATOR_PIN, AgentProcess
from tests.support.desk_job_site import DeskJobSite, SiteJob

NEW_PIN = "59174028"
OTHER_PIN = "80461735"
CARD_STEPS = [
    "initialise",
    "generate_keys",
    "request_certificates",
    "write_certificates",
    "read_back",
    "complete",
]


@pytest.fixture
def job(site: DeskJobSite, operator_certificate: bytes) -> Iterator[SiteJob]:
    """An issuance; the site's hooks are gone afterwards."""
    yield site.begin(HOLDER, OPERATOR, operator_certificate)
    site.before.clear()
    site.after.clear()


def issue_until_killed(person: Driver, site: DeskJobSite, job: SiteJob) -> None:
    """Begin to issue; the agent dies under it."""
    import httpx

    with pytest.raises(httpx.TransportError):
        list(person.issue(site.hop(job), OPERATOR_PIN, NEW_PIN))
    # The call that the agent died in still takes effect at the site.
    wait_until(lambda: site.calls_begun == site.calls_ended)


def go_on(agent: AgentProcess, site: DeskJobSite, job: SiteJob, pin: str) -> list[str]:
    """Start the agent again and go on with a new ticket; return the steps."""
    with agent.start() as person:
        steps = [step.name for step in person.issue(site.hop(job), OPERATOR_PIN, pin)]
        location = person.sign_in(f"/card?op={site.origin}&nonce={'n' * 44}", pin, job.card_serial)
        assert location.startswith(site.origin)
    return steps


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", ["claim", "personalisation", "certificate-requests", "completion"])
def test_killed_at_a_call_to_the_site_it_goes_on(
    agent: AgentProcess, site: DeskJobSite, job: SiteJob, call: str, moment: str
) -> None:
    with agent.start() as person:
        person.take_blank("right")
        (site.before if moment == "before" else site.after)[call] = agent.kill
        issue_until_killed(person, site, job)
    certified = job.state == "certified"
    spki = job.spki
    if job.state == "active":
        with agent.start() as person, pytest.raises(DriverRefused, match="issued and active"):
            list(person.issue(site.hop(job), OPERATOR_PIN, NEW_PIN))
        return
    # Before certification the holder chooses again; after it the card has its PIN and its keys.
    go_on(agent, site, job, NEW_PIN if certified else OTHER_PIN)
    assert job.state == "active"
    assert not certified or job.spki == spki


@pytest.mark.parametrize("step", CARD_STEPS)
def test_killed_while_the_card_works_it_goes_on(
    agent: AgentProcess, site: DeskJobSite, job: SiteJob, step: str
) -> None:
    with agent.start() as person:
        person.take_blank("right")
        killer = threading.Thread(target=kill_at, args=(person, agent, site, job, step))
        killer.start()
        killer.join()
    if job.state != "active":
        go_on(agent, site, job, NEW_PIN)
    assert job.state == "active"
    assert len(set(job.spki)) == 2


def kill_at(person: Driver, agent: AgentProcess, site: DeskJobSite, job: SiteJob, step: str) -> None:
    """Kill the agent as soon as the step before this one is seen done, so that this one or the next runs."""
    before = CARD_STEPS[CARD_STEPS.index(step) - 1] if step != CARD_STEPS[0] else "record_intention"
    for seen in person.issue(site.hop(job), OPERATOR_PIN, NEW_PIN):
        if seen.name == before:
            agent.kill()
            return


def test_the_certified_card_asks_for_its_own_pin_and_counts_wrong_ones(
    agent: AgentProcess, site: DeskJobSite, job: SiteJob
) -> None:
    with agent.start() as person:
        person.take_blank("right")
        site.after["certificate-requests"] = agent.kill
        issue_until_killed(person, site, job)
    with agent.start() as person:
        with pytest.raises(DriverRefused, match="2 tries left"):
            list(person.issue(site.hop(job), OPERATOR_PIN, OTHER_PIN))
        steps = list(person.issue(site.hop(job), OPERATOR_PIN, NEW_PIN))
    assert [step.state for step in steps if step.name == "record_intention"] == ["done earlier"]
    assert job.state == "active"


def test_another_card_than_the_jobs_is_refused_by_its_serial(
    agent: AgentProcess, site: DeskJobSite, job: SiteJob, desk: VirtualDesk
) -> None:
    with agent.start() as person:
        first = person.take_blank("right")
        site.after["personalisation"] = agent.kill
        issue_until_killed(person, site, job)
    with agent.start() as person:
        person.remove("right")
        person.take_blank("right")
        with pytest.raises(DriverRefused, match=f"begun with card {first}. Insert that card"):
            list(person.issue(site.hop(job), OPERATOR_PIN, NEW_PIN))
        person.place("right", first)
        list(person.issue(site.hop(job), OPERATOR_PIN, NEW_PIN))
    assert job.state == "active"


def test_a_card_that_lost_its_keys_cannot_get_their_certificates(
    agent: AgentProcess, site: DeskJobSite, job: SiteJob, desk: VirtualDesk
) -> None:
    import shutil

    with agent.start() as person:
        serial = person.take_blank("right")
        site.after["certificate-requests"] = agent.kill
        issue_until_killed(person, site, job)
    folder = agent.config.parent / "desk" / "cards" / serial
    for token in (folder / "tokens").iterdir():
        shutil.rmtree(token)
    with agent.start() as person, pytest.raises(DriverRefused, match=r"holds no keys. Undo this issuance"):
        list(person.issue(site.hop(job), OPERATOR_PIN, NEW_PIN))
    assert job.state == "certified"


def test_a_card_taken_out_stops_the_run_and_the_same_page_goes_on(
    agent: AgentProcess, site: DeskJobSite, job: SiteJob, desk: VirtualDesk
) -> None:
    with agent.start() as person:
        serial = person.take_blank("right")
        site.after["certificate-requests"] = lambda: desk.remove("right")
        with pytest.raises(DriverRefused, match=f"Card {serial} was taken out"):
            list(person.issue(site.hop(job), OPERATOR_PIN, NEW_PIN))
        wait_until(lambda: job.failures != [])
        assert job.failures[0]["step"] == "write_certificates"
        person.insert("right", serial)
        list(person.issue(site.hop(job), OPERATOR_PIN, NEW_PIN))
    assert job.state == "active"


def wait_until(condition: object) -> None:
    """Wait for a condition, at most 20 seconds."""
    deadline = time.monotonic() + 20
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)
