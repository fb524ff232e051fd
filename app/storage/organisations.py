"""Organisations and memberships in the database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import TypeVar

from sqlalchemy import (
    Connection,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    or_,
    select,
)
from sqlalchemy.sql import ColumnElement

from app.domain.organisation import (
    Membership,
    Organisation,
    OrganisationStatus,
    OrganisationSummary,
    search_text,
    search_words,
)
from app.storage.tables.organisations import organisation, organisation_membership
from app.storage.upsert import insert_or

_COLUMNS = [organisation.c[name] for name in Organisation.__dataclass_fields__]
_SUMMARY = [organisation.c[name] for name in OrganisationSummary.__dataclass_fields__]
_MEMBERSHIP = [organisation_membership.c[name] for name in Membership.__dataclass_fields__]
_NAMES = select(organisation.c.code, organisation.c.name).where(
    organisation.c.code.in_(bindparam("codes", expanding=True))
)
_AT_ONCE = 1000
_HIGHEST_LEVEL = 10
_Item = TypeVar("_Item")


class Organisations:
    """Every organisation of the imported files."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, code: str) -> Organisation | None:
        """The organisation with this ODS code."""
        row = self._connection.execute(select(*_COLUMNS).where(organisation.c.code == code)).one_or_none()
        return _organisation_of(row) if row else None

    def get_many(self, codes: Collection[str], *, to_change: bool = False) -> dict[str, Organisation]:
        """Those of the codes that are known; locked until the transaction ends, when they are to change."""
        chosen = select(*_COLUMNS).where(organisation.c.code.in_(codes))
        rows = self._connection.execute(chosen.with_for_update() if to_change else chosen)
        return {row.code: _organisation_of(row) for row in rows}

    def kinds(self) -> list[tuple[str, str]]:
        """Each code of a kind of organisation, once, with what it means."""
        columns = organisation.c
        chosen = select(columns.kind_code, func.min(columns.kind)).where(columns.kind_code != "")
        rows = self._connection.execute(chosen.group_by(columns.kind_code).order_by(columns.kind_code))
        return [(code, kind) for code, kind in rows]

    def has_changed_since(self, at: datetime) -> bool:
        """Whether any organisation was stored at that moment or later."""
        chosen = select(organisation.c.code).where(organisation.c.updated_at >= at).limit(1)
        return self._connection.scalar(chosen) is not None

    def all(self) -> dict[str, Organisation]:
        """Every organisation by code."""
        return {each.code: each for each in self.each()}

    def each(self) -> Iterator[Organisation]:
        """Every organisation in order of its code, read little by little."""
        chosen = select(*_COLUMNS).order_by(organisation.c.code).execution_options(yield_per=_AT_ONCE)
        for row in self._connection.execute(chosen):
            yield _organisation_of(row)

    def names(self, codes: Collection[str]) -> dict[str, str]:
        """The name of each known code."""
        found = self._connection.execute(_NAMES, {"codes": list(codes)}) if codes else ()
        return {code: name for code, name in found}  # noqa: C416 - rows are no pairs to mypy

    def all_names(self) -> dict[str, str]:
        """The name of every code."""
        chosen = select(organisation.c.code, organisation.c.name)
        return {row.code: row.name for row in self._connection.execute(chosen)}

    def known(self, codes: Collection[str]) -> set[str]:
        """Which of the codes belong to an organisation."""
        return {code for part in _parts(sorted(codes)) for code in self.names(part)}

    def count(self) -> int:
        """How many organisations there are."""
        return self._connection.scalar(select(func.count()).select_from(organisation)) or 0

    def search(self, text: str, limit: int, offset: int = 0) -> list[OrganisationSummary]:
        """Organisations by the beginning of their code, or by the words of name, town and postcode.

        The one with exactly that code comes first, then those whose code begins so, then open ones by name.
        """
        words = search_words(text)
        if not words:
            return []
        chosen = _found(words).limit(limit).offset(offset)
        return [_summary_of(row) for row in self._connection.execute(chosen)]

    def is_under(self, code: str, ancestor_code: str, on: date) -> bool:
        """Whether the organisation belongs, directly or by others, to the other one on that day."""
        seen: set[str] = set()
        level = {code}
        for _ in range(_HIGHEST_LEVEL):
            seen |= level
            level = self._parents(level, on) - seen
            if ancestor_code in level:
                return True
        return False

    def _parents(self, codes: Collection[str], on: date) -> set[str]:
        listed = select(organisation.c.parent_code).where(
            organisation.c.code.in_(codes), organisation.c.parent_code.is_not(None)
        )
        joined = select(organisation_membership.c.parent_code).where(
            organisation_membership.c.organisation_code.in_(codes), _holds_on(on)
        )
        return {*self._connection.scalars(listed), *self._connection.scalars(joined)}

    def memberships(self, code: str) -> list[Membership]:
        """What the organisation belongs and belonged to, newest first."""
        chosen = (
            select(*_MEMBERSHIP)
            .where(organisation_membership.c.organisation_code == code)
            .order_by(organisation_membership.c.joined_on.desc(), organisation_membership.c.parent_code)
        )
        return [Membership(**row._mapping) for row in self._connection.execute(chosen)]

    def memberships_of(self, codes: Collection[str], kinds: Collection[str]) -> dict[str, set[Membership]]:
        """The memberships of these kinds of each of the organisations, by its code."""
        columns = organisation_membership.c
        chosen = select(*_MEMBERSHIP).where(columns.organisation_code.in_(codes), columns.kind.in_(kinds))
        found: dict[str, set[Membership]] = {code: set() for code in codes}
        for row in self._connection.execute(chosen):
            found[row.organisation_code].add(Membership(*row))
        return found

    def replace_memberships(
        self, memberships: Mapping[str, Sequence[Membership]], kinds: Collection[str]
    ) -> None:
        """Make these, by organisation, the only ones of these kinds that each of the organisations has."""
        columns = organisation_membership.c
        gone = columns.organisation_code.in_(memberships), columns.kind.in_(kinds)
        self._connection.execute(delete(organisation_membership).where(*gone))
        rows = [asdict(each) for listed in memberships.values() for each in listed]
        if rows:
            self._connection.execute(insert(organisation_membership), rows)

    def all_memberships(self) -> set[Membership]:
        """Every membership."""
        return {Membership(*row) for row in self._connection.execute(select(*_MEMBERSHIP))}

    def save(
        self, organisations: Sequence[Organisation], now: datetime, stored: Callable[[int], None]
    ) -> None:
        """Keep organisations, over older ones of the same code; ``stored`` is told how many were so far."""
        self._upsert(organisation, organisations, lambda each: row_of(each, now), stored)

    def save_memberships(self, memberships: Sequence[Membership], stored: Callable[[int], None]) -> None:
        """Keep memberships, over older ones of the same key; ``stored`` is told how many were so far."""
        self._upsert(organisation_membership, memberships, asdict, stored)

    def _upsert(
        self,
        table: Table,
        items: Sequence[_Item],
        row_of: Callable[[_Item], Mapping[str, object]],
        stored: Callable[[int], None],
    ) -> None:
        statement = insert_or(self._connection, table)
        replaced = {each.name: statement.excluded[each.name] for each in table.c if not each.primary_key}
        statement = statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=replaced)
        done = 0
        for part in _parts(items):
            self._connection.execute(statement, [dict(row_of(each)) for each in part])
            done += len(part)
            stored(done)


