"""The stock ledger keeps its books: debits equal credits, and a balance is the cards that are there."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.domain.card import LEGAL_MOVES, LIVE, Card, CardStatus
from app.domain.stock import (
    DESK,
    DESTROYED,
    HOLDERS,
    LOST,
    MISSING,
    SUPPLIER,
    UNEXPECTED,
    PostingKind,
)
from app.ra.moving_cards import MoveAsked
from app.storage.database import Database
from app.storage.stock import Stock
from app.storage.tables.people import person
from app.storage.tables.stock import stock_card, stock_movement, stock_posting
from app.storage.work import Work
from tests.support.registration_authority import Office, another

NOW = datetime(2026, 11, 26, tzinfo=UTC)
SOURCES = {SUPPLIER, UNEXPECTED}
PLACES = [DESK, HOLDERS, LOST, MISSING, DESTROYED]
SERIALS = [f"{number:04d}" for number in range(6)]


def blank(serial: str) -> Card:
    return Card(serial, "softhsm", None, CardStatus.STOCK, NOW)


def deliver(work: Work, *serials: str) -> None:
    work.cards.add_delivered([blank(serial) for serial in serials])
    work.stock.post(PostingKind.DELIVERED, serials, DESK, source=SUPPLIER)


def require_kept(work: Work) -> None:
    """What must always be true of the whole ledger."""
    balances, begun = work.stock.balances(), work.stock.begun_at()
    assert sum(balances.values()) == 0
    there = Counter({place: blanks + others for place, (blanks, others) in work.stock.counts().items()})
    for place in {*balances, *there}:
        assert balances.get(place, 0) + begun.get(place, 0) == there[place], place
    assert set(begun) <= SOURCES
    assert work.stock.without_place() == []
    latest = {
        row.serial: row.to_place
        for row in work.connection.execute(select(stock_movement).order_by(stock_movement.c.number))
    }
    assert latest == {row.serial: row.place_id for row in work.connection.execute(select(stock_card))}


@dataclass(frozen=True)
class Step:
    """One thing that is done to the ledger: a card comes, is moved, or changes its status."""

    serial: str
    place: str | None = None
    nth_next: int = 0


STEPS = st.lists(
    st.one_of(
        st.builds(Step, st.sampled_from(SERIALS)),
        st.builds(Step, st.sampled_from(SERIALS), place=st.sampled_from(PLACES)),
        st.builds(Step, st.sampled_from(SERIALS), nth_next=st.integers(0, 8)),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_the_books_are_kept_whatever_happens_to_cards(sqlite_database: Database, steps: list[Step]) -> None:
    with sqlite_database.engine.connect() as connection, connection.begin() as transaction:
        work = Work(connection, NOW)
        for serial in SERIALS:
            add_person(work, holder_of(serial))
        for step in steps:
            take(work, step)
            require_kept(work)
        transaction.rollback()


def holder_of(serial: str) -> str:
    return f"70000000{serial}"


def add_person(work: Work, uid: str) -> None:
    names = ("title", "given_name", "middle_names", "family_name", "card_name", "given_name_key")
    work.connection.execute(
        insert(person).values(
            **dict.fromkeys((*names, "family_name_key", "email", "mobile"), "x"),
            uid=uid,
            status="active",
            assurance="migrated",
            photo=b"",
            registered_at=NOW,
            registered_by="system:test",
        )
    )


def take(work: Work, step: Step) -> None:
    card = work.cards.get(step.serial)
    if card is None:
        work.cards.add(blank(step.serial)) if step.place else deliver(work, step.serial)
    elif step.place is not None:
        if step.place != (place := work.stock.place_of(step.serial)) and place and place.id != step.place:
            work.stock.post(PostingKind.MOVED, [step.serial], step.place)
    elif following := sorted(LEGAL_MOVES[card.status]):
        status = following[step.nth_next % len(following)]
        if status is CardStatus.ASSIGNED:
            work.cards.assign(card, holder_of(step.serial))
        else:
            work.cards.move(card, status)
        require_status_agrees(work, step.serial, status)


def require_status_agrees(work: Work, serial: str, status: CardStatus) -> None:
    place = work.stock.place_of(serial)
    assert place is not None
    if status in LIVE:
        assert place.id == HOLDERS
    if status in (CardStatus.LOST, CardStatus.STOLEN):
        assert place.id == LOST
    if status is CardStatus.DESTROYED:
        assert place.id == DESTROYED
    if status in (CardStatus.STOCK, CardStatus.RECYCLED):
        assert place.is_kept


def test_an_issued_card_goes_to_its_holder_and_a_lost_one_is_lost(office: Office) -> None:
    person = office.person(another(71))
    card = office.card_for(person.uid)
    office.ra.card_moves.give(office.manager, card.serial, "report-lost", MoveAsked(note="Left on a bus"))
    with office.ra.database.read() as work:
        moves = [
            (each.from_place, each.to_place, each.kind, each.by_uid)
            for each in work.stock.movements_of(card.serial)
        ]
        require_kept(work)
    assert moves == [
        (UNEXPECTED, DESK, PostingKind.UNEXPECTED, office.manager.uid),
        (DESK, HOLDERS, PostingKind.FOLLOWED, office.manager.uid),
        (HOLDERS, LOST, PostingKind.FOLLOWED, office.manager.uid),
    ]


def _movement(work: Work, **changes: object) -> dict[str, object]:
    added = insert(stock_posting).values(at=NOW, kind="moved", by_uid="1").returning(stock_posting.c.id)
    return {
        "serial": "0001",
        "number": 2,
        "previous_number": 1,
        "from_place": DESK,
        "to_place": HOLDERS,
        "posting_id": work.connection.scalars(added).one(),
        **changes,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"from_place": LOST},
        {"to_place": DESK},
        {"number": 3, "previous_number": 1},
        {"number": 3, "previous_number": 2},
        {"previous_number": None},
        {"number": 1, "previous_number": None, "from_place": SUPPLIER},
        {"serial": "0002", "number": 1, "previous_number": None, "from_place": DESK},
        {"from_place": None},
        {"to_place": "nowhere"},
    ],
    ids=str,
)
def test_the_database_refuses_a_movement_that_does_not_continue_the_chain(
    database: Database, changes: dict[str, object]
) -> None:
    with database.change() as work:
        deliver(work, "0001")
        work.cards.add_delivered([blank("0002")])
    with pytest.raises(IntegrityError), database.change() as work:
        work.connection.execute(insert(stock_movement).values(_movement(work, **changes)))


@pytest.mark.parametrize(
    ("table", "change"),
    [("stock_posting", "note = ''"), ("stock_movement", "posting_id = 7")],
)
def test_the_ledger_only_grows(database: Database, table: str, change: str) -> None:
    with database.change() as work:
        deliver(work, "0001")
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET {change}"):
        with pytest.raises(DBAPIError, match=f"{table} only grows"), database.change() as work:
            work.connection.execute(text(statement))


def test_where_a_card_is_cannot_be_written_past_the_ledger(database: Database) -> None:
    with database.change() as work:
        deliver(work, "0001")
        work.stock.post(PostingKind.MOVED, ["0001"], HOLDERS)
    for place, number in ((DESK, 1), (DESK, 2), (HOLDERS, 1), (LOST, 3)):
        with pytest.raises(DBAPIError), database.change() as work:
            work.connection.execute(update(stock_card).values(place_id=place, number=number))
    with database.read() as work:
        require_kept(work)


def test_thousands_of_cards_move_in_one_posting(database: Database) -> None:
    serials = [f"{number:06d}" for number in range(2100)]
    with database.change() as work:
        deliver(work, *serials)
        work.stock.post(PostingKind.MOVED, serials, MISSING, note="a whole box")
    with database.read() as work:
        assert work.stock.counts() == {MISSING: (2100, 0)}
        assert work.stock.balances() == {SUPPLIER: -2100, DESK: 0, MISSING: 2100}
        require_kept(work)
        assert isinstance(work.stock, Stock)
