"""What imports did, and the rows that they refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, insert, select

from app.ra.importing_rows import RefusedRow
from app.storage.tables.reference import import_refusal, import_run


class ImportRuns:
    """The record of imports."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def record(
        self, kind: str, source: str, counts: Mapping[str, int], refused: Iterable[RefusedRow], at: datetime
    ) -> None:
        """Keep what an import did and which rows it refused."""
        run = insert(import_run).values(kind=kind, source=source[:200], at=at, **counts)
        run_id = self._connection.scalar(run.returning(import_run.c.id))
        rows = [asdict(each) | {"run_id": run_id} for each in refused]
        if rows:
            self._connection.execute(insert(import_refusal), rows)

    def refused_lately(self, kind: str) -> list[RefusedRow]:
        """The rows that the newest import of this kind refused, in the files' order."""
        newest = (
            select(import_run.c.id)
            .where(import_run.c.kind == kind)
            .order_by(import_run.c.id.desc())
            .limit(1)
            .scalar_subquery()
        )
        columns = [import_refusal.c[name] for name in RefusedRow.__dataclass_fields__]
        chosen = select(*columns).where(import_refusal.c.run_id == newest).order_by(import_refusal.c.id)
        return [RefusedRow(*row) for row in self._connection.execute(chosen)]
