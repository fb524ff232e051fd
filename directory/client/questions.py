"""The questions and how each is decided, apart from how they travel.

A question checks what it is about when it is made. Asked, it is a dialogue: a generator that yields requests,
is sent their answers and returns the decision. All requests of a dialogue go over one connection. A dialogue
may be begun again on another connection, as none changes anything.

No question is ever answered with a no because something failed or may not be seen: not knowing is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import UTC, datetime
from typing import TypeVar

from directory import names
from directory.client import requests
from directory.client.requests import Request, Scope, all_of, any_of, at_most, equal, none_of, present
from directory.client.responses import (
    COMPARE_FALSE,
    COMPARE_TRUE,
    NO_SUCH_ATTRIBUTE,
    NO_SUCH_OBJECT,
    SUCCESS,
    Answer,
    FoundEntry,
)
from directory.client.results import Endpoint, Role, coded, moment_from
from directory.errors import DirectoryRefused, SeveralAnswers
from directory.people import ACTIVE

Decision = TypeVar("Decision")
Dialogue = Generator[Request, Answer, Decision]
Question = Callable[[], Dialogue[Decision]]

_CHECK = "check a role"
_ROLES = "read roles"
_ENDPOINT = "look up an endpoint"


def may(uid: str, activity: str, organisation: str) -> Question[bool]:
    """Whether the person holds the activity there now: one Compare on ``spineAccess``.

    Raises:
        InvalidIdentifier: one of the three is not of its form.
    """
    right = names.right(organisation, activity)
    request = requests.compare(_CHECK, names.person_dn(uid), "spineAccess", right)

    def dialogue() -> Dialogue[bool]:
        answer = yield request
        if answer.result_code == COMPARE_TRUE:
            return True
        if answer.result_code == NO_SUCH_OBJECT:
            yield from _must_see("People", names.PEOPLE, _CHECK)
        elif answer.result_code not in (COMPARE_FALSE, NO_SUCH_ATTRIBUTE):
            raise _refusal(_CHECK, answer)
        return False

    return dialogue


def may_at(uid: str, activity: str, organisation: str, moment: datetime) -> Question[bool]:
    """Whether a role held at ``moment`` carries the activity there: one search.

    Raises:
        InvalidIdentifier: one of the three is not of its form.
        ValueError: ``moment`` has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("A moment needs a time zone.")
    when = f"{moment.astimezone(UTC):%Y%m%d%H%M%S}Z"
    # Nothing here may make slapd read an index that many people share: it would read all of their entries'
    # numbers for the few below one person. So no object class; and the organisation stands twice negated,
    # which means the same and is looked up in no index.
    held = all_of(
        none_of(none_of(equal("nhsIDCode", names.code(organisation, "organisation code")))),
        equal("spineResolvedActivity", names.code(activity, "activity code")),
        at_most("spineStart", when),
        none_of(at_most("spineEnd", when)),
    )
    # The person's own entry comes with it: a no is known to be one, without asking again what we may see.
    wanted = any_of(equal("nhsPersonStatus", ACTIVE), held)
    person = names.person_dn(uid)
    request = requests.search(_CHECK, person, Scope.SUBTREE, wanted, requests.NO_ATTRIBUTES)

    def dialogue() -> Dialogue[bool]:
        found = _found(_CHECK, (yield request))
        if not found:
            yield from _must_see("People", names.PEOPLE, _CHECK)
        return any(not entry.dn.lower().startswith("uid=") for entry in found)

    return dialogue


_ROLE_ATTRIBUTES = (
    *("objectClass", "nhsPersonStatus", "uniqueIdentifier", "nhsIDCode", "nhsJobRoleCode", "spineJobRole"),
    *("spineOrganisation", "spineResolvedActivity", "spineActivity", "spineAreaOfWork", "spineWorkgroup"),
    *("spineStart", "spineEnd"),
)


def roles(uid: str) -> Question[tuple[Role, ...]]:
    """All published role profiles of an active person, ended and coming ones too: one search.

    Raises:
        InvalidIdentifier: the uid is not of its form.
    """
    person = names.person_dn(uid)
    everything = present("objectClass")
    request = requests.search(_ROLES, person, Scope.SUBTREE, everything, _ROLE_ATTRIBUTES)

    def dialogue() -> Dialogue[tuple[Role, ...]]:
        found = _found(_ROLES, (yield request))
        if not found:
            yield from _must_see("People", names.PEOPLE, _ROLES)
        active = any(_is_active(entry) for entry in found if _is_a(entry, "nhsPerson"))
        return tuple(_role(entry) for entry in found if active and _is_a(entry, "nhsOrgPersonRole"))

    return dialogue


