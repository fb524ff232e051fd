"""Handing an organisation's positions on to its successor: the positions open there, and access is asked for.

Nobody is given anything here. Each role profile hangs on a granted request, so each holder's access at the
successor is asked for by whoever decides on the closing, and granted, or not, by somebody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from app.domain.actor import Actor
from app.domain.organisation_closing import Closing
from app.domain.person import PersonStatus
from app.domain.position import AccessProfile, NewPosition, Position
from app.domain.request import AccessRequest, RequestStatus
from app.domain.role_profile import RoleProfile
from app.ra.closing_ports import Work
from app.ra.ids import new_record_id
from app.ra.positioning import create_position

_LONGEST_NAME = 100


def hand_on_positions(
    work: Work,
    actor: Actor,
    closing: Closing,
    successor_code: str,
    profiles: Sequence[RoleProfile],
    positions: Sequence[Position],
) -> list[str]:
    """Open the positions at the successor and ask for them; the ids of the requests.

    Raises:
        InvalidInput: a position has a job role or activity that is not current any more.
    """
    new_ids = {each.id: _handed_on(work, actor, closing, successor_code, each) for each in positions}
    holders = {(each.uid, each.position_id): each for each in profiles if each.position_id in new_ids}
    starts_on = max(work.now.date(), closing.closes_on + timedelta(days=1))
    requests = [
        _request(actor, closing, successor_code, new_ids[each.position_id], each, starts_on, work)
        for each in holders.values()
        if each.uid != actor.uid and _is_active(work, each.uid)
    ]
    for request in requests:
        work.requests.add(request)
    return [request.id for request in requests]


def _handed_on(work: Work, actor: Actor, closing: Closing, successor_code: str, position: Position) -> str:
    """The id of the same position at the successor, opened now."""
    taken = {each.name for each in work.positions.at(successor_code)}
    origin = f" (from {closing.organisation_code})"
    name = position.name
    if name in taken:
        name = name[: _LONGEST_NAME - len(origin)] + origin
    new = NewPosition(
        successor_code,
        name,
        position.notes,
        tuple(_at_successor(each, closing, successor_code) for each in position.access_profiles),
        replace(position.approval, reference=f"{position.approval.reference}{origin}"[:_LONGEST_NAME]),
    )
    return create_position(work, new, actor.uid)


def _at_successor(profile: AccessProfile, closing: Closing, successor_code: str) -> AccessProfile:
    if profile.organisation_code == closing.organisation_code:
        return replace(profile, organisation_code=successor_code)
    return profile


def _is_active(work: Work, uid: str) -> bool:
    person = work.people.get(uid)
    return person is not None and person.status is PersonStatus.ACTIVE


def _request(
    actor: Actor,
    closing: Closing,
    successor_code: str,
    position_id: str,
    profile: RoleProfile,
    starts_on: date,
    work: Work,
) -> AccessRequest:
    ends_on = profile.ends_on if profile.ends_on is None or profile.ends_on >= starts_on else starts_on
    return AccessRequest(
        id=new_record_id(),
        subject_uid=profile.uid,
        position_id=position_id,
        organisation_code=successor_code,
        starts_on=max(starts_on, profile.starts_on),
        ends_on=ends_on,
        reason=f"{closing.organisation_code} closed; its work goes on at {successor_code}.",
        status=RequestStatus.OPEN,
        requested_by=actor.uid,
        requested_at=work.now,
        requested_role_profile=actor.role_profile_id,
    )
