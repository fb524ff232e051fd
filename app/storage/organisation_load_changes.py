"""What a load would change, organisation by organisation, and what its file has."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from app.domain.organisation import OrganisationStatus
from app.domain.organisation_change import Change, OrganisationChange
from app.domain.organisation_record import Succession
from app.storage.organisation_json import (
    memberships_as_json,
    memberships_of_json,
    organisation_as_json,
    organisation_of_json,
)
from app.storage.tables import organisation_loads as tables
from app.storage.tables.organisations import organisation
from app.storage.upsert import insert_or

_record, _change = tables.organisation_load_record, tables.organisation_load_change
_succession = tables.organisation_load_succession
APPLIED, STALE = "applied", "stale"


class OrganisationLoadChanges:
    """The changes of one load."""

    def __init__(self, connection: Connection, load_id: str) -> None:
        self._connection = connection
        self._load_id = load_id

    def clear(self) -> None:
        """Forget what an earlier reading of the file found."""
        for table in (_record, _change, _succession):
            self._connection.execute(delete(table).where(table.c.load_id == self._load_id))

    def note_records(self, parents: Mapping[str, str | None]) -> set[str]:
        """Keep that the file has these codes, with their parents; answers those that it had not before."""
        if not parents:
            return set()
        rows = [
            {"load_id": self._load_id, "code": code, "parent_code": each} for code, each in parents.items()
        ]
        known = select(_record.c.code).where(_record.c.load_id == self._load_id, _record.c.code.in_(parents))
        before = set(self._connection.scalars(known))
        fresh = [row for row in rows if row["code"] not in before]
        if fresh:
            self._connection.execute(insert(_record), fresh)
        return parents.keys() - before

    def add_successions(self, successions: Iterable[Succession]) -> None:
        """Keep them; the same one, told by both sides, once."""
        rows = [
            {
                "load_id": self._load_id,
                "predecessor_code": each.predecessor_code,
                "successor_code": each.successor_code,
                "happened_on": each.happened_on,
            }
            for each in successions
        ]
        if rows:
            self._connection.execute(insert_or(self._connection, _succession).on_conflict_do_nothing(), rows)

    def successions_after(self, code: str, limit: int) -> dict[str, list[Succession]]:
        """Those of the next predecessors behind that code, by predecessor, all of each."""
        mine = _succession.c.load_id == self._load_id
        next_ones = (
            select(_succession.c.predecessor_code)
            .where(mine, _succession.c.predecessor_code > code)
            .distinct()
            .order_by(_succession.c.predecessor_code)
            .limit(limit)
        )
        codes = list(self._connection.scalars(next_ones))
        chosen = select(
            _succession.c.predecessor_code, _succession.c.successor_code, _succession.c.happened_on
        ).where(mine, _succession.c.predecessor_code.in_(codes))
        found: dict[str, list[Succession]] = {each: [] for each in codes}
        for row in self._connection.execute(chosen):
            found[row.predecessor_code].append(Succession(*row))
        return found

    def put(self, changes: Sequence[OrganisationChange]) -> None:
        """Keep changes, over older ones of the same organisation."""
        if not changes:
            return
        statement = insert_or(self._connection, _change)
        replaced = {name: statement.excluded[name] for name in ("change", "before", "after", "memberships")}
        statement = statement.on_conflict_do_update(index_elements=["load_id", "code"], set_=replaced)
        self._connection.execute(statement, [self._row(each) for each in changes])

    def get_many(self, codes: Collection[str]) -> dict[str, OrganisationChange]:
        """Those of the codes that would change."""
        return {each.code: each for each in self._select(_change.c.code.in_(codes))}

    def counts(self) -> dict[Change, int]:
        """How many would change in which way."""
        chosen = select(_change.c.change, func.count()).where(self._mine).group_by(_change.c.change)
        return {Change(name): count for name, count in self._connection.execute(chosen)}

    def page(self, change: Change, after: str, limit: int) -> list[OrganisationChange]:
        """The next changes of a kind behind that code, by code."""
        return list(self._select(_change.c.change == change.value, _change.c.code > after, limit=limit))

    def not_applied(self, limit: int) -> list[OrganisationChange]:
        """The next ones to apply, by code."""
        to_do = _change.c.outcome.is_(None), _change.c.change != Change.MISSING.value
        return list(self._select(*to_do, limit=limit))

    def mark(self, codes: Collection[str], outcome: str) -> None:
        """Note what became of these changes."""
        if codes:
            chosen = update(_change).where(self._mine, _change.c.code.in_(codes))
            self._connection.execute(chosen.values(outcome=outcome))

    def stale_codes(self, limit: int) -> list[str]:
        """Organisations that were left, because they had changed since the preview."""
        chosen = select(_change.c.code).where(self._mine, _change.c.outcome == STALE)
        return list(self._connection.scalars(chosen.order_by(_change.c.code).limit(limit)))

    def missing(self, sources: Collection[str], limit: int, after: str) -> list[str]:
        """The codes of the next open organisations from these sources that the file does not have."""
        has = select(_record.c.code).where(
            _record.c.load_id == self._load_id, _record.c.code == organisation.c.code
        )
        is_open = organisation.c.status != OrganisationStatus.CLOSED.value
        chosen = (
            select(organisation.c.code)
            .where(organisation.c.source.in_(sources), is_open, ~has.exists(), organisation.c.code > after)
            .order_by(organisation.c.code)
            .limit(limit)
        )
        return list(self._connection.scalars(chosen))

    def unknown_parents(self) -> Iterator[tuple[str, str]]:
        """Each organisation of the file whose parent neither the file nor the database has, and that
        parent.
        """
        other = _record.alias("other")
        in_file = select(other.c.code).where(
            other.c.load_id == self._load_id, other.c.code == _record.c.parent_code
        )
        in_database = select(organisation.c.code).where(organisation.c.code == _record.c.parent_code)
        chosen = select(_record.c.code, _record.c.parent_code).where(
            _record.c.load_id == self._load_id,
            _record.c.parent_code.is_not(None),
            ~in_file.exists(),
            ~in_database.exists(),
        )
        for row in self._connection.execute(chosen.execution_options(yield_per=1000)):
            yield row.code, row.parent_code

    def parents_of_parents(self) -> dict[str, str]:
        """The parent of each organisation of the file that is itself a parent and has one: few enough."""
        child = _record.alias("child")
        is_parent = select(child.c.code).where(
            child.c.load_id == self._load_id, child.c.parent_code == _record.c.code
        )
        chosen = select(_record.c.code, _record.c.parent_code).where(
            _record.c.load_id == self._load_id, _record.c.parent_code.is_not(None), is_parent.exists()
        )
        return {row.code: row.parent_code for row in self._connection.execute(chosen)}

    @property
    def _mine(self) -> ColumnElement[bool]:
        return _change.c.load_id == self._load_id

    def _select(
        self, *conditions: ColumnElement[bool], limit: int | None = None
    ) -> Iterator[OrganisationChange]:
        chosen = select(_change).where(self._mine, *conditions).order_by(_change.c.code).limit(limit)
        return (_change_of(row) for row in self._connection.execute(chosen))

    def _row(self, each: OrganisationChange) -> dict[str, object]:
        return {
            "load_id": self._load_id,
            "code": each.code,
            "change": each.change.value,
            "before": organisation_as_json(each.before),
            "after": organisation_as_json(each.after),
            "memberships": memberships_as_json(each.memberships),
        }


def _change_of(row: Row[Any]) -> OrganisationChange:
    return OrganisationChange(
        row.code,
        Change(row.change),
        organisation_of_json(row.before),
        organisation_of_json(row.after),
        memberships_of_json(row.memberships),
    )
