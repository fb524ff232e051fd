"""Refusals keep what they are over the socket."""

from __future__ import annotations

from app.ca import refusals
from app.domain.approval import ApprovalNotValid
from app.domain.revocation import RevocationReason, reason_of_card_end


def test_each_refusal_has_a_code_of_its_own_and_comes_back_by_it() -> None:
    kinds = [*refusals.CertificateRefused.__subclasses__(), ApprovalNotValid]
    assert len({kind.code for kind in kinds}) == len(kinds)
    for kind in kinds:
        assert type(refusals.refusal_of(kind.code, "why")) is kind


def test_an_unknown_code_is_still_a_refusal() -> None:
    refused = refusals.refusal_of("of_a_later_version", "why")
    assert type(refused) is refusals.CertificateRefused
    assert str(refused) == "why"


def test_a_lost_card_counts_as_a_compromised_key() -> None:
    assert reason_of_card_end("lost") is RevocationReason.KEY_COMPROMISE
    assert reason_of_card_end("stolen") is RevocationReason.KEY_COMPROMISE
    assert reason_of_card_end("something new") is RevocationReason.UNSPECIFIED
