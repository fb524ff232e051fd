"""Every time that a card was printed. Rows are added and never change."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, String, Table, Text

from app.storage.tables.append_only import keep_append_only
from app.storage.tables.base import UtcDateTime, metadata

card_printing = Table(
    "card_printing",
    metadata,
    Column("card_serial", ForeignKey("card.serial"), primary_key=True),
    Column("holder_uid", ForeignKey("person.uid"), primary_key=True),
    # The first time for this holder is 1.
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("printed_at", UtcDateTime, nullable=False),
    Column("printed_by", String(40), nullable=False),
    Column("role_profile", String(12)),
    Column("sides", String(5), nullable=False),
    Column("reason", String(20), nullable=False),
    Column("note", Text, nullable=False),
    # SHA-256 of the PDF, hexadecimal.
    Column("digest", String(64), nullable=False),
    CheckConstraint("sides IN ('both', 'front', 'back')", name="sides_are_known"),
    CheckConstraint("(number = 1) = (reason = '')", name="again_takes_a_reason"),
    CheckConstraint("printed_by <> holder_uid", name="nobody_prints_their_own"),
)

keep_append_only(card_printing)
