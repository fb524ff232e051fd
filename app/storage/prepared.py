"""Statements that are compiled once and handed to the database's driver as they are.

SQLAlchemy's own way does for each execution what never changes: it looks the compiled statement up, arranges
values and types, and wraps every row. For a statement of a few microseconds, in a program that did something
else before, that is most of what it costs. So what is executed for every card goes this way.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Delete, Dialect, Insert, Select, Update
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

# Of more rows, what the driver is asked with counts for more than what SQLAlchemy does once for all.
_FEW = 4

Values = Mapping[str, Any]
_Statement = Select[*tuple[Any, ...]] | Insert | Update | Delete
_Convert = Callable[[Any], Any]


class Prepared:
    """One statement of Core, executed within a transaction of SQLAlchemy, on either database.

    Errors are SQLAlchemy's (``IntegrityError``, ``OperationalError``, ...). A list of values (``IN``) must
    stand in the statement; values that are not known yet are single ones, by the names of ``bindparam``.

    Args:
        statement: what is executed; by the database's name where its spellings differ
            (``app.storage.upsert``).
        columns: names of the columns whose values an INSERT or UPDATE is given when it is executed; by
            default those that an execution names, so that one statement serves for different ones.
    """

    def __init__(self, statement: _Statement | Mapping[str, _Statement], columns: Sequence[str] = ()) -> None:
        self._statement = statement
        self._columns = list(columns)
        self._forms: dict[tuple[str, ...], _Form] = {}

    def rows(self, connection: Connection, values: Values | None = None) -> list[Any]:
        """What a SELECT finds, or a change returns: named tuples, in its order."""
        form = self._form(connection, values or {})
        cursor = form.executed(connection, values or {})
        try:
            return [form.row(found) for found in cursor.fetchall()]
        finally:
            cursor.close()

    def first(self, connection: Connection, values: Values | None = None) -> Any | None:
        """The first of the rows; None when there is none."""
        return next(iter(self.rows(connection, values)), None)

    def change(self, connection: Connection, values: Values | None = None) -> int:
        """Execute an INSERT, UPDATE or DELETE; how many rows it changed."""
        form = self._form(connection, values or {})
        cursor = form.executed(connection, values or {})
        try:
            return int(cursor.rowcount)
        finally:
            cursor.close()

    def change_each(self, connection: Connection, rows: Sequence[Values]) -> int:
        """Execute it for each of the rows of values; how many rows it changed in all.

        Many go by SQLAlchemy, which sends them together.
        """
        if len(rows) > _FEW:
            return connection.execute(self._for(connection.dialect), rows).rowcount
        return sum(self.change(connection, values) for values in rows)

    def _form(self, connection: Connection, values: Values) -> _Form:
        key = (connection.dialect.name, *(self._columns or values))
        form = self._forms.get(key)
        if form is None:
            form = self._forms[key] = self._made(connection.dialect, self._columns or list(values))
        return form

    def _made(self, dialect: Dialect, columns: list[str]) -> _Form:
        return _Form(self._for(dialect), columns, dialect)

    def _for(self, dialect: Dialect) -> _Statement:
        chosen = self._statement
        return chosen[dialect.name] if isinstance(chosen, Mapping) else chosen


class _Form:
    """The statement as one database takes it, and how values go in and come out."""

    def __init__(self, statement: _Statement, columns: list[str], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=columns or None)
        assert isinstance(compiled, SQLCompiler)
        binds = {name: bind for bind, name in compiled.bind_names.items()}
        assert not any(bind.expanding for bind in binds.values()), "a list of values is no single value"
        assert not [*compiled.insert_prefetch, *compiled.update_prefetch], "a default is made by Python"
        self._sql = str(compiled)
        self._order = compiled.positiontup if compiled.positional else None
        self._given = {name: bind.effective_value for name, bind in binds.items() if not bind.required}
        # Most types go as they are: only the others are converted, one by one.
        into = ((name, _into(bind.type, dialect)) for name, bind in binds.items())
        self._into = [(name, convert) for name, convert in into if convert]
        read = list(statement.exported_columns)
        row: Any = namedtuple("Row", [each.key or "_" for each in read], rename=True)  # type: ignore[misc]
        self._row: Callable[[Iterable[Any]], Any] = row._make
        out_of = ((place, _out_of(each.type, dialect)) for place, each in enumerate(read))
        self._out_of = [(place, convert) for place, convert in out_of if convert]

    def executed(self, connection: Connection, values: Values) -> DBAPICursor:
        """The driver's cursor after executing it; its errors become SQLAlchemy's."""
        cursor = connection.connection.cursor()
        try:
            cursor.execute(self._sql, self._parameters(values))
        except connection.dialect.loaded_dbapi.Error as fault:
            raise self._translated(connection, fault) from fault
        return cursor

    def _parameters(self, values: Values) -> Any:
        known = {**self._given, **values}
        for name, into in self._into:
            known[name] = into(known[name])
        return known if self._order is None else [known[name] for name in self._order]

    def row(self, found: Sequence[Any]) -> Any:
        """A row as it came from the driver, with values of Python."""
        values = list(found)
        for place, out_of in self._out_of:
            values[place] = out_of(values[place])
        return self._row(values)

    def _translated(self, connection: Connection, fault: Exception) -> BaseException:
        dialect = connection.dialect
        base = dialect.loaded_dbapi.Error
        if isinstance(fault, base) and dialect.is_disconnect(fault, None, None):
            connection.invalidate(fault)
        return DBAPIError.instance(self._sql, None, fault, base, hide_parameters=True, dialect=dialect)


def _into(type_: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    return type_.dialect_impl(dialect).bind_processor(dialect)


def _out_of(type_: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    return type_.dialect_impl(dialect).result_processor(dialect, None)
