"""What sign-in needs from outside: the database, as far as it uses it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from typing import Protocol

from app.domain.actor import Actor
from app.domain.audit_event import AuditEvent
from app.domain.json_value import JsonValue
from app.signin.session import ChosenRole, LiveSession
from app.signin.signature import NonceHashes
from app.signin.staff import CardHolder, StaffMember, StaffRole


class AuditTrail(Protocol):
    """The audit of one transaction."""

    def record(self, event: AuditEvent) -> None:
        """Add an event; it is written when the transaction ends well."""


class RateLimits(Protocol):
    """Counts of tries, shared by every web process."""

    def allows(self, name: str, key: str, limit: int, window: timedelta) -> bool:
        """Count one try; whether it is among the first ``limit`` of its window."""

    def forget(self, name: str, key: str) -> None:
        """Begin a new window."""


class SignInRecords(Protocol):
    """Challenges, terms and roles in the database."""

    def add_challenge(self, nonce: NonceHashes, session_key_hash: str, expires_at: datetime) -> None:
        """Keep a challenge for one browser session."""

    def claim_challenges(self, session_key_hash: str) -> list[NonceHashes]:
        """Use up the session's pending challenges; a second call answers none."""

    def card_holder(self, serial_number: str) -> CardHolder | None:
        """The authentication certificate with this serial number, its card and holder."""

    def take_into_use(self, serial_number: str, address: str) -> bool:
        """Whether it is a renewed card's, used for the first time: from now on it counts, not the old."""

    def terms_accepted_at(self, uid: str, version: str) -> datetime | None:
        """When the person accepted this version."""

    def accept_terms(self, uid: str, version: str) -> None:
        """Keep that the person accepts this version now; a second time changes nothing."""

    def staff_member(self, uid: str, today: date) -> StaffMember | None:
        """The person with the roles that count today, the one used last first."""

    def role_profiles(self, uid: str, today: date) -> tuple[ChosenRole, ...]:
        """What the person may choose from today, the one used last first."""

    def roles(self, uid: str, today: date) -> tuple[StaffRole, ...]:
        """The same, with all names and resolved activities."""

    def remember_role(self, uid: str, role_profile_id: str) -> None:
        """Keep which role the person used last."""


class SessionRecords(Protocol):
    """Browser sessions in the database."""

    def live(self, key_hash: str, today: date) -> LiveSession | None:
        """The session that has not ended and not expired."""

    def add(
        self, session_id: str, key_hash: str, data: Mapping[str, JsonValue], expires_at: datetime
    ) -> None:
        """Keep a new session of a browser that has not signed in."""

    def save(self, key_hash: str, data: Mapping[str, JsonValue]) -> None:
        """Replace what the pages keep; an ended session stays as it was."""

    def note_use(self, key_hash: str) -> None:
        """Keep that it is used now."""

    def sign_in(self, old_key_hash: str, new_key_hash: str, holder: CardHolder, expires_at: datetime) -> str:
        """Make it the holder's session under a new key and answer its id; the old key opens nothing now."""

    def settle_terms(self, session_id: str) -> None:
        """The terms are accepted."""

    def settle_role(self, session_id: str, role_profile_id: str | None) -> None:
        """The role is chosen; None when there is none to choose."""

    def end(self, session_id: str, reason: str, actor: Actor) -> bool:
        """End it now and announce that to relying parties; False when it had ended before."""

    def end_all(self, uid: str, reason: str) -> int:
        """End every session of a person; answers how many."""

    def end_some_of_cards(self, reason: str, before: datetime, most: int) -> int:
        """End sessions that a card began, not more than so many; answers how many."""

    def forget_old(self, before: datetime) -> int:
        """Remove what ended or expired before that instant; answers how many sessions."""


class SignInWork(Protocol):
    """One transaction."""

    @property
    def now(self) -> datetime:
        """The transaction's instant."""

    @property
    def audit(self) -> AuditTrail:
        """The audit."""

    @property
    def rate_limits(self) -> RateLimits:
        """Counts of tries."""

    @property
    def sign_ins(self) -> SignInRecords:
        """Challenges, terms, roles."""

    @property
    def sessions(self) -> SessionRecords:
        """Browser sessions."""


class SignInDatabase(Protocol):
    """The database's transactions."""

    def read(self) -> AbstractContextManager[SignInWork]:
        """A snapshot."""

    def change(self) -> AbstractContextManager[SignInWork]:
        """A transaction that commits whole or not at all."""
