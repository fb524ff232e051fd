"""The desk API: a whole card through JSON, and everything that is not a well-formed call by its own desk."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.registration_authority import Desk, DeskCard, another, csr, raw_signature
from tests.support.web import ORIGIN, Site


class AgentClient:
    """Speaks to the desk API as a card agent does."""

    def __init__(self, client: FlaskClient, job_token: str = "") -> None:
        self.client = client
        self.job_token = job_token

    def call(self, method: str, path: str, message: object = None) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.job_token}"} if self.job_token else {}
        return self.client.open(
            f"/desk/jobs/{path}", method=method, json=message, headers=headers, base_url=ORIGIN
        )

    def claim(self, ticket: str) -> dict[str, Any]:
        answer = self.call("POST", "claim", {"ticket": ticket})
        assert answer.status_code == 200, answer.get_data(as_text=True)
        self.job_token = answer.get_json()["job_token"]
        job: dict[str, Any] = answer.get_json()["job"]
        return job


def base64(data: bytes) -> str:
    return b64encode(data).decode()


@pytest.fixture
def ticket(site: Site) -> str:
    uid = site.office.person(another(20)).uid
    issuing = site.office.ra.issuing
    return issuing.ticket(site.office.manager, issuing.begin(site.office.manager, uid))


@pytest.fixture
def agent(site: Site) -> AgentClient:
    return AgentClient(site.app.test_client())


def desk_of(site: Site, job: dict[str, Any]) -> Desk:
    """The desk that claimed the job over HTTP."""
    return Desk.holding(site.office.ra.desk_jobs, job, "")


def approval(site: Site, desk: Desk, card: DeskCard) -> dict[str, str]:
    """The operator's signature over what is to be issued."""
    statement = desk.statement(card)
    operator = site.office.manager_card
    return {
        "statement": base64(statement),
        "signature": base64(raw_signature(operator.content_commitment, statement)),
        "certificate": base64(operator.certificates["content_commitment"]),
    }


def requests_of(desk: Desk, card: DeskCard) -> dict[str, object]:
    """Both CSRs, with the desk's word for their keys."""
    authentication, content_commitment = csr(card.authentication), csr(card.content_commitment)
    return {
        "authentication": base64(authentication),
        "content_commitment": base64(content_commitment),
        "keys_signature": base64(desk.keys_signature(card, authentication, content_commitment)),
        "provenance": {"authentication": {"CKA_LOCAL": True}},
    }


def test_a_card_is_issued_call_by_call(site: Site, agent: AgentClient, ticket: str) -> None:
    job, card = agent.claim(ticket), site.office.blank()
    path, desk = job["id"], desk_of(site, job)
    assert job["state"] == "begun"
    wrapped = {"card_serial": card.serial, "wrapped_so_pin": base64(b"w" * 384)}
    approved = {**wrapped, "approval": approval(site, desk, card)}
    assert agent.call("PUT", f"{path}/personalisation", approved).status_code == 204
    requests = requests_of(desk, card)
    certified = agent.call("PUT", f"{path}/certificate-requests", requests).get_json()
    assert certified == agent.call("PUT", f"{path}/certificate-requests", requests).get_json()
    for name in ("authentication", "content_commitment"):
        card.certificates[name] = b64decode(certified[name])
    proof = raw_signature(card.authentication, certified["completion_nonce"].encode())
    completion = {"read_back": card.read_back(), "proof": base64(proof)}
    assert agent.call("PUT", f"{path}/completion", completion).status_code == 204
    assert agent.call("GET", path).status_code in {200, 409}
    assert site.office.ra.finding.own(site.office.ra.actor(job["holder"]["uid"])).cards[0].card.is_live


def test_a_failure_is_recorded_and_shown_on_the_page(site: Site, agent: AgentClient, ticket: str) -> None:
    job = agent.claim(ticket)
    sent = agent.call(
        "POST", f"{job['id']}/failure", {"step": "record_intention", "reason": "<b>No card</b> in reader 1"}
    )
    assert sent.status_code == 204
    page = site.as_role("manager").get(f"/issuances/{job['id']}")
    assert "<b>No card</b> in reader 1" in page.text, "shown as text"


def test_a_ticket_works_once(agent: AgentClient, ticket: str) -> None:
    agent.claim(ticket)
    again = agent.call("POST", "claim", {"ticket": ticket})
    assert (again.status_code, again.get_json()["code"]) == (409, "ticket_not_valid")
    assert ticket not in again.get_data(as_text=True)


