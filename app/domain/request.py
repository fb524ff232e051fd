"""A sponsor's request that somebody be given a position, and who may decide it.

Two people, always: nobody asks for themselves, nobody decides what they asked for, and nobody decides about
themselves. The database refuses the same in ``app/storage/tables/access.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from app.errors import InvalidInput, NotPermitted, Refusal

TAKEN_FOR = timedelta(minutes=15)


class RequestStatus(StrEnum):
    """Where a request stands."""

    OPEN = "open"
    GRANTED = "granted"
    REJECTED = "rejected"


class CannotRequestForOneself(NotPermitted):
    """Somebody asked for a position for themselves."""

    code = "cannot_request_for_oneself"


class CannotDecideOwnRequest(NotPermitted):
    """The decider is the one who asked."""

    code = "cannot_decide_own_request"


class CannotDecideAboutOneself(NotPermitted):
    """The decider is the one who would get the position."""

    code = "cannot_decide_about_oneself"


class RequestAlreadyDecided(Refusal):
    """The request is closed."""

    code = "request_already_decided"


class RequestTakenByAnother(Refusal):
    """A colleague is working on the request."""

    code = "request_taken_by_another"


class RequestAlreadyOpen(Refusal):
    """The same position was already asked for, for the same person."""

    code = "request_already_open"


@dataclass(frozen=True)
class AccessRequest:
    """A request as it is stored. ``taken_until`` ends the hold of whoever is working on it."""

    id: str
    subject_uid: str
    position_id: str
    organisation_code: str
    starts_on: date
    ends_on: date | None
    reason: str
    status: RequestStatus
    requested_by: str
    requested_at: datetime
    requested_role_profile: str | None = None
    taken_by: str | None = None
    taken_until: datetime | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision_note: str | None = None

    def taken_by_at(self, now: datetime) -> str | None:
        """Who is working on it now; None when nobody is, or when the 15 minutes are over."""
        if self.taken_until is None or self.taken_until <= now:
            return None
        return self.taken_by


def require_may_request(requester_uid: str, subject_uid: str) -> None:
    """Refuse a request for oneself.

    Raises:
        CannotRequestForOneself
    """
    if requester_uid == subject_uid:
        raise CannotRequestForOneself("You cannot ask for a position for yourself. Ask another sponsor.")


def require_dates(starts_on: date, ends_on: date | None, today: date) -> None:
    """Refuse dates that give no access or reach too far back.

    Raises:
        InvalidInput: under ``starts_on`` or ``ends_on``.
    """
    if starts_on < today:
        raise InvalidInput({"starts_on": "The first day must be today or later."})
    if ends_on is not None and ends_on < starts_on:
        raise InvalidInput({"ends_on": "The last day must not be before the first day."})


def require_may_decide(request: AccessRequest, decider_uid: str, now: datetime) -> None:
    """Refuse a decision by the wrong person or about a request that is not theirs to decide now.

    Raises:
        RequestAlreadyDecided, CannotDecideOwnRequest, CannotDecideAboutOneself, RequestTakenByAnother
    """
    if decider_uid == request.requested_by:
        raise CannotDecideOwnRequest("You raised this request. Another RA manager or agent must decide it.")
    if decider_uid == request.subject_uid:
        raise CannotDecideAboutOneself(
            "This request is about you. Another RA manager or agent must decide it."
        )
    if request.status is not RequestStatus.OPEN:
        raise RequestAlreadyDecided(f"This request was already {request.status.value}. Nothing was changed.")
    holder = request.taken_by_at(now)
    if holder is not None and holder != decider_uid:
        raise RequestTakenByAnother(
            "A colleague is working on this request. Try again when their 15 minutes are over."
        )
