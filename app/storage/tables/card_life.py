"""The life of a card in the database: triggers that refuse an illegal move, and the moves that people gave.

Both are made of the one table in ``app.domain.card_move``, so that no code, script or hand in the database
can take a card where the table does not lead.
"""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    event,
)

from app.domain.card_move import MOVES, Place, steps
from app.storage.tables.append_only import keep_append_only
from app.storage.tables.base import UtcDateTime, metadata
from app.storage.tables.cards import card

REFUSED = "a card cannot go that way"


def _listed(words: list[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


_STEPS = _listed([f"{source.value}>{to.value}" for source, to in steps()])
_GIVEN = [move for move in MOVES if move.place in (Place.PAGE, Place.DESK)]
_GIVEN_STEPS = _listed(
    [f"{move.verb}:{source.value}>{move.to.value}" for move in _GIVEN for source in sorted(move.sources)]
)
_OF_HOLDERS = _listed([move.verb for move in _GIVEN if move.holder_may])
_WITNESSED = _listed([move.verb for move in _GIVEN if move.witnessed])


def statements(dialect: str) -> list[str]:
    """The DDL of the triggers in ``dialect`` (``sqlite`` or ``postgresql``)."""
    if dialect == "sqlite":
        return [
            "CREATE TRIGGER card_moves_legally BEFORE UPDATE OF status ON card"
            " WHEN OLD.status <> NEW.status"
            f" AND OLD.status || '>' || NEW.status NOT IN ({_STEPS})"
            f" BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
        ]
    return [
        "CREATE FUNCTION card_moves_legally() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF OLD.status || '>' || NEW.status NOT IN ({_STEPS}) THEN"
        f" RAISE EXCEPTION '{REFUSED}' USING ERRCODE = 'check_violation'; END IF;"
        " RETURN NEW; END $$",
        "CREATE TRIGGER card_moves_legally BEFORE UPDATE OF status ON card FOR EACH ROW"
        " WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION card_moves_legally()",
    ]


@event.listens_for(card, "after_create")
def _create_triggers(_: Table, connection: Connection, **__: object) -> None:
    for statement in statements(connection.dialect.name):
        connection.execute(DDL(statement))  # type: ignore[no-untyped-call]


card_move = Table(
    "card_move",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("card_serial", ForeignKey("card.serial"), nullable=False, index=True),
    Column("verb", String(20), nullable=False),
    Column("from_status", String(20), nullable=False),
    Column("to_status", String(20), nullable=False),
    Column("holder_uid", ForeignKey("person.uid")),
    Column("given_by", ForeignKey("person.uid"), nullable=False),
    Column("given_at", UtcDateTime, nullable=False),
    Column("reason", String(40), nullable=False),
    Column("witness_uid", ForeignKey("person.uid")),
    Column("note", Text, nullable=False),
    CheckConstraint(f"verb || ':' || from_status || '>' || to_status IN ({_GIVEN_STEPS})", name="is_legal"),
    CheckConstraint(
        f"holder_uid IS NULL OR given_by <> holder_uid OR verb IN ({_OF_HOLDERS})",
        name="not_of_ones_own_card",
    ),
    CheckConstraint(f"verb NOT IN ({_WITNESSED}) OR witness_uid IS NOT NULL", name="has_a_witness"),
    CheckConstraint("witness_uid <> given_by", name="witness_is_somebody_else"),
)

keep_append_only(card_move)
