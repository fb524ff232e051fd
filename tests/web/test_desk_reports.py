"""What card agents tell that belongs to no job: consents to a last try, and reports of workstations."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.domain.audit_event import AuditEvent
from app.domain.workstation_report import KEPT_FOR, reference_from_untrusted
from tests.support.registration_authority import DeskCard, another, raw_signature
from tests.support.web import ORIGIN, Site

FINDING = {
    "code": "reader_missing",
    "state": "problem",
    "what": "No reader is connected.",
    "why": "A card cannot be read without one.",
    "to_do": "Plug a reader in.",
}
REPORT: dict[str, Any] = {
    "agent_version": "0.1.0",
    "findings": [FINDING],
    "cards": [{"serial": "VC123", "holder_uid": ""}],
}


def send(site: Site, path: str, message: object) -> TestResponse:
    return site.app.test_client().post(f"/desk/{path}", json=message, base_url=ORIGIN)


def events(site: Site, subject: str) -> list[AuditEvent]:
    """What the audit says of it, newest first."""
    return [each.event for each in site.services.auditing.latest(site.office.manager, subject, 10).events]


def report(site: Site, **changes: object) -> TestResponse:
    return send(site, "workstation-reports", {**REPORT, **changes})


def test_ra_staff_find_a_report_by_the_reference_that_is_read_out(site: Site) -> None:
    reference = report(site).get_json()["reference"]
    agent = site.as_role("agent")
    assert reference in agent.get("/workstation-reports").text
    spoken = reference.lower().replace("-", " ")
    found = agent.client.get(f"/workstation-reports?reference={spoken}", base_url=ORIGIN)
    assert found.location == f"/workstation-reports/{reference}"
    shown = agent.get(found.location).text
    for text in (FINDING["what"], FINDING["why"], FINDING["to_do"], "VC123", "0.1.0"):
        assert text in shown
    assert [event.actor_uid for event in events(site, reference)] == ["anonymous"]


def test_an_unknown_reference_says_what_to_do(site: Site) -> None:
    site.as_role("agent").get("/workstation-reports/AAAA-AAAA", expect=404)
    shown = site.as_role("agent").get("/workstation-reports?reference=abc").text
    assert "A reference has 8 letters and digits" in shown


def test_script_in_a_report_is_shown_as_text(site: Site) -> None:
    bad = "<script>alert(1)</script>"
    reference = report(site, findings=[{**FINDING, "what": bad, "to_do": bad}], agent_version=bad).get_json()
    page = site.as_role("agent").client.get(
        f"/workstation-reports/{reference['reference']}", base_url=ORIGIN
    ).get_data(as_text=True)  # fmt: skip
    assert bad not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    "changes",
    [
        {"findings": [FINDING] * 41},
        {"findings": [{**FINDING, "what": "x" * 501}]},
        {"findings": [{**FINDING, "what": "two\nlines"}]},
        {"findings": [{**FINDING, "what": 7}]},
        {"findings": [{**FINDING, "state": "terrible"}]},
        {"findings": [{**FINDING, "code": "Not A Code"}]},
        {"findings": [{**FINDING, "pin": "123456"}]},
        {"findings": ["text"]},
        {"findings": {}},
        {"cards": [{"serial": "../x", "holder_uid": ""}]},
        {"cards": [{"serial": "VC1", "holder_uid": "Grace"}]},
        {"cards": [{"serial": "VC1", "holder_uid": "", "name": "Grace"}]},
        {"agent_version": ""},
        {"agent_version": "x" * 41},
        {"more": 1},
    ],
)
def test_a_report_of_any_other_form_is_refused_and_not_kept(site: Site, changes: dict[str, object]) -> None:
    assert report(site, **changes).status_code == 422
    with site.office.ra.database.read() as work:
        assert work.workstation_reports.newest(10) == []


def test_a_report_that_is_too_large_or_no_json_is_refused(site: Site) -> None:
    client = site.app.test_client()
    for body, kind in (
        (b"x" * 300_000, "application/json"),
        (b"{", "application/json"),
        (b"{}", "text/html"),
    ):
        answer = client.post("/desk/workstation-reports", data=body, content_type=kind, base_url=ORIGIN)
        assert answer.status_code in (413, 422)


def test_a_flood_of_reports_is_refused(site: Site) -> None:
    states = [report(site).status_code for _ in range(22)]
    assert states[:20] == [200] * 20
    assert states[20:] == [429, 429]


def test_old_reports_and_the_oldest_of_too_many_are_dropped(site: Site) -> None:
    references = [report(site).get_json()["reference"] for _ in range(4)]
    with site.office.ra.database.change() as work:
        work.workstation_reports.drop(work.now - KEPT_FOR, 2)
        assert [each.reference for each in work.workstation_reports.newest(10)] == references[:1:-1]
        work.workstation_reports.drop(work.now + timedelta(seconds=1), 2)
        assert work.workstation_reports.newest(10) == []


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("k7qf-3m2p", "K7QF-3M2P"),
        (" K7QF 3M2P ", "K7QF-3M2P"),
        ("K7QF3M2", None),
        ("K7QF-3M20", None),
        ("", None),
    ],
)
def test_a_reference_is_read_as_people_type_it(typed: str, read: str | None) -> None:
    assert reference_from_untrusted(typed) == read


# Consents to a last try.


def consent(site: Site, card: DeskCard, holder: str, second: str, **changes: str) -> bytes:
    facts = {
        "type": "spine-ra/last-try-consent/1",
        "card_serial": card.serial,
        "secret": "pin",
        "holder": holder,
        "second": second,
        "origin": ORIGIN,
        "signed_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **changes,
    }
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def agree(site: Site, statement: bytes, signer: DeskCard | None = None) -> TestResponse:
    message = {"statement": b64encode(statement).decode()}
    if signer is not None:
        signature = raw_signature(signer.content_commitment, statement)
        message["signature"] = b64encode(signature).decode()
        message["certificate"] = b64encode(signer.certificates["content_commitment"]).decode()
    return send(site, "last-try-consents", message)


@pytest.fixture
def holder(site: Site) -> str:
    return site.office.person(another(60)).uid


@pytest.fixture
def card(site: Site, holder: str) -> DeskCard:
    return site.office.card_for(holder)


def test_a_consent_signed_by_another_persons_card_is_kept(site: Site, card: DeskCard, holder: str) -> None:
    office = site.office
    said = consent(site, card, holder, office.manager.uid)
    assert agree(site, said, office.manager_card).status_code == 204
    assert agree(site, consent(site, card, holder, office.sponsor.uid)).status_code == 204
    kept = [each for each in events(site, holder) if each.event == "card.last_try_agreed"]
    assert [(each.details["second"], each.details["signed"]) for each in kept] == [
        (office.sponsor.uid, False),
        (office.manager.uid, True),
    ]
    assert {each.details["card"] for each in kept} == {card.serial}


def test_what_proves_no_consent_is_refused(site: Site, card: DeskCard, holder: str) -> None:
    office = site.office
    manager, sponsor = office.manager.uid, office.sponsor.uid
    old = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    refused = [
        # The holder's own; of nobody here; for another site or card; kept for later; not what was signed.
        (consent(site, card, holder, holder), card),
        (consent(site, card, holder, "555021943108"), None),
        (consent(site, card, holder, manager, origin="https://elsewhere"), office.manager_card),
        (consent(site, card, manager, sponsor), office.sponsor_card),
        (consent(site, card, holder, manager, card_serial="VC0"), office.manager_card),
        (consent(site, card, holder, manager, signed_at=old), office.manager_card),
        (consent(site, card, holder, manager, secret="everything"), office.manager_card),
        (consent(site, card, holder, manager, type="spine-ra/card-issuance/1"), office.manager_card),
        # Signed by another than it names.
        (consent(site, card, holder, sponsor), office.manager_card),
        (consent(site, card, holder, manager) + b" ", office.manager_card),
    ]
    for statement, signer in refused:
        assert agree(site, statement, signer).status_code in (403, 409, 422), statement
    assert ("card.last_try_agreed", "allowed", "") not in office.ra.audited()


def test_a_signature_over_another_consent_is_refused(site: Site, card: DeskCard, holder: str) -> None:
    office = site.office
    said = consent(site, card, holder, office.manager.uid)
    other = consent(site, card, holder, office.manager.uid, signed_at="2020-01-01T00:00:00Z")
    message = {
        "statement": b64encode(said).decode(),
        "signature": b64encode(raw_signature(office.manager_card.content_commitment, other)).decode(),
        "certificate": b64encode(office.manager_card.certificates["content_commitment"]).decode(),
    }
    assert send(site, "last-try-consents", message).status_code in (403, 409)


def test_a_flood_of_consents_is_refused(site: Site, card: DeskCard, holder: str) -> None:
    said = consent(site, card, holder, site.office.manager.uid)
    states = [agree(site, said).status_code for _ in range(31)]
    assert states[0] == 204
    assert states[-1] == 429
