"""Prepared statements answer, and refuse, what the same statements answer through ``Connection.execute``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError, ProgrammingError

from app.storage.database import Database
from app.storage.prepared import Prepared
from app.storage.tables.outbox import outbox

NOW = datetime(2026, 11, 26, 12, 0, 0, 123, UTC)
ADD = Prepared(insert(outbox))
OF_TOPIC = select(outbox).where(outbox.c.topic == bindparam("topic")).order_by(outbox.c.id)


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.engine.begin() as opened:
        yield opened


def row(key: str, **more: object) -> dict[str, object]:
    of_times = {"created_at": NOW, "next_attempt_at": NOW}
    return {"topic": "test", "key": key, "payload": {"said": ["ü", 1, None]}, **of_times, **more}


def test_what_is_written_is_read_with_the_same_types(connection: Connection) -> None:
    assert ADD.change_each(connection, [row("one"), row("two")]) == 2
    assert ADD.change(connection, row("three")) == 1
    read = Prepared(OF_TOPIC).rows(connection, {"topic": "test"})
    assert [each._asdict() for each in read] == [
        each._asdict() for each in connection.execute(OF_TOPIC, {"topic": "test"})
    ]
    assert [(each.key, each.payload, each.created_at) for each in read] == [
        (key, {"said": ["ü", 1, None]}, NOW) for key in ("one", "two", "three")
    ]


def test_the_names_that_are_given_choose_what_is_set(connection: Connection) -> None:
    ADD.change(connection, row("one"))
    change = Prepared(
        update(outbox).where(outbox.c.key == bindparam("of")).values(attempts=outbox.c.attempts + 1)
    )
    change.change(connection, {"of": "one", "last_error": "it rained"})
    change.change(connection, {"of": "one", "published_at": NOW})
    changed = Prepared(OF_TOPIC).first(connection, {"topic": "test"})
    assert changed is not None
    assert (changed.attempts, changed.last_error, changed.published_at) == (2, "it rained", NOW)


def test_many_are_written_as_few_are(connection: Connection) -> None:
    ADD.change_each(connection, [row(str(number)) for number in range(50)])
    found = Prepared(OF_TOPIC).rows(connection, {"topic": "test"})
    assert [each.key for each in found] == [str(number) for number in range(50)]


def test_nothing_found_and_nothing_to_write(connection: Connection) -> None:
    assert ADD.change_each(connection, []) == 0
    assert Prepared(OF_TOPIC).first(connection, {"topic": "test"}) is None


def test_a_violated_constraint_is_told_without_the_values(connection: Connection) -> None:
    ADD.change(connection, row("one", id=7))
    with pytest.raises(IntegrityError) as violated:
        ADD.change(connection, row("secret of somebody", id=7))
    assert violated.value.hide_parameters
    assert violated.value.params is None


def test_a_value_that_is_left_out_is_a_fault_and_no_null(connection: Connection) -> None:
    with pytest.raises((KeyError, ProgrammingError), match="topic"):
        Prepared(OF_TOPIC).rows(connection)


def test_a_statement_whose_text_depends_on_its_values_is_not_prepared(connection: Connection) -> None:
    several = select(outbox).where(outbox.c.key.in_(bindparam("keys", expanding=True)))
    with pytest.raises(AssertionError, match="a list of values"):
        Prepared(several).rows(connection, {"keys": ["one"]})