def endpoint(organisation: str, interaction: str, party_key: str | None = None) -> Question[Endpoint | None]:
    """The message handling system of an organisation for one interaction; None when there is none.

    Raises:
        InvalidIdentifier: one of them is not of its form.
    """
    terms = [
        equal("nhsIDCode", names.code(organisation, "organisation code")),
        equal("nhsMhsSvcIA", names.interaction(interaction)),
    ]
    if party_key is not None:
        terms.append(equal("nhsMHSPartyKey", names.code(party_key, "party key")))
    wanted = all_of(*terms)
    request = requests.search(_ENDPOINT, names.SERVICES, Scope.ONE_LEVEL, wanted, tuple(_ENDPOINT_FIELDS))

    def dialogue() -> Dialogue[Endpoint | None]:
        found = _found(_ENDPOINT, (yield request))
        if not found:
            yield from _must_see("Services", names.SERVICES, _ENDPOINT)
            return None
        return _the_one([_endpoint(entry) for entry in found])

    return dialogue


def _the_one(found: list[Endpoint]) -> Endpoint:
    if len(found) > 1:
        keys = ", ".join(sorted(one.party_key for one in found))
        raise SeveralAnswers(f"{len(found)} endpoints fit, of the party keys {keys}. Ask with a party key.")
    return found[0]


def _must_see(branch: str, dn: str, purpose: str) -> Dialogue[None]:
    """Nothing was found; but to one who may see nothing of a branch, everything looks missing.

    Raises:
        DirectoryRefused: this connection may not see the branch.
    """
    answer = yield requests.compare(purpose, dn, "ou", branch)
    if answer.result_code != COMPARE_TRUE:
        raise DirectoryRefused(purpose, answer.result_code, f"this system may not see ou={branch}")


def _found(purpose: str, answer: Answer) -> list[FoundEntry]:
    """The entries of a search that was answered in full; a missing base holds none."""
    if answer.result_code == NO_SUCH_OBJECT:
        return []
    if answer.result_code != SUCCESS:
        raise _refusal(purpose, answer)
    return answer.entries


def _refusal(purpose: str, answer: Answer) -> DirectoryRefused:
    return DirectoryRefused(purpose, answer.result_code, answer.description or "no answer to the question")


def _is_a(entry: FoundEntry, object_class: str) -> bool:
    return object_class.lower() in map(str.lower, entry.values("objectClass"))


def _is_active(person: FoundEntry) -> bool:
    return _published(person, "nhsPersonStatus") == ACTIVE


def _published(entry: FoundEntry, attribute: str) -> str:
    """An attribute that is always there: if it is not, we may not read it, and so do not know.

    Raises:
        DirectoryRefused: it is not there.
    """
    values = entry.values(attribute)
    if not values:
        raise DirectoryRefused(f"read {attribute}", SUCCESS, "this system may not see it")
    return values[0]


def _role(entry: FoundEntry) -> Role:
    return Role(
        id=_published(entry, "uniqueIdentifier"),
        organisation=coded(_published(entry, "spineOrganisation")),
        job_role=coded(_first(entry, "spineJobRole")),
        job_role_code=_first(entry, "nhsJobRoleCode"),
        activities=frozenset(entry.values("spineResolvedActivity")),
        granted=tuple(map(coded, entry.values("spineActivity"))),
        areas_of_work=tuple(map(coded, entry.values("spineAreaOfWork"))),
        workgroups=tuple(map(coded, entry.values("spineWorkgroup"))),
        starts_at=moment_from(_published(entry, "spineStart")),
        ends_at=moment_from(_published(entry, "spineEnd")),
    )


_ENDPOINT_FIELDS = {
    "nhsMHSEndPoint": "address",
    "nhsIDCode": "organisation",
    "nhsMhsSvcIA": "interaction",
    "nhsMHSPartyKey": "party_key",
    "uniqueIdentifier": "id",
    "nhsMhsCPAId": "cpa_id",
    "nhsMhsFQDN": "fqdn",
    "nhsMHSRetries": "retries",
    "nhsMHSRetryInterval": "retry_interval",
    "nhsMHSPersistDuration": "persist_duration",
    "nhsMHSDuplicateElimination": "duplicate_elimination",
    "nhsMHSAckRequested": "ack_requested",
    "nhsMHSSyncReplyMode": "sync_reply",
    "nhsMHSActor": "actor",
}


def _endpoint(entry: FoundEntry) -> Endpoint:
    _published(entry, "nhsMHSEndPoint")
    return Endpoint(**{field: _first(entry, name) for name, field in _ENDPOINT_FIELDS.items()})


def _first(entry: FoundEntry, attribute: str) -> str:
    return next(iter(entry.values(attribute)), "")
