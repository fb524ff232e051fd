"""Browser sessions in the database; the end of one is announced to relying parties by the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Date, Row, String, bindparam, delete, insert, select, update
from sqlalchemy.sql import ColumnElement, Select

from app.domain.actor import Actor
from app.domain.audit_event import AuditEvent
from app.domain.json_value import JsonValue
from app.signin.opaque_value import new_id
from app.signin.session import ChosenRole, LiveSession, SignedInPerson
from app.signin.staff import CardHolder
from app.storage.tables.access import role_profile
from app.storage.tables.base import UtcDateTime
from app.storage.tables.openid import oidc_assertion_jti, oidc_code, oidc_session_client, oidc_token
from app.storage.tables.people import person
from app.storage.tables.sessions import sign_in_challenge, web_session

if TYPE_CHECKING:
    from app.storage.work import Work

LOGOUT_TOPIC = "openid.logout"


class Sessions:
    """Sessions as one transaction sees them."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._connection = work.connection

    def live(self, key_hash: str, today: date) -> LiveSession | None:
        """The session with this key that has not ended or expired, with its person and role as of today."""
        values = {"key_hash": key_hash, "today": today, "now": self._work.now}
        row = self._connection.execute(_LIVE, values).one_or_none()
        return _session_of(row) if row else None

    def _is_live(self) -> ColumnElement[bool]:
        return web_session.c.ended_at.is_(None) & (web_session.c.expires_at > self._work.now)

    def add(
        self, session_id: str, key_hash: str, data: Mapping[str, JsonValue], expires_at: datetime
    ) -> None:
        """Keep a new session of a browser that has not signed in."""
        now = self._work.now
        values = {"data": data, "created_at": now, "last_used_at": now, "expires_at": expires_at}
        self._connection.execute(insert(web_session).values(id=session_id, key_hash=key_hash, **values))

    def save(self, key_hash: str, data: Mapping[str, JsonValue]) -> None:
        """Replace what the pages keep; an ended session stays as it was.

        That is no use of it: the sign-in page keeps where an idle session's person wanted to go.
        """
        self._update(web_session.c.key_hash == key_hash, data=data)

    def note_use(self, key_hash: str) -> None:
        """Keep that it is used now."""
        self._update(web_session.c.key_hash == key_hash, last_used_at=self._work.now)

    def _update(self, which: ColumnElement[bool], **values: Any) -> int:
        statement = update(web_session).where(which, self._is_live()).values(**values)
        return self._connection.execute(statement).rowcount

    def sign_in(self, old_key_hash: str, new_key_hash: str, holder: CardHolder, expires_at: datetime) -> str:
        """Make it the holder's session under a new key; answers its id.

        The same person signing in again keeps the session and what relying parties know of it. Another
        person's session in this browser ends first.
        """
        self._end_anothers_session(old_key_hash, holder.uid)
        values = {**self._signed_in_values(holder, expires_at), "key_hash": new_key_hash}
        renewed = self._connection.execute(
            update(web_session)
            .where(web_session.c.key_hash == old_key_hash, self._is_live())
            .values(**values)
            .returning(web_session.c.id)
        ).scalar_one_or_none()
        return renewed or self._add_signed_in(values)

    def _signed_in_values(self, holder: CardHolder, expires_at: datetime) -> dict[str, Any]:
        now = self._work.now
        return {
            "uid": holder.uid,
            "card_serial": holder.card_serial,
            "data": {},
            "signed_in_at": now,
            "last_used_at": now,
            "expires_at": expires_at,
            "role_profile_id": None,
            "role_chosen_at": None,
            "terms_accepted_at": None,
        }

    def _add_signed_in(self, values: Mapping[str, Any]) -> str:
        session_id = new_id()
        new = insert(web_session).values(id=session_id, created_at=self._work.now, **values)
        self._connection.execute(new)
        return session_id

    def _end_anothers_session(self, key_hash: str, uid: str) -> None:
        another = (web_session.c.key_hash == key_hash) & (web_session.c.uid != uid)
        self._end(another, "another_person_signed_in", Actor.system("sign-in"))

    def settle_terms(self, session_id: str) -> None:
        """The terms are accepted."""
        self._update(web_session.c.id == session_id, terms_accepted_at=self._work.now)

    def settle_role(self, session_id: str, role_profile_id: str | None) -> None:
        """The role is chosen; None when there is none to choose."""
        self._update(
            web_session.c.id == session_id, role_profile_id=role_profile_id, role_chosen_at=self._work.now
        )

    def end(self, session_id: str, reason: str, actor: Actor) -> bool:
        """End it now and announce that to relying parties; False when it had ended before."""
        return self._end(web_session.c.id == session_id, reason, actor) > 0

    def end_all(self, uid: str, reason: str) -> int:
        """End every session of a person; answers how many."""
        return self._end(web_session.c.uid == uid, reason, Actor.system("sign-in"))

    def end_some_of_cards(self, reason: str, before: datetime, most: int) -> int:
        """End sessions that a card began before that moment, not more than so many; answers how many."""
        by_card = web_session.c.card_serial.is_not(None) & (web_session.c.signed_in_at < before)
        of_cards = select(web_session.c.id).where(by_card, self._is_live()).limit(most)
        return self._end(web_session.c.id.in_(of_cards), reason, Actor.system("worker"))

    def _end(self, which: ColumnElement[bool], reason: str, actor: Actor) -> int:
        ended = self._connection.execute(
            update(web_session)
            .where(which, web_session.c.ended_at.is_(None))
            .values(ended_at=self._work.now, ended_reason=reason, data={})
            .returning(web_session.c.id, web_session.c.uid)
        ).all()
        for session_id, uid in ended:
            if uid is not None:
                self._announce_end(session_id, uid, reason, actor)
        return len(ended)

    def _announce_end(self, session_id: str, uid: str, reason: str, actor: Actor) -> None:
        self._work.outbox.add(LOGOUT_TOPIC, session_id, {"reason": reason})
        details = {"session": session_id, "why": reason}
        self._work.audit.record(AuditEvent.by(actor, "session.ended", uid, details))

    def forget_old(self, before: datetime) -> int:
        """Remove what ended or expired before that instant; answers how many sessions."""
        for table in (sign_in_challenge, oidc_assertion_jti):
            self._connection.execute(delete(table).where(table.c.expires_at < before))
        old = (web_session.c.expires_at < before) | (web_session.c.ended_at < before)
        ids = select(web_session.c.id).where(old)
        for table in (oidc_code, oidc_token, oidc_session_client):
            self._connection.execute(delete(table).where(table.c.session_id.in_(ids)))
        return self._connection.execute(delete(web_session).where(old)).rowcount


