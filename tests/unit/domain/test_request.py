"""Who may ask for a position, and who may decide."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.request import (
    AccessRequest,
    CannotDecideAboutOneself,
    CannotDecideOwnRequest,
    CannotRequestForOneself,
    RequestAlreadyDecided,
    RequestStatus,
    RequestTakenByAnother,
    require_dates,
    require_may_decide,
    require_may_request,
)
from app.errors import InvalidInput

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TODAY = NOW.date()
SPONSOR, CLINICIAN, AGENT, OTHER_AGENT = "710000001104", "710000002102", "710000003100", "710000004109"
REQUEST = AccessRequest(
    id="r",
    subject_uid=CLINICIAN,
    position_id="p",
    organisation_code="A81001",
    starts_on=TODAY,
    ends_on=None,
    reason="New partner",
    status=RequestStatus.OPEN,
    requested_by=SPONSOR,
    requested_at=NOW,
)


def test_another_may_decide() -> None:
    require_may_decide(REQUEST, AGENT, NOW)


def test_nobody_asks_for_themselves() -> None:
    with pytest.raises(CannotRequestForOneself):
        require_may_request(SPONSOR, SPONSOR)


def test_nobody_decides_their_own_request() -> None:
    with pytest.raises(CannotDecideOwnRequest):
        require_may_decide(REQUEST, SPONSOR, NOW)


def test_nobody_decides_about_themselves() -> None:
    with pytest.raises(CannotDecideAboutOneself):
        require_may_decide(REQUEST, CLINICIAN, NOW)


@pytest.mark.parametrize("status", [RequestStatus.GRANTED, RequestStatus.REJECTED])
def test_a_decided_request_stays_decided(status: RequestStatus) -> None:
    with pytest.raises(RequestAlreadyDecided):
        require_may_decide(replace(REQUEST, status=status), AGENT, NOW)


def test_a_request_is_held_for_15_minutes_by_whoever_took_it() -> None:
    taken = replace(REQUEST, taken_by=OTHER_AGENT, taken_until=NOW + timedelta(minutes=15))
    with pytest.raises(RequestTakenByAnother):
        require_may_decide(taken, AGENT, NOW)
    require_may_decide(taken, OTHER_AGENT, NOW)
    require_may_decide(taken, AGENT, NOW + timedelta(minutes=15))


def test_dates_give_access_from_today_on() -> None:
    require_dates(TODAY, TODAY, TODAY)
    with pytest.raises(InvalidInput):
        require_dates(TODAY - timedelta(days=1), None, TODAY)
    with pytest.raises(InvalidInput):
        require_dates(TODAY, TODAY - timedelta(days=1), TODAY)
