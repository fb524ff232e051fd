"""Locking out: a system whose certificates are all revoked or over reads nothing, on open connections too."""

from __future__ import annotations

from app.adapters.directory_entries import locked_out_systems
from app.storage.database import Database


class LockingOutSystems:
    """Announces systems when they are locked out, and when they are no more.

    Certificates end by themselves, so this is looked for, not waited for.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._announced: set[str] = set()

    def announce(self) -> int:
        """Announce those that changed sides since the last call; at the first, all that are locked out.

        Raises:
            Unavailable
        """
        with self._database.read() as work:
            now = locked_out_systems(work)
        changed = sorted(now ^ self._announced)
        if changed:
            with self._database.change() as work:
                for asid in changed:
                    work.outbox.add("directory.system", asid)
        self._announced = now
        return len(changed)
