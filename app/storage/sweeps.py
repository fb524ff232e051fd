"""Role profiles whose time has come or ended since they were last looked at."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import Connection, and_, or_, select

from app.storage.tables.access import organisation_person, role_profile
from app.storage.tables.outbox import sweep
from app.storage.upsert import insert_or

_ROLES = "roles"


class Sweeps:
    """How far the passing of days has been announced."""

    def __init__(self, connection: Connection, today: date) -> None:
        self._connection = connection
        self._today = today

    def is_current(self) -> bool:
        """Whether what today has changed is announced."""
        chosen = select(sweep.c.through).where(sweep.c.name == _ROLES)
        return (self._connection.scalar(chosen) or date.min) >= self._today

    def people_with_changed_roles(self) -> list[str]:
        """Who has a role that began or ended, or a place in an organisation that began, since the last
        sweep, up to today; marks today as swept.

        A role is held from its first to its last day, both included.
        """
        through = self._swept_through()
        if through >= self._today:
            return []
        begins = and_(role_profile.c.starts_on > through, role_profile.c.starts_on <= self._today)
        yesterday = self._today - timedelta(days=1)
        ended = and_(role_profile.c.ends_on >= through, role_profile.c.ends_on <= yesterday)
        place = organisation_person.c
        opened = and_(place.opened_on > through, place.opened_on <= self._today)
        changed = select(role_profile.c.uid).where(or_(begins, ended)).union(select(place.uid).where(opened))
        uids = sorted(self._connection.scalars(changed))
        self._mark()
        return uids

    def _swept_through(self) -> date:
        chosen = select(sweep.c.through).where(sweep.c.name == _ROLES).with_for_update()
        return self._connection.scalar(chosen) or date.min

    def _mark(self) -> None:
        marked = insert_or(self._connection, sweep).values(name=_ROLES, through=self._today)
        self._connection.execute(
            marked.on_conflict_do_update(index_elements=["name"], set_={"through": self._today})
        )
