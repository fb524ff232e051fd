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

Values = Mapping[str, Any]
_Convert = Callable[[Any], Any]


class Prepared:
    """One statement of Core, executed within a transaction of SQLAlchemy, on either database.

    Errors are SQLAlchemy's (``IntegrityError``, ``OperationalError``, ...). A list of values (``IN``) must
    stand in the statement; values that are not known yet are single ones, by the names of ``bindparam``.

    Args:
        statement: what is executed.
        columns: names of the columns whose values an INSERT or UPDATE is given when it is executed.
    """

    def __init__(
        self, statement: Select[*tuple[Any, ...]] | Insert | Update | Delete, columns: Sequence[str] = ()
    ) -> None:
        self._statement = statement
        self._columns = list(columns)
        self._forms: dict[str, _Form] = {}

    def rows(self, connection: Connection, values: Values | None = None) -> list[Any]:
        """What a SELECT finds: named tuples, in its order."""
        form = self._form(connection)
        cursor = form.executed(connection, values or {})
        try:
            return [form.row(found) for found in cursor.fetchall()]
        finally:
            cursor.close()

    def first(self, connection: Connection, values: Values | None = None) -> Any | None:
        """The first row that a SELECT finds; None when there is none."""
        return next(iter(self.rows(connection, values)), None)

    def change(self, connection: Connection, values: Values | None = None) -> int:
        """Execute an INSERT, UPDATE or DELETE; how many rows it changed."""
        form = self._form(connection)
        cursor = form.executed(connection, values or {})
        try:
            return int(cursor.rowcount)
        finally:
            cursor.close()

    def change_each(self, connection: Connection, rows: Sequence[Values]) -> int:
        """Execute it for each of the rows of values; how many rows it changed in all."""
        return sum(self.change(connection, values) for values in rows)

    def _form(self, connection: Connection) -> _Form:
        form = self._forms.get(connection.dialect.name)
        if form is None:
            form = self._forms[connection.dialect.name] = _Form(
                self._statement, self._columns, connection.dialect
            )
        return form


class _Form:
    """The statement as one database takes it, and how values go in and come out."""

    def __init__(self, statement: Any, columns: list[str], dialect: Dialect) -> None:
        compiled: SQLCompiler = statement.compile(dialect=dialect, column_keys=columns or None)
        binds = {name: bind for bind, name in compiled.bind_names.items()}
        assert not any(bind.expanding for bind in binds.values()), "a list of values is no single value"
        self._sql = str(compiled)
        self._order = compiled.positiontup if compiled.positional else None
        self._given = {name: bind.effective_value for name, bind in binds.items() if not bind.required}
        self._into = [(name, _into(binds[name].type, dialect)) for name in binds]
        read = list(statement.selected_columns) if isinstance(statement, Select) else []
        row: Any = namedtuple("Row", [each.key or "_" for each in read], rename=True)  # type: ignore[misc]
        self._row: Callable[[Iterable[Any]], Any] = row._make
        self._out_of = [_out_of(each.type, dialect) for each in read]

    def executed(self, connection: Connection, values: Values) -> DBAPICursor:
        """The driver's cursor after executing it; its errors become SQLAlchemy's."""
        cursor = connection.connection.cursor()
        try:
            cursor.execute(self._sql, self._parameters(values))
        except connection.dialect.loaded_dbapi.Error as fault:
            raise self._translated(connection, fault) from fault
        return cursor

    def _parameters(self, values: Values) -> Any:
        known = {**self._given, **values} if self._given else values
        converted = {name: into(known[name]) if into else known[name] for name, into in self._into}
        return converted if self._order is None else [converted[name] for name in self._order]

    def row(self, found: Sequence[Any]) -> Any:
        """A row as it came from the driver, with values of Python."""
        pairs = zip(found, self._out_of, strict=True)
        return self._row(value if out_of is None else out_of(value) for value, out_of in pairs)

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
