"""What the site sends is checked before it is believed; which cards may be used for a job."""

from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from card_agent.approval import card_to_issue, operator_card, statement
from card_agent.card_views import CardView
from card_agent.desk_job import certificates_from_untrusted, job_from_untrusted
from card_agent.desk_key import DeskKey
from card_agent.errors import CardMissing, JobUnusable, SiteUnavailable, WrongCard
from card_agent.job_client import ClaimedJob
from card_agent.job_kind import card_with_serial
from card_agent.ports import Purpose
from card_agent.settings import Site
from card_agent.site_connection import SiteConnection

HOLDER, OPERATOR, ELSE = "555036632106", "555021943108", "555000000001"
CERTIFICATES = {Purpose.AUTHENTICATION: b"a", Purpose.CONTENT_COMMITMENT: b"c"}
BLANK = CardView("1001", "Reader 2")
OPERATORS = CardView("1002", "Reader 1", OPERATOR, "Grace Operator", 3, CERTIFICATES)
HOLDERS = CardView("1001", "Reader 2", HOLDER, "Amara Holder", 3, CERTIFICATES)
ELSES = CardView("1003", "Reader 2", ELSE, "Else Somebody", 3, CERTIFICATES)
BROKEN = CardView("1004", "Reader 2", trouble="It cannot be read.")


def message(**changes: Any) -> dict[str, Any]:
    """A job as the site sends it."""
    return {
        "id": "i-1",
        "kind": "issue_card",
        "state": "begun",
        "holder": {"uid": HOLDER, "name": "Amara Hölder"},
        "operator": {"uid": OPERATOR, "name": "Grace Operator"},
        "card_profile": "softhsm",
        "card_serial": None,
        "key_type": "EC-P256",
        "pin_policy": {"minimum": 6, "maximum": 8},
        "so_pin_escrow_key": "PEM",
        "certificates": None,
        **changes,
    }


def test_a_job_is_read() -> None:
    job = job_from_untrusted(message())
    assert (job.id, job.state, job.card_serial, job.certificates) == ("i-1", "begun", "", None)
    assert job.pin_policy.maximum == 8
    assert job.usable_from is None


def test_the_holders_first_day_is_a_day() -> None:
    assert job_from_untrusted(message(usable_from="2026-12-05")).usable_from == date(2026, 12, 5)


def test_the_founding_has_no_operator() -> None:
    assert job_from_untrusted(message(operator=None, state="approved")).operator.uid == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"id": 7},
        {"holder": None},
        {"holder": {"uid": HOLDER}},
        {"pin_policy": {"minimum": "6", "maximum": 8}},
        {"so_pin_escrow_key": None},
        {"certificates": {"authentication": "!"}},
        {"usable_from": "soon"},
    ],
)
def test_a_job_that_cannot_be_read_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(SiteUnavailable):
        job_from_untrusted(message(**changes))


@pytest.mark.parametrize("unreadable", [None, [], "job", {}])
def test_what_is_no_job_is_refused(unreadable: object) -> None:
    with pytest.raises(SiteUnavailable):
        job_from_untrusted(unreadable)
    with pytest.raises(SiteUnavailable):
        certificates_from_untrusted(unreadable)


@pytest.mark.parametrize("changes", [{"kind": "other"}, {"key_type": "RSA-1024"}])
def test_a_job_of_another_kind_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(JobUnusable, match="EC P-256"):
        job_from_untrusted(message(**changes))


def test_the_holder_cannot_be_the_operator() -> None:
    with pytest.raises(JobUnusable, match="Nobody can issue a card to themselves"):
        job_from_untrusted(message(operator={"uid": HOLDER, "name": "Amara Hölder"}))


def test_the_blank_card_is_issued_and_the_operators_signs() -> None:
    job = job_from_untrusted(message())
    assert operator_card([BLANK, OPERATORS], job.operator) is OPERATORS
    assert card_to_issue([OPERATORS, BLANK], job) is BLANK


