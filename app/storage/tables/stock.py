"""The stock of cards: places, postings, and the chain of each card's movements in double entry.

What holds whatever the code does:

- A movement has the place that it takes the card from and the place that it puts it to, so debits equal
  credits. It begins where the card's movement before it ended (the foreign key to the same table).
- ``stock_card`` says where each card is now. A trigger writes it with each movement, another lets it only go
  forward, and a foreign key ties it to a movement: so it is the latest place, and nothing else.
- Postings and movements are added and never change.
"""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    JSON,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)

from app.domain.stock import FIXED_PLACES, PlaceKind, PostingKind
from app.storage.tables.append_only import keep_append_only
from app.storage.tables.base import UtcDateTime, metadata


def _one_of(column: str, values: type[PlaceKind] | type[PostingKind]) -> str:
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


stock_place = Table(
    "stock_place",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("kind", String(12), nullable=False),
    Column("name", String(100), nullable=False, unique=True),
    Column("organisation_code", ForeignKey("organisation.code")),
    Column("low_at", Integer, nullable=False, server_default=text("0")),
    CheckConstraint(_one_of("kind", PlaceKind), name="kind_is_known"),
    CheckConstraint("low_at >= 0", name="low_at_is_a_number_of_cards"),
)

stock_posting = Table(
    "stock_posting",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", String(12), nullable=False),
    Column("by_uid", String(40), nullable=False),
    Column("role_profile", String(12)),
    Column("note", Text, nullable=False, server_default=""),
    # The delivery or finding that it belongs to.
    Column("reference", String(36)),
    CheckConstraint(_one_of("kind", PostingKind), name="kind_is_known"),
)

stock_movement = Table(
    "stock_movement",
    metadata,
    Column("serial", ForeignKey("card.serial"), primary_key=True),
    # The card's movements count from 1 without a gap.
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("previous_number", Integer),
    Column("posting_id", ForeignKey("stock_posting.id"), nullable=False, index=True),
    Column("from_place", ForeignKey("stock_place.id"), nullable=False, index=True),
    Column("to_place", ForeignKey("stock_place.id"), nullable=False, index=True),
    UniqueConstraint("serial", "number", "to_place"),
    ForeignKeyConstraint(
        ["serial", "previous_number", "from_place"],
        ["stock_movement.serial", "stock_movement.number", "stock_movement.to_place"],
        name="fk_stock_movement_begins_where_the_last_ended",
    ),
    CheckConstraint("from_place <> to_place", name="goes_somewhere"),
    CheckConstraint("(number = 1) = (previous_number IS NULL)", name="first_has_none_before"),
    CheckConstraint("previous_number = number - 1", name="follows_the_one_before"),
    CheckConstraint(
        "number > 1 OR from_place IN ('supplier', 'unexpected')", name="begins_with_a_delivery_or_unexpected"
    ),
)

