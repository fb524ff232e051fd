"""What the start page shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.actor import Actor
from app.domain.permission import Permission
from app.signin.staff import StaffRole
from app.web.presenters.wording import counted


@dataclass(frozen=True)
class Task:
    """Something the person can do."""

    text: str
    href: str
    description: str


@dataclass(frozen=True)
class TaskGroup:
    """Tasks under one heading."""

    heading: str
    tasks: tuple[Task, ...]


@dataclass(frozen=True)
class HomePage:
    """A welcome and the tasks that this person's role allows.

    Attributes:
        alarms: sentences about the stock of cards that must not be overlooked.
    """

    welcome: str
    alarms: tuple[str, ...]
    groups: tuple[TaskGroup, ...]
    search_hint: str

    @classmethod
    def of(
        cls,
        actor: Actor,
        roles: Sequence[StaffRole],
        open_requests: int | None,
        open_issuances: int | None,
        closings: int | None = None,
        alarms: Sequence[str] | None = None,
    ) -> HomePage:
        """The page of one person; None as a count leaves its task out, no hint leaves the search out.

        Args:
            roles: those that the person can choose from today.
        """
        loads = (_LOADS,) if Permission.LOAD_ORGANISATIONS in actor.permissions else ()
        ahead = (_RENEWALS,) if Permission.FORECAST_RENEWALS in actor.permissions else ()
        groups = (
            TaskGroup(
                "Waiting for you",
                (
                    *_waiting(actor, open_requests, open_issuances),
                    *_closing(closings),
                    *_stock(alarms),
                ),
            ),
            TaskGroup("You", _own(actor, roles)),
            TaskGroup("Look up", (_ORGANISATIONS, _SIGNATURES, *loads, *ahead)),
        )
        finds_people = Permission.FIND_PEOPLE in actor.permissions
        return cls(
            welcome=_welcome(actor, roles),
            alarms=tuple(alarms or ()),
            groups=tuple(group for group in groups if group.tasks),
            search_hint=_what_for(actor) if finds_people else "",
        )


_ORGANISATIONS = Task("Find an organisation", "/organisations", "See its details and its positions.")


_SIGNATURES = Task(
    "Check a signature", "/signatures/verify", "See whether a prescription's signature is to be believed."
)
_RENEWALS = Task("Renewals to come", "/renewals", "How many cards end when, and whose end soon.")

_OTHER_ROLE = Task("Choose another role", "/sign-in/role", "Work in another role without entering your PIN.")

_LOADS = Task("Load organisations", "/organisation-loads", "Hand in a file, and see what it would change.")


def _closing(closings: int | None) -> tuple[Task, ...]:
    if closings is None:
        return ()
    waiting = f"{counted(closings, 'organisation')} to decide on."
    return (
        Task(
            "Organisations that close",
            "/closing-organisations",
            f"{waiting} End access there, or hand it on.",
        ),
    )


def _stock(alarms: Sequence[str] | None) -> tuple[Task, ...]:
    if alarms is None:
        return ()
    waiting = f"{counted(len(alarms), 'alarm')}." if alarms else "No alarm."
    return (Task("Card stock", "/card-stock", f"{waiting} Take deliveries in, move cards, count them."),)


def _waiting(actor: Actor, open_requests: int | None, open_issuances: int | None) -> tuple[Task, ...]:
    tasks = []
    if open_requests is not None and Permission.DECIDE_REQUEST not in actor.permissions:
        waiting = f"{counted(open_requests, 'request')} of yours not decided."
        tasks.append(Task("Your requests", "/requests", f"{waiting} See how they stand."))
    elif open_requests is not None:
        waiting = f"{counted(open_requests, 'request')} open."
        tasks.append(
            Task("Decide requests", "/requests", f"{waiting} Grant or reject what sponsors ask for.")
        )
    if open_issuances is not None:
        unfinished = f"{counted(open_issuances, 'card')} not finished."
        tasks.append(Task("Cards being issued", "/issuances", f"{unfinished} Go on with a card, or undo it."))
    return tuple(tasks)


def _what_for(actor: Actor) -> str:
    abilities = (
        (Permission.REGISTER_PERSON, "register somebody new"),
        (Permission.REQUEST_POSITION, "request a position"),
        (Permission.ISSUE_CARD, "issue a card"),
        (Permission.CANCEL_CARD, "report a card lost"),
        (Permission.UNLOCK_CARD, "unlock a card"),
        (Permission.RENEW_CARD, "renew a card"),
    )
    able = [text for permission, text in abilities if permission in actor.permissions]
    return f"Search first. Then you can {_listed(able)}." if able else "See somebody's details and access."


def _listed(texts: list[str]) -> str:
    *before, last = texts
    return f"{', '.join(before)} or {last}" if before else last


def _welcome(actor: Actor, roles: Sequence[StaffRole]) -> str:
    chosen = next((role for role in roles if role.role_profile_id == actor.role_profile_id), None)
    if chosen is None:
        return f"Signed in as {actor.name}, without a role."
    place = f"{chosen.organisation.name} ({chosen.organisation.code})"
    return f"Signed in as {actor.name}, {chosen.in_words}, at {place}."


def _own(actor: Actor, roles: Sequence[StaffRole]) -> tuple[Task, ...]:
    mine = Task("My access", "/my", "What you may do and where, and your card. Report your card lost.")
    if all(role.role_profile_id == actor.role_profile_id for role in roles):
        return (mine,)
    return (mine, _OTHER_ROLE)
