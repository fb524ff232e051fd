"""A browser session as one request sees it, and how long it lasts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.actor import Actor
from app.domain.json_value import JsonValue
from app.domain.permissions_policy import PermissionsPolicy

#: A browser that has not signed in is forgotten after this.
ANONYMOUS_LIFETIME = timedelta(hours=1)
#: Use is noted this often, so that reading a page is not a write each time.
NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class SessionLimits:
    """How long a signed-in session lasts: without use, and at most. After ``idle`` the PIN is asked again."""

    idle: timedelta = timedelta(minutes=15)
    absolute: timedelta = timedelta(hours=10)


DEFAULT_LIMITS = SessionLimits()


@dataclass(frozen=True)
class ChosenRole:
    """The role profile that a session works in; it counts today."""

    role_profile_id: str
    organisation_code: str
    job_role_code: str
    activity_codes: tuple[str, ...]


@dataclass(frozen=True)
class SignedInPerson:
    """Who is signed in, and what of signing in is done.

    Attributes:
        signed_in_at: when the card answered last (``auth_time``).
        terms_accepted_at, role_chosen_at: None while that step is to come.
        role: None when the person has no role or it no longer counts.
    """

    uid: str
    name: str
    card_serial: str
    signed_in_at: datetime
    terms_accepted_at: datetime | None
    role_chosen_at: datetime | None
    role: ChosenRole | None

    @property
    def is_finished(self) -> bool:
        """Whether terms are accepted and the role is settled."""
        return self.terms_accepted_at is not None and self.role_chosen_at is not None


@dataclass(frozen=True)
class LiveSession:
    """A browser session that has not ended.

    Attributes:
        id: known to relying parties as ``sid``.
        data: what the pages keep between requests.
        person: None before signing in, and when it was not used for too long.
    """

    id: str
    data: Mapping[str, JsonValue]
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    person: SignedInPerson | None

    def is_idle(self, now: datetime, limits: SessionLimits) -> bool:
        """Whether it was not used for too long."""
        return now - self.last_used_at > limits.idle

    def needs_noting(self, now: datetime) -> bool:
        """Whether its use has not been noted lately."""
        return now - self.last_used_at > NOTED_EVERY


def actor_of(person: SignedInPerson, policy: PermissionsPolicy, address: str, request_id: str) -> Actor:
    """The person in the chosen role, with that role's permissions; none before signing in is finished."""
    role = person.role if person.is_finished else None
    if role is None:
        return Actor(person.uid, person.name, address=address, request_id=request_id)
    permissions = policy.permissions_of(role.job_role_code, role.activity_codes)
    return Actor(
        uid=person.uid,
        name=person.name,
        role_profile_id=role.role_profile_id,
        organisation_code=role.organisation_code,
        permissions=permissions,
        address=address,
        request_id=request_id,
    )