def _parts(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    for start in range(0, len(items), _AT_ONCE):
        yield items[start : start + _AT_ONCE]


def _holds_on(day: date) -> ColumnElement[bool]:
    left = organisation_membership.c.left_on
    return and_(organisation_membership.c.joined_on <= day, or_(left.is_(None), left >= day))


def _found(words: Sequence[str]) -> Select[tuple[object, ...]]:
    code = "".join(words).upper()
    has_words = and_(*(organisation.c.search_text.contains(f" {word}", autoescape=True) for word in words))
    has_code = organisation.c.code.startswith(code, autoescape=True)
    rank = case(
        (organisation.c.code == code, 0),
        (has_code, 1),
        (organisation.c.status == OrganisationStatus.ACTIVE.value, 2),
        else_=3,
    )
    chosen: Select[tuple[object, ...]] = select(*_SUMMARY)
    return chosen.where(or_(has_code, has_words)).order_by(rank, organisation.c.name, organisation.c.code)


def row_of(each: Organisation, now: datetime) -> dict[str, object]:
    """Its row."""
    row = {name: getattr(each, name) for name in Organisation.__dataclass_fields__}
    return row | {
        "status": each.status.value,
        "address": list(each.address),
        "role_codes": list(each.role_codes),
        "search_text": search_text(each),
        "updated_at": now,
    }


def _organisation_of(row: Row[tuple[object, ...]]) -> Organisation:
    fields = row._mapping
    kept = {name: fields[name] for name in Organisation.__dataclass_fields__}
    lists = {name: tuple(fields[name]) for name in ("address", "role_codes")}
    return Organisation(**kept | lists | {"status": OrganisationStatus(fields["status"])})


def _summary_of(row: Row[tuple[object, ...]]) -> OrganisationSummary:
    fields = row._mapping
    kept = {name: fields[name] for name in OrganisationSummary.__dataclass_fields__}
    return OrganisationSummary(**kept | {"status": OrganisationStatus(fields["status"])})
