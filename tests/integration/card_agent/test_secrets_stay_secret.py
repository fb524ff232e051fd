"""Every path that takes a PIN, at DEBUG: no PIN, ticket or job token in a log, on disk or in a message."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from card_agent.driver import Driver, DriverRefused
from tests.integration.card_agent.conftest import HOLDER, OPERATOR, OPERATOR_PIN, AgentProcess
from tests.support.desk_job_site import DeskJobSite

NEW_PIN = "59174028"
WRONG_PIN = "26849370"
WEAK_PIN = "12344321"


def refusal_of(issue: Callable[[str, str], None], operator_pin: str, new_pin: str) -> str:
    """What the page says when it refuses; empty when it does not."""
    try:
        issue(operator_pin, new_pin)
    except DriverRefused as refused:
        return str(refused)
    return ""


def test_no_pin_ticket_or_job_token_is_left_anywhere(
    person: Driver, agent: AgentProcess, site: DeskJobSite, operator_certificate: bytes, desk_folder: Path
) -> None:
    job = site.begin(HOLDER, OPERATOR, operator_certificate)
    tickets = []

    def issue(operator_pin: str, new_pin: str) -> None:
        tickets.append(site.ticket(job))
        hop = f"/job?op={site.origin}&ticket={tickets[-1]}"
        list(person.issue(hop, operator_pin, new_pin))

    person.take_blank("right")
    for operator_pin, new_pin in (
        (WRONG_PIN, NEW_PIN),
        (OPERATOR_PIN, WEAK_PIN[:5]),
        (OPERATOR_PIN, NEW_PIN),
    ):
        refused = refusal_of(issue, operator_pin, new_pin)
        assert operator_pin not in refused
        assert new_pin not in refused
    assert job.state == "active"
    nonce = "n" * 44
    hop = f"/card?op={site.origin}&nonce={nonce}"
    location = person.sign_in(hop, NEW_PIN, job.card_serial)
    with pytest.raises(DriverRefused):
        person.sign_in(hop, WRONG_PIN, job.card_serial)
    agent.kill()
    secrets = [NEW_PIN, WRONG_PIN, OPERATOR_PIN, nonce, *tickets, *job.so_pins, *site.job_tokens_of(job)]
    places = [agent.log, *(path for path in desk_folder.rglob("*") if path.is_file())]
    for path in places:
        content = path.read_bytes()
        assert not [secret for secret in secrets if secret.encode() in content], path
    assert agent.log.stat().st_size > 0
    assert NEW_PIN not in location
