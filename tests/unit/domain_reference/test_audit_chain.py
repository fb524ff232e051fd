"""The chain of audit events, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.actor import Actor
from app.domain.audit_chain import ChainBroken, Head, append, event_hash, follow
from app.domain.audit_event import AuditEvent, RecordedEvent, UnknownAuditEvent, require_complete
from app.domain.json_value import canonical_json

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)


def chain(*subjects: str) -> list[RecordedEvent]:
    head, recorded = Head.before_all(), []
    for subject in subjects:
        event = append(head, AT, AuditEvent("role.chosen", subject, "656005750104", details={"é": [1, None]}))
        head = Head(event.seq, event.hash)
        recorded.append(event)
    return recorded


def test_a_chain_can_be_followed_from_any_head() -> None:
    events = chain("1", "2", "3", "4")
    assert follow(Head.before_all(), events) == Head(4, events[3].hash)
    assert follow(Head(2, events[1].hash), events[2:]) == Head(4, events[3].hash)


@given(position=st.integers(0, 4), kind=st.sampled_from(["drop", "swap", "repeat"]))
def test_no_event_can_be_dropped_moved_or_repeated(position: int, kind: str) -> None:
    events = chain("1", "2", "3", "4", "5", "6")
    broken = list(events)
    if kind == "drop":
        del broken[position]
    elif kind == "swap":
        broken[position], broken[position + 1] = broken[position + 1], broken[position]
    else:
        broken.insert(position, broken[position])
    with pytest.raises(ChainBroken):
        follow(Head.before_all(), broken)


def test_the_hash_is_the_same_in_every_time_zone_and_order_of_details() -> None:
    one = AuditEvent("role.chosen", "1", "2", details={"a": 1, "b": 2})
    other = replace(one, details={"b": 2, "a": 1})
    elsewhere = AT.astimezone(timezone(timedelta(hours=1)))
    assert event_hash("00", 1, AT, one) == event_hash("00", 1, elsewhere, other)


def test_canonical_json_is_what_the_card_agent_writes() -> None:
    assert canonical_json({"b": "é", "a": [True, None]}) == '{"a":[true,null],"b":"é"}'.encode()
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(float("nan"))


def test_a_refused_event_needs_no_details_and_an_allowed_one_does() -> None:
    event = AuditEvent.by(Actor.system("test"), "organisations.imported", "x", {})
    require_complete(event.refused("not_permitted"))
    with pytest.raises(UnknownAuditEvent, match="added, changed, refused, source, unchanged"):
        require_complete(event)
