"""How a record that was taken over ends when the old directory has deleted it: it stays, with its end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Update, update
from sqlalchemy.sql import ColumnElement

from app.ra.old_entries import Kind
from app.storage.tables.access import organisation_person, role_profile
from app.storage.tables.organisations import organisation
from app.storage.tables.people import person
from app.storage.tables.systems import accredited_system, message_handling_system


def endings(kind: Kind, identifier: str, now: datetime) -> Sequence[Update]:
    """The statements that end it."""
    today = now.date()
    match kind:
        case Kind.ROLE:
            return [_withdrawn(role_profile.c.id == identifier, now)]
        case Kind.PLACE:
            place = organisation_person
            closed = update(place).where(place.c.id == identifier, place.c.closed_on.is_(None))
            roles = _withdrawn(role_profile.c.organisation_person_id == identifier, now)
            return [closed.values(closed_on=today - timedelta(days=1)), roles]
        case Kind.PERSON:
            return [update(person).where(person.c.uid == identifier).values(status="closed")]
        case Kind.ORGANISATION:
            ended = update(organisation).where(organisation.c.code == identifier)
            return [ended.values(status="closed", closed_on=today)]
        case Kind.ACCREDITED_SYSTEM:
            return [
                update(accredited_system)
                .where(accredited_system.c.asid == identifier)
                .values(status="closed")
            ]
        case Kind.ENDPOINT:
            table = message_handling_system
            return [update(table).where(table.c.id == identifier).values(status="closed")]


def _withdrawn(which: ColumnElement[bool], now: datetime) -> Update:
    still = role_profile.c.withdrawn_at.is_(None)
    return update(role_profile).where(which, still).values(withdrawn_at=now)
