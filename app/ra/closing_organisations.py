"""Organisations that close: a person decides what becomes of access there. Nothing ends by itself.

Three decisions: access ends on the organisation's last day; or its positions are handed on to the successor,
where everybody's access is asked for anew and granted by a second person; or the decision is postponed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date

from app.domain.actor import Actor
from app.domain.organisation import Organisation
from app.domain.organisation_closing import Closing, ClosingAlreadyDecided, ClosingStatus, must_end
from app.domain.permission import Permission
from app.domain.position import Position
from app.domain.role_profile import RoleProfile
from app.errors import InvalidInput, NotFound
from app.ra.closing_ports import Database, Work
from app.ra.handing_on import hand_on_positions
from app.ra.organisation_scope import OrganisationScope, OutsideOrganisation
from app.ra.records import PersonReference


@dataclass(frozen=True)
class ClosingSummary:
    """A closing as the list shows it: how many role profiles, people and positions hang on it."""

    closing: Closing
    organisation_name: str
    role_profiles: int
    people: int
    positions: int


@dataclass(frozen=True)
class EndingRole:
    """A role profile that would end, with the names of its holder and position."""

    profile: RoleProfile
    holder: PersonReference
    position_name: str


@dataclass(frozen=True)
class ClosingRecord:
    """One closing with everything that would end.

    Attributes:
        successor: who took over, where ODS says so.
    """

    closing: Closing
    organisation: Organisation
    successor: Organisation | None
    roles: tuple[EndingRole, ...]
    positions: tuple[Position, ...]


class ClosingOrganisations:
    """Shows organisations that close, and carries out what was decided."""

    def __init__(self, database: Database, scope: OrganisationScope) -> None:
        self._database = database
        self._scope = scope

    def waiting(self, actor: Actor) -> list[ClosingSummary]:
        """Those that the actor decides and that are not decided, postponed ones last.

        Raises:
            NotPermitted
        """
        actor.require(Permission.CLOSE_ORGANISATION)
        with self._database.read() as work:
            mine = [each for each in work.closings.all_open() if self._covers(work, actor, each)]
            mine.sort(key=lambda each: not each.waits_on(work.now.date()))
            names = work.organisations.names([each.organisation_code for each in mine])
            return [_summary(work, each, names) for each in mine]

    def closing(self, actor: Actor, closing_id: str) -> ClosingRecord:
        """One closing.

        Raises:
            NotPermitted, NotFound
        """
        actor.require(Permission.CLOSE_ORGANISATION)
        with self._database.read() as work:
            closing = work.closings.get(closing_id)
            if closing is None or not self._covers(work, actor, closing):
                raise _unknown()
            return _record(work, closing)

    def end_access(self, actor: Actor, closing_id: str) -> None:
        """Access ends on the organisation's last day, and its positions close.

        Raises:
            NotPermitted and its kinds, NotFound, ClosingAlreadyDecided
        """
        with self._deciding(actor, "organisation.access_ended", closing_id) as (work, closing):
            _end(work, closing)
            _decide(work, actor, closing, ClosingStatus.ENDED)

    def hand_on(self, actor: Actor, closing_id: str, successor_code: str) -> None:
        """The positions open at the successor, everybody's access there is asked for, and access here ends.

        Somebody else has to grant what is asked for here, as always.

        Raises:
            NotPermitted and its kinds, NotFound, ClosingAlreadyDecided
            InvalidInput: under ``successor``.
        """
        with self._deciding(actor, "organisation.access_handed_on", closing_id) as (work, closing):
            self._require_successor(work, actor, closing, successor_code)
            profiles, positions = _access(work, closing)
            requests = hand_on_positions(work, actor, closing, successor_code, profiles, positions)
            _end(work, closing)
            work.audit.details(requests=requests, successor=successor_code)
            _decide(work, actor, closing, ClosingStatus.HANDED_ON, successor_code=successor_code)

    def postpone(self, actor: Actor, closing_id: str, until: date, reason: str) -> None:
        """Leave everything as it is; the task waits again from that day on.

        Raises:
            NotPermitted and its kinds, NotFound, ClosingAlreadyDecided
            InvalidInput: under ``until`` or ``reason``.
        """
        details = {"until": until.isoformat(), "reason_given": reason.strip()[:200]}
        with self._deciding(actor, "organisation.closing_postponed", closing_id, **details) as (
            work,
            closing,
        ):
            _require_postponable(until, reason, work.now.date())
            _decide(work, actor, closing, ClosingStatus.OPEN, note=reason.strip()[:500], not_before=until)

    @contextmanager
    def _deciding(
        self, actor: Actor, event: str, closing_id: str, **details: str
    ) -> Iterator[tuple[Work, Closing]]:
        with self._database.audited(actor, event, self._subject_of(closing_id), **details) as work:
            actor.require(Permission.CLOSE_ORGANISATION)
            closing = work.closings.get_to_change(closing_id)
            if closing is None:
                raise _unknown()
            if not self._covers(work, actor, closing):
                raise OutsideOrganisation("This organisation is not yours and was not under yours.")
            if closing.status is not ClosingStatus.OPEN:
                raise ClosingAlreadyDecided("Somebody has decided this already. Look at the list again.")
            yield work, closing

    def _subject_of(self, closing_id: str) -> str:
        with self._database.read() as work:
            closing = work.closings.get(closing_id)
        return closing.organisation_code if closing else closing_id

    def _covers(self, work: Work, actor: Actor, closing: Closing) -> bool:
        """Whether the organisation is the actor's or under it, now or on its last day: that is when it
        leaves.
        """
        code, own = closing.organisation_code, actor.organisation_code
        if own is None:
            return False
        return self._scope.covers(work, actor, code) or work.organisations.is_under(
            code, own, closing.closes_on
        )

    def _require_successor(self, work: Work, actor: Actor, closing: Closing, code: str) -> None:
        found = work.organisations.get(code)
        if found is None or not found.is_open or code == closing.organisation_code:
            raise InvalidInput({"successor": f"{code or 'Nothing'} is the code of no open organisation."})
        self._scope.require(work, actor, code)


def _unknown() -> NotFound:
    return NotFound("There is no such task, or it is another registration authority's.")


def _require_postponable(until: date, reason: str, today: date) -> None:
    problems = {}
    if until <= today:
        problems["until"] = "Enter a day in the future."
    if not reason.strip():
        problems["reason"] = "Say why access goes on for now."
    if problems:
        raise InvalidInput(problems)


def _access(work: Work, closing: Closing) -> tuple[list[RoleProfile], list[Position]]:
    """The role profiles that go on after the organisation's last day, and its open positions."""
    code = closing.organisation_code
    held = [each for uid in work.closings.role_profile_owners(code) for each in work.role_profiles.of(uid)]
    ending = [each for each in held if each.organisation_code == code and must_end(each, closing.closes_on)]
    return ending, work.positions.at(code)