@pytest.mark.parametrize("job_token", ["", "x", "x" * 43, "x" * 5000])
@pytest.mark.parametrize("part", ["personalisation", "certificate-requests", "completion", "failure"])
def test_a_call_without_the_job_token_is_refused(
    agent: AgentClient, ticket: str, site: Site, job_token: str, part: str
) -> None:
    job, card = agent.claim(ticket), site.office.blank()
    messages: dict[str, object] = {
        "personalisation": {
            "card_serial": "1",
            "wrapped_so_pin": base64(b"w" * 384),
            "approval": approval(site, desk_of(site, job), card),
        },
        "certificate-requests": requests_of(desk_of(site, job), card),
        "completion": {
            "read_back": {"authentication": "0" * 64, "content_commitment": "0" * 64},
            "proof": base64(b"p" * 64),
        },
        "failure": {"step": "x", "reason": "y"},
    }
    agent.job_token = job_token
    refused = agent.call("POST" if part == "failure" else "PUT", f"{job['id']}/{part}", messages[part])
    assert (refused.status_code, refused.get_json()["code"]) == (409, "job_token_not_valid")


@pytest.mark.parametrize(
    "message",
    [
        None,
        [],
        "ticket",
        {},
        {"ticket": 1},
        {"ticket": ""},
        {"ticket": "a", "more": 1},
        {"ticket": "a" * 300},
    ],
)
def test_a_malformed_message_is_refused_with_what_is_wrong(agent: AgentClient, message: object) -> None:
    refused = agent.call("POST", "claim", message)
    assert refused.status_code == 422
    assert refused.get_json().keys() == {"code", "message"}
    assert refused.get_json()["message"]


def test_an_approval_is_sent_whole_or_null_where_the_founding_approves(
    agent: AgentClient, ticket: str, site: Site
) -> None:
    job, card = agent.claim(ticket), site.office.blank()
    whole: dict[str, object] = {**approval(site, desk_of(site, job), card)}
    message = {"card_serial": card.serial, "wrapped_so_pin": base64(b"w" * 384)}
    refusals: list[tuple[object, int, str]] = [
        (None, 409, "issuance_step_out_of_order"),
        ("x", 422, "invalid_input"),
        ({"statement": whole["statement"]}, 422, "invalid_input"),
        ({**whole, "more": 1}, 422, "invalid_input"),
    ]
    for sent, status, code in refusals:
        refused = agent.call("PUT", f"{job['id']}/personalisation", {**message, "approval": sent})
        assert (refused.status_code, refused.get_json()["code"]) == (status, code)
    missing = agent.call("PUT", f"{job['id']}/personalisation", message)
    assert missing.status_code == 422
    assert agent.call("GET", job["id"]).get_json()["job"]["state"] == "begun"


def test_only_json_is_read(agent: AgentClient) -> None:
    sent = agent.client.post("/desk/jobs/claim", data="ticket=abc", base_url=ORIGIN)
    assert sent.status_code == 422
    sent = agent.client.post(
        "/desk/jobs/claim", data=b"\xff{", content_type="application/json", base_url=ORIGIN
    )
    assert sent.status_code == 422


def test_a_huge_body_is_refused_unread(agent: AgentClient) -> None:
    sent = agent.call("POST", "claim", {"ticket": "a" * 70_000})
    assert sent.status_code == 413
    assert sent.get_json()["code"] == "http_413"


def test_refused_claims_of_one_address_are_limited(agent: AgentClient, ticket: str) -> None:
    answers = [agent.call("POST", "claim", {"ticket": "x" * 43}).status_code for _ in range(61)]
    assert answers[:60] == [409] * 60
    assert answers[60] == 429
    assert agent.call("POST", "claim", {"ticket": ticket}).status_code == 429


def test_claims_that_go_well_are_not_limited(agent: AgentClient, site: Site, ticket: str) -> None:
    """A hospital's desks share one address, and may issue more cards a minute than guessers are refused."""
    for _ in range(59):
        assert agent.call("POST", "claim", {"ticket": "x" * 43}).status_code == 409
    issuance_id = agent.claim(ticket)["id"]
    for _ in range(3):
        agent.claim(site.office.ra.issuing.ticket(site.office.manager, issuance_id))


def test_the_api_takes_no_session_for_a_job_token(site: Site, ticket: str) -> None:
    job = AgentClient(site.app.test_client()).claim(ticket)
    browser = site.as_role("manager")
    answer = browser.client.get(f"/desk/jobs/{job['id']}", base_url=ORIGIN)
    assert answer.get_json()["code"] == "job_token_not_valid"
