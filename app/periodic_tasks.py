"""What the worker does now and then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from app.storage.database import Database
from app.worker import PeriodicTask


class Sealing(Protocol):
    """The CA process, which verifies the chain and seals its head."""

    def seal_audit_head(self) -> int: ...


class Trimming(Protocol):
    """The directory's writer, which keeps the change log short."""

    def trim_changelog(self) -> None: ...


class Sweeping(Protocol):
    """Looks for what has changed by itself, and keeps it."""

    def sweep(self) -> int: ...


class Comparing(Protocol):
    """Compares the directory with the database, a slice at each call."""

    def compare_some(self) -> None: ...


def announce_begun_and_ended_roles(database: Database) -> None:
    """Announce the people whose roles began or ended with the day, so that the directory says so."""
    with database.change() as work:
        for uid in work.sweeps.people_with_changed_roles():
            work.outbox.add("directory.person", uid)


def seal_new_events(database: Database, sealing: Sealing) -> None:
    """Have the audit's head sealed when there are events after the last seal.

    Raises:
        Unavailable, Refusal: as the CA process answers.
    """
    with database.read() as work:
        head, last = work.audit.head(), work.audit.last_seal()
    if head.seq > (last.seq if last else 0):
        sealing.seal_audit_head()


def forget_what_is_over(database: Database, keep: timedelta) -> None:
    """Remove what nobody needs: outbox rows published and sessions ended before ``keep``, ended limits."""
    with database.change() as work:
        work.outbox.forget_published(work.now - keep)
        work.sessions.forget_old(work.now - keep)
        work.rate_limits.forget_ended()
        work.unlock_codes.forget_ended()


def directory_tasks(database: Database, directory: Trimming) -> list[PeriodicTask]:
    """What belongs to the directory."""
    return [
        PeriodicTask("roles", timedelta(seconds=30), lambda: announce_begun_and_ended_roles(database)),
        PeriodicTask("change log", timedelta(hours=1), directory.trim_changelog),
    ]


def comparing_tasks(comparing: Comparing) -> list[PeriodicTask]:
    """What sees that the directory stays equal to the database.

    A slice of 200 entries every five seconds takes a twentieth of a processor; a nation is gone round in nine
    hours.
    """
    return [PeriodicTask("comparing", timedelta(seconds=5), comparing.compare_some)]


def authority_tasks(
    database: Database, authority: Sealing, renew_crls: Callable[[], object]
) -> list[PeriodicTask]:
    """What the certificate authority is asked to do."""
    return [
        PeriodicTask("seal", timedelta(seconds=5), lambda: seal_new_events(database, authority)),
        PeriodicTask("crls", timedelta(minutes=5), renew_crls),
    ]


def card_tasks(expiring: Sweeping) -> list[PeriodicTask]:
    """What time makes of cards."""
    return [PeriodicTask("cards growing old", timedelta(minutes=1), expiring.sweep)]


def distrusting_tasks(sessions: Sweeping, systems: Sweeping) -> list[PeriodicTask]:
    """What ends when the root has revoked an issuing CA: its cards' sessions, its systems' certificates."""
    return [
        PeriodicTask("sessions of a revoked authority", timedelta(seconds=30), sessions.sweep),
        PeriodicTask("systems of a revoked authority", timedelta(seconds=30), systems.sweep),
    ]


def clearing_tasks(database: Database) -> list[PeriodicTask]:
    """What clears up."""
    keep = timedelta(days=7)
    return [PeriodicTask("forget", timedelta(hours=1), lambda: forget_what_is_over(database, keep))]
