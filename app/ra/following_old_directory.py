"""Following the directory that is migrated from, change by change, until the cut-over.

Each change is one transaction with one audit event, which also notes its number: a follower that was killed
goes on where it was. A modification is applied to what our directory shows of the entry and taken over like
an entry of a file. What cannot be followed (an entry that was not taken over, a renaming) is kept as a
finding, and a newer LDIF mends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.domain.actor import Actor
from app.errors import Refusal
from app.ra.importing_directory import require_not_ended
from app.ra.migration_ports import Database, Finding, Fragments, OldChange, OldLog, Present, Work
from app.ra.old_entries import NAME, TWELVE_DIGITS, Kind, OldEntry, rdns_of
from app.ra.taking_over import announcement_of, take_over

Attributes = Mapping[str, tuple[str, ...]]
_OF_PEOPLE = (Kind.PERSON, Kind.PLACE, Kind.ROLE)
TAKEN_OVER, PASSED_OVER, NOT_FOLLOWED = "taken over", "passed over", "not followed"


class ChangesMissed(Refusal):
    """The old directory's log no longer holds, or never held, the next change."""

    code: ClassVar[str] = "changes_missed"


class WhereToBegin(Refusal):
    """Nobody has said after which change to begin."""

    code: ClassVar[str] = "where_to_begin"


class NotFollowed(Exception):
    """The change cannot be taken over; the message says why."""


@dataclass(frozen=True)
class Followed:
    """How far the following came: the last number, and how many changes there were since the call began."""

    number: int
    changes: int


class FollowingOldDirectory:
    """Takes over the old directory's changes.

    Args:
        present: what our directory shows, to which modifications are applied.
        fragments: reads the changes' LDIF.
    """

    def __init__(self, database: Database, log: OldLog, present: Present, fragments: Fragments) -> None:
        self._database = database
        self._log = log
        self._present = present
        self._fragments = fragments

    def catch_up(self, actor: Actor, since: int | None = None) -> Followed:
        """Take over every change after the last one taken over, or after ``since`` the first time.

        Raises:
            MigrationEnded: the cut-over has happened; nothing more is followed.
            WhereToBegin, ChangesMissed
            Unavailable: the old directory does not answer; call again.
        """
        begun = number = self._after(since)
        first, last = self._log.held()
        if number + 1 < first:
            raise ChangesMissed(
                f"The log at {self._log.source} begins with {first}; change {number + 1} is gone. Import a"
                f" newer LDIF, then follow with --since."
            )
        while number < last:
            number += 1
            self._follow(actor, self._change(number))
        return Followed(number, number - begun)

    def _after(self, since: int | None) -> int:
        with self._database.read() as work:
            require_not_ended(work)
            state = work.migrated.state()
        if state is None:
            raise WhereToBegin("Nothing was taken over yet. Import the old directory's LDIF first.")
        known = state.followed_to if since is None else since
        if known is None:
            raise WhereToBegin("Say with --since which change was the last one when the LDIF was written.")
        return known

    def _change(self, number: int) -> OldChange:
        change = self._log.change(number)
        if change is None:
            raise ChangesMissed(
                f"Change {number} is not in the log at {self._log.source}. Import a newer LDIF, then follow"
                " with --since."
            )
        return change

    def _follow(self, actor: Actor, change: OldChange) -> None:
        with self._database.audited(
            actor, "migration.change_taken_over", change.dn, number=change.number, type=change.type
        ) as work:
            require_not_ended(work)
            work.audit.details(outcome=self._outcome(work, change))
            work.migrated.note_followed(change.number)

    def _outcome(self, work: Work, change: OldChange) -> str:
        kind = kind_of(change.dn)
        if kind is None:
            return PASSED_OVER
        try:
            self._apply(work, kind, change)
        except NotFollowed as reason:
            finding = Finding(self._log.source, change.number, change.dn, "refused", str(reason))
            work.migrated.note([finding])
            return NOT_FOLLOWED
        return TAKEN_OVER

    def _apply(self, work: Work, kind: Kind, change: OldChange) -> None:
        match change.type:
            case "add":
                self._take(work, change, self._fragments.attributes(change.changes))
            case "modify":
                self._modify(work, change)
            case "delete":
                self._end(work, kind, change)
            case _:
                raise NotFollowed(f"A change of type {change.type} is not followed. Import a newer LDIF.")

    def _modify(self, work: Work, change: OldChange) -> None:
        present = self._present.attributes(work, change.dn)
        if present is None:
            raise NotFollowed("The entry was not taken over, so its change was not either.")
        self._take(work, change, self._fragments.modified(present, change.changes))

    def _take(self, work: Work, change: OldChange, attributes: Attributes | None) -> None:
        if attributes is None:
            raise NotFollowed("What was changed cannot be read.")
        entry = OldEntry(self._log.source, change.number, change.dn, attributes)
        if entry.kind is None:
            raise NotFollowed("Entries of its classes are not taken over.")
        batch = take_over(work, entry.kind, [entry])
        for topic, key in batch.announcements:
            work.outbox.add(topic, key)
        if batch.counts["refused"]:
            # take_over has kept the reason.
            work.audit.details(refused=batch.findings[0].reason)

    def _end(self, work: Work, kind: Kind, change: OldChange) -> None:
        parts = rdns_of(change.dn)
        topic, key = announcement_of(kind, parts)
        if not (TWELVE_DIGITS if kind in _OF_PEOPLE else NAME).fullmatch(key):
            raise NotFollowed("Nothing here has such a name, so nothing ended.")
        work.migrated.end(kind, parts[0][1])
        work.outbox.add(topic, key)


def kind_of(dn: str) -> Kind | None:
    """What stands at a DN; None where nothing is taken over. A system may be of either kind."""
    parts = rdns_of(dn)
    branch = next((value.lower() for name, value in parts if name == "ou"), "")
    depth = len(parts) - 2
    match branch, depth:
        case "people", 1 | 2 | 3:
            return (Kind.PERSON, Kind.PLACE, Kind.ROLE)[depth - 1]
        case "organisations", 1:
            return Kind.ORGANISATION
        case "services", 1:
            return (
                Kind.ACCREDITED_SYSTEM if len(parts[0][1]) == 12 and parts[0][1].isdigit() else Kind.ENDPOINT
            )
    return None