def test_the_operators_card_is_never_the_card_to_issue() -> None:
    for serial in (None, OPERATORS.serial):
        with pytest.raises(CardMissing):
            card_to_issue([OPERATORS], job_from_untrusted(message(card_serial=serial)))


@pytest.mark.parametrize("card", [ELSES, BROKEN, HOLDERS])
def test_a_card_that_is_not_blank_is_not_issued(card: CardView) -> None:
    with pytest.raises(WrongCard, match="insert a blank card"):
        card_to_issue([OPERATORS, card], job_from_untrusted(message()))


def test_before_certification_even_the_jobs_card_must_be_blank() -> None:
    with pytest.raises(WrongCard, match="Undo the issuance"):
        card_to_issue([HOLDERS], job_from_untrusted(message(state="personalising", card_serial="1001")))


def test_a_certified_card_may_hold_the_holders_certificates() -> None:
    job = job_from_untrusted(message(state="certified", card_serial="1001"))
    assert card_to_issue([HOLDERS], job) is HOLDERS
    assert card_to_issue([BLANK], job) is BLANK


@pytest.mark.parametrize("state", ["begun", "approved", "personalising"])
def test_each_run_before_certification_needs_the_operator(state: str) -> None:
    assert job_from_untrusted(message(state=state, card_serial="1001")).needs_approval
    founding = message(state=state, card_serial="1001", operator=None)
    assert not job_from_untrusted(founding).needs_approval


def test_a_certified_card_needs_no_operator() -> None:
    assert not job_from_untrusted(message(state="certified", card_serial="1001")).needs_approval


def test_the_statement_is_canonical_json_in_utf_8() -> None:
    site = Site("https://ra.example", "RA", Path("ca.pem"))
    claimed = ClaimedJob(SiteConnection(site), job_from_untrusted(message()), "secret")
    signed = statement(claimed, "1001", DeskKey(), datetime(2026, 11, 22, 9, 0, 5, tzinfo=UTC))
    assert "Hölder".encode() in signed
    fields = json.loads(signed)
    assert list(fields) == sorted(fields)
    assert b'", "' not in signed
    assert fields["signed_at"] == "2026-11-22T09:00:05Z"
    assert (fields["card_serial"], fields["origin"]) == ("1001", "https://ra.example")
    assert "secret" not in repr(claimed)


def test_certificates_are_read() -> None:
    der = base64.b64encode(b"der").decode()
    read = certificates_from_untrusted(
        {"authentication": der, "content_commitment": der, "chain": [], "completion_nonce": "n" * 43}
    )
    assert read.by_purpose[Purpose.AUTHENTICATION] == b"der"
    assert read.completion_nonce == "n" * 43


@pytest.mark.parametrize(
    "nonce", ["", "n" * 42, "n" * 129, "{" + "n" * 43 + "}", "n" * 43 + "\n", "\x00" * 64]
)
def test_the_new_key_signs_nothing_but_a_nonce(nonce: str) -> None:
    """A taken-over site must not have a statement, or another protocol's message, signed as the proof."""
    der = base64.b64encode(b"der").decode()
    sent = {"authentication": der, "content_commitment": der, "chain": [], "completion_nonce": nonce}
    with pytest.raises(SiteUnavailable):
        certificates_from_untrusted(sent)


def test_who_has_another_card_in_the_reader_is_told_whose_it_is() -> None:
    assert card_with_serial([OPERATORS, HOLDERS], "1001", "Amara's") is HOLDERS
    with pytest.raises(CardMissing) as refused:
        card_with_serial([OPERATORS, ELSES], "1001", "Amara's")
    assert str(refused.value) == (
        "Insert card 1001 (Amara's) into a reader. Now the card of Grace Operator is in Reader 1 "
        "and the card of Else Somebody is in Reader 2."
    )
    with pytest.raises(CardMissing, match=r"into a reader\.$"):
        card_with_serial([], "1001", "Amara's")
    with pytest.raises(CardMissing, match="Now card 1004 is in Reader 2"):
        card_with_serial([BROKEN], "1001", "Amara's")
