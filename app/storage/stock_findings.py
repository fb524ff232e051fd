"""What differs between the stock ledger and what was seen, until a second person has decided on it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, bindparam, func, select, update

from app.domain.actor import Actor
from app.domain.stock_take import Decision, Finding, FindingKind
from app.storage.prepared import Prepared
from app.storage.tables.stock import stock_finding as _finding
from app.storage.upsert import INSERTS

_RAISE = Prepared({database: make(_finding).on_conflict_do_nothing() for database, make in INSERTS.items()})
_MISSED = Prepared(
    select(_finding.c.id)
    .where(_finding.c.serial == bindparam("serial"), _finding.c.kind == FindingKind.MISSING.value)
    .where(_finding.c.status == "open")
    .limit(1)
)


class StockFindings:
    """Findings of stock-takes, and cards that came unexpected."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def add(
        self,
        found: Iterable[tuple[FindingKind, str]],
        place_id: str,
        raised_by: str,
        stock_take_id: str | None = None,
    ) -> None:
        """Raise findings; one that is open already is not raised twice."""
        rows = [
            {
                "id": str(uuid4()),
                "kind": kind.value,
                "serial": serial,
                "place_id": place_id,
                "stock_take_id": stock_take_id,
                "raised_at": self._now,
                "raised_by": raised_by,
                "status": "open",
            }
            for kind, serial in found
        ]
        if rows:
            _RAISE.change_each(self._connection, rows)

    def get(self, finding_id: str) -> Finding | None:
        """The finding with this id."""
        return next(iter(self._select(_finding.c.id == finding_id)), None)

    def get_to_settle(self, finding_id: str) -> Finding | None:
        """The finding with this id; nobody else can settle it until this transaction ends."""
        chosen = select(_finding).where(_finding.c.id == finding_id).with_for_update()
        row = self._connection.execute(chosen).one_or_none()
        return _finding_of(row) if row else None

    def open(self, limit: int) -> list[Finding]:
        """Findings that nobody has decided on, oldest first."""
        return self._select(_finding.c.status == "open", limit=limit)

    def open_counts(self) -> dict[FindingKind, int]:
        """How many findings of each kind nobody has decided on."""
        chosen = select(_finding.c.kind, func.count()).where(_finding.c.status == "open")
        counted = {
            FindingKind(kind): number
            for kind, number in self._connection.execute(chosen.group_by(_finding.c.kind))
        }
        return {kind: counted.get(kind, 0) for kind in FindingKind}

    def of_take(self, stock_take_id: str) -> list[Finding]:
        """What a stock-take found."""
        return self._select(_finding.c.stock_take_id == stock_take_id)

    def is_missed(self, serial: str) -> bool:
        """Whether a stock-take missed the card and nobody has decided on that yet."""
        return _MISSED.first(self._connection, {"serial": serial}) is not None

    def settle(self, finding_id: str, decision: Decision, by: Actor, note: str) -> None:
        """Keep what was decided."""
        self._connection.execute(
            update(_finding)
            .where(_finding.c.id == finding_id)
            .values(
                status="settled",
                decision=decision.value,
                settled_by=by.uid,
                settled_role_profile=by.role_profile_id,
                settled_at=self._now,
                note=note,
            )
        )

    def _select(self, *conditions: Any, limit: int | None = None) -> list[Finding]:
        order = (_finding.c.raised_at, _finding.c.serial)
        chosen = select(_finding).where(*conditions).order_by(*order).limit(limit)
        return [_finding_of(row) for row in self._connection.execute(chosen)]


def _finding_of(row: Row[Any]) -> Finding:
    fields = {name: row._mapping[name] for name in Finding.__dataclass_fields__}
    decision = Decision(fields["decision"]) if fields["decision"] else None
    return Finding(**{**fields, "kind": FindingKind(fields["kind"]), "decision": decision})
