"""What a card's issuing asks of the database are statements that were made when the modules were loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.sql.dml import Delete, Insert, Update
from sqlalchemy.sql.selectable import Select

from app.domain.actor import Actor
from tests.support.registration_authority import Office, another


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every statement that is made from now on."""
    statements: list[object] = []

    def noting(make: Callable[..., None]) -> Callable[..., None]:
        def begin(statement: object, *arguments: Any, **named: Any) -> None:
            statements.append(statement)
            make(statement, *arguments, **named)

        return begin

    for kind in (Select, Insert, Update, Delete):
        monkeypatch.setattr(kind, "__init__", noting(kind.__init__))
    return statements


@pytest.fixture
def holder(office: Office) -> Actor:
    return office.person(another(5))


def test_issuing_a_card_makes_no_statement(office: Office, holder: Actor, made: list[object]) -> None:
    office.card_for(holder.uid)
    assert [str(statement) for statement in made] == []