# Where each card is now, and the number that its supplier printed on its back.
stock_card = Table(
    "stock_card",
    metadata,
    Column("serial", ForeignKey("card.serial"), primary_key=True),
    Column("place_id", ForeignKey("stock_place.id"), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("back_number", String(20), unique=True),
    ForeignKeyConstraint(
        ["serial", "number", "place_id"],
        ["stock_movement.serial", "stock_movement.number", "stock_movement.to_place"],
        name="fk_stock_card_is_where_a_movement_put_it",
    ),
)

stock_delivery = Table(
    "stock_delivery",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("file_name", String(200), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("supplier", String(100), nullable=False),
    Column("place_id", ForeignKey("stock_place.id"), nullable=False),
    Column("status", String(10), nullable=False),
    Column("handed_in_by", String(40), nullable=False),
    Column("handed_in_at", UtcDateTime, nullable=False),
    Column("decided_by", String(40)),
    Column("decided_role_profile", String(12)),
    Column("decided_at", UtcDateTime),
    # [[serial, card profile, back number]], and [[line, row, reason]] of those that are not loaded.
    Column("cards", JSON, nullable=False),
    Column("refused", JSON, nullable=False),
    CheckConstraint("status IN ('previewed', 'applied', 'discarded')", name="status_is_known"),
    CheckConstraint("status = 'previewed' OR decided_by IS NOT NULL", name="somebody_decided"),
)

stock_take = Table(
    "stock_take",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("place_id", ForeignKey("stock_place.id"), nullable=False),
    Column("status", String(10), nullable=False),
    Column("counted_by", String(40), nullable=False),
    Column("counted_role_profile", String(12)),
    Column("begun_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
    # How many cards the ledger had there when it was closed.
    Column("expected", Integer),
    CheckConstraint("status IN ('open', 'closed', 'abandoned')", name="status_is_known"),
    CheckConstraint("(status = 'open') = (closed_at IS NULL)", name="closed_has_a_time"),
    Index(
        "uq_stock_take_open_place",
        "place_id",
        unique=True,
        sqlite_where=text("status = 'open'"),
        postgresql_where=text("status = 'open'"),
    ),
)

# The serials that were seen there; some may be of no card that we know.
stock_count = Table(
    "stock_count",
    metadata,
    Column("stock_take_id", ForeignKey("stock_take.id"), primary_key=True),
    Column("serial", String(40), primary_key=True),
    Column("counted_at", UtcDateTime, nullable=False),
)

stock_finding = Table(
    "stock_finding",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("kind", String(12), nullable=False),
    Column("serial", String(40), nullable=False),
    Column("stock_take_id", ForeignKey("stock_take.id"), index=True),
    # Where it was missed or seen.
    Column("place_id", ForeignKey("stock_place.id"), nullable=False),
    Column("raised_at", UtcDateTime, nullable=False),
    Column("raised_by", String(40), nullable=False),
    Column("status", String(10), nullable=False),
    Column("decision", String(12)),
    Column("settled_by", String(40)),
    Column("settled_role_profile", String(12)),
    Column("settled_at", UtcDateTime),
    Column("note", Text, nullable=False, server_default=""),
    CheckConstraint("kind IN ('missing', 'surplus', 'wrong_place', 'unexpected')", name="kind_is_known"),
    CheckConstraint("status IN ('open', 'settled')", name="status_is_known"),
    CheckConstraint(
        "decision IN ('write_off', 'found', 'take_in', 'move_here', 'leave')", name="decision_is_known"
    ),
    CheckConstraint("(status = 'settled') = (settled_by IS NOT NULL)", name="somebody_settled_it"),
    CheckConstraint("settled_by <> raised_by", name="two_people"),
    Index(
        "uq_stock_finding_open",
        "serial",
        "kind",
        unique=True,
        sqlite_where=text("status = 'open'"),
        postgresql_where=text("status = 'open'"),
    ),
)

keep_append_only(stock_posting)
keep_append_only(stock_movement)

_MOVES_CARD = (
    "INSERT INTO stock_card (serial, place_id, number) VALUES (NEW.serial, NEW.to_place, NEW.number)"
    " ON CONFLICT (serial) DO UPDATE SET place_id = excluded.place_id, number = excluded.number;"
)
_ONLY_FORWARD = "NEW.number <= OLD.number AND (NEW.place_id <> OLD.place_id OR NEW.number <> OLD.number)"


def following_statements(dialect: str) -> list[str]:
    """The triggers that have ``stock_card`` follow the movements, and never go back."""
    return _sqlite_triggers() if dialect == "sqlite" else _postgresql_triggers()


def _sqlite_triggers() -> list[str]:
    return [
        f"CREATE TRIGGER stock_card_follows AFTER INSERT ON stock_movement BEGIN {_MOVES_CARD} END",
        f"CREATE TRIGGER stock_card_goes_forward BEFORE UPDATE ON stock_card WHEN {_ONLY_FORWARD}"
        " BEGIN SELECT RAISE(ABORT, 'stock_card follows the movements'); END",
    ]


def _postgresql_triggers() -> list[str]:
    return [
        "CREATE FUNCTION stock_card_follows() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN {_MOVES_CARD} RETURN NULL; END $$",
        "CREATE TRIGGER stock_card_follows AFTER INSERT ON stock_movement"
        " FOR EACH ROW EXECUTE FUNCTION stock_card_follows()",
        "CREATE FUNCTION stock_card_goes_forward() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN IF {_ONLY_FORWARD} THEN RAISE EXCEPTION 'stock_card follows the movements'; END IF;"
        " RETURN NEW; END $$",
        "CREATE TRIGGER stock_card_goes_forward BEFORE UPDATE ON stock_card"
        " FOR EACH ROW EXECUTE FUNCTION stock_card_goes_forward()",
    ]


@event.listens_for(stock_card, "after_create")
def _create_triggers(_: Table, connection: Connection, **__: object) -> None:
    for statement in following_statements(connection.dialect.name):
        connection.execute(DDL(statement))  # type: ignore[no-untyped-call]


@event.listens_for(stock_place, "after_create")
def _add_fixed_places(_: Table, connection: Connection, **__: object) -> None:
    for place_id, kind, name in FIXED_PLACES:
        statement = (
            "INSERT INTO stock_place (id, kind, name)"  # noqa: S608 - our own constants
            f" VALUES ('{place_id}', '{kind.value}', '{name}')"
        )
        connection.execute(DDL(statement))  # type: ignore[no-untyped-call]