def _live_with_person() -> Select[Any]:
    """The session with its person's name and, when it counts today, its role profile."""
    key_hash, today = bindparam("key_hash", type_=String), bindparam("today", type_=Date)
    now = bindparam("now", type_=UtcDateTime)
    counts = (
        role_profile.c.withdrawn_at.is_(None)
        & (role_profile.c.starts_on <= today)
        & (role_profile.c.ends_on.is_(None) | (role_profile.c.ends_on >= today))
    )
    is_chosen = role_profile.c.id == web_session.c.role_profile_id
    has_role = is_chosen & (role_profile.c.uid == web_session.c.uid) & counts
    is_active = (person.c.uid == web_session.c.uid) & (person.c.status == "active")
    found = web_session.outerjoin(person, is_active).outerjoin(role_profile, has_role)
    is_live = web_session.c.ended_at.is_(None) & (web_session.c.expires_at > now)
    columns = (
        web_session,
        person.c.given_name,
        person.c.family_name,
        role_profile.c.id.label("counting_role"),
        role_profile.c.organisation_code,
        role_profile.c.job_role_code,
        role_profile.c.activity_codes,
    )
    return select(*columns).select_from(found).where(web_session.c.key_hash == key_hash, is_live)


# Read at every request, so it is built once.
_LIVE = _live_with_person()


def _session_of(row: Row[Any]) -> LiveSession:
    return LiveSession(row.id, row.data, row.created_at, row.last_used_at, row.expires_at, _person_of(row))


def _person_of(row: Row[Any]) -> SignedInPerson | None:
    if row.uid is None or row.given_name is None:
        return None
    return SignedInPerson(
        row.uid,
        f"{row.given_name} {row.family_name}",
        row.card_serial,
        row.signed_in_at,
        row.terms_accepted_at,
        row.role_chosen_at,
        _role_of(row),
    )


def _role_of(row: Row[Any]) -> ChosenRole | None:
    if row.counting_role is None:
        return None
    return ChosenRole(row.counting_role, row.organisation_code, row.job_role_code, tuple(row.activity_codes))