def _end(work: Work, closing: Closing) -> None:
    profiles, positions = _access(work, closing)
    ids, uids = [each.id for each in profiles], sorted({each.uid for each in profiles})
    work.closings.end_role_profiles(ids, closing.closes_on, work.now)
    work.closings.close_positions([each.id for each in positions])
    work.outbox.add_all("directory.person", uids)
    profiles_of_positions = (profile for each in positions for profile in each.access_profiles)
    with_groups = {each.organisation_code for each in profiles_of_positions if each.workgroups}
    work.outbox.add_all("directory.reference", sorted(with_groups))
    work.audit.details(
        closes_on=closing.closes_on.isoformat(),
        role_profiles=[*ids],
        positions=[each.id for each in positions],
    )


def _decide(work: Work, actor: Actor, closing: Closing, status: ClosingStatus, **more: object) -> None:
    decided = replace(closing, status=status, decided_by=actor.uid, decided_at=work.now, **more)  # type: ignore[arg-type]
    work.closings.decide(decided, actor.role_profile_id)


def _summary(work: Work, closing: Closing, names: dict[str, str]) -> ClosingSummary:
    profiles, positions = _access(work, closing)
    name = names.get(closing.organisation_code, closing.organisation_code)
    people = len({each.uid for each in profiles})
    return ClosingSummary(closing, name, len(profiles), people, len(positions))


def _record(work: Work, closing: Closing) -> ClosingRecord:
    organisation = work.organisations.get(closing.organisation_code)
    assert organisation is not None, "the closing's foreign key"
    profiles, positions = _access(work, closing)
    names = work.people.names([each.uid for each in profiles])
    position_names = work.positions.names([each.position_id for each in profiles])
    roles = tuple(
        EndingRole(
            each, PersonReference(each.uid, names.get(each.uid, each.uid)), position_names[each.position_id]
        )
        for each in profiles
    )
    successor = work.organisations.get(closing.successor_code or organisation.successor_code or "")
    return ClosingRecord(closing, organisation, successor, roles, tuple(positions))
