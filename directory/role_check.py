"""May this person do this activity at this organisation? The question other systems ask most.

Two forms:

* ``may`` is one Compare on ``spineAccess``, the cheapest thing slapd does. It is as current as the publisher
  keeps
  it: a grant or withdrawal shows within a second, a role's start or end date when the publisher's sweep acts
      on it.
* ``may_at`` is one search that decides by the role's start and end itself, current to the second, for about
  1.7 times the cost. Use it where a role that ended a minute ago must not pass.

Neither ever answers False because something failed: not knowing is an error.
"""

from __future__ import annotations

from datetime import UTC, datetime

from directory import names
from directory.connection import (
    COMPARE_FALSE,
    COMPARE_TRUE,
    DEFAULT_TIMEOUT,
    NO_SUCH_ATTRIBUTE,
    NO_SUCH_OBJECT,
    ClientTls,
    Reconnecting,
    Session,
    open_session,
)
from directory.errors import DirectoryRefused


class RoleChecker:
    """Asks a directory about people's rights, over one connection that is opened when needed and kept.

    Threads may share one. Make it once and keep it: connecting costs a hundred times a check.

    Args:
        url: ``ldaps://host:port``.
        tls: the asking system's certificate and key, and the authority of the server's certificate.
        timeout: seconds to wait for an answer before ``DirectoryUnavailable`` is raised.
    """

    def __init__(self, url: str, tls: ClientTls, timeout: int = DEFAULT_TIMEOUT) -> None:
        self._sessions = Reconnecting(lambda: open_session(url, tls, timeout))

    def may(self, uid: str, activity: str, organisation: str) -> bool:
        """Whether the person holds the activity at the organisation now. One Compare operation.

        Args:
            uid: 12-digit user id.
            activity: code, e.g. ``B0420``.
            organisation: ODS code, in capitals as it is issued.

        Raises:
            InvalidIdentifier: one of the three is not of its form.
            DirectoryUnavailable: no answer, after trying a new connection once.
            DirectoryRefused: this system may not ask, e.g. because it has been withdrawn.
        """
        person = names.person_dn(uid)
        right = f"{_organisation(organisation)}:{_activity(activity)}"
        return self._sessions.run(lambda session: _holds(session, person, right))

    def may_at(self, uid: str, activity: str, organisation: str, moment: datetime) -> bool:
        """Whether a role held at ``moment`` carries the activity at the organisation. One search operation.

        Raises:
            as ``may``; ValueError when ``moment`` has no time zone.
        """
        if moment.tzinfo is None:
            raise ValueError("A moment needs a time zone.")
        person = names.person_dn(uid)
        when = f"{moment.astimezone(UTC):%Y%m%d%H%M%S}Z"
        wanted = (
            f"(&(nhsIDCode={names.filter_value(_organisation(organisation))})"
            f"(spineResolvedActivity={names.filter_value(_activity(activity))})"
            f"(spineStart<={when})(!(spineEnd<={when})))"
        )
        return self._sessions.run(lambda session: _finds(session, person, wanted))

    def close(self) -> None:
        """Close the connection."""
        self._sessions.close()


def _organisation(value: str) -> str:
    return names.code(value, "organisation code")


def _activity(value: str) -> str:
    return names.code(value, "activity code")


def _holds(session: Session, person: str, right: str) -> bool:
    code = session.compare(person, "spineAccess", right)
    if code in (COMPARE_TRUE, COMPARE_FALSE):
        return code == COMPARE_TRUE
    if code == NO_SUCH_ATTRIBUTE:
        return False
    if code == NO_SUCH_OBJECT:
        _must_see_people(session)
        return False
    raise DirectoryRefused(f"compare {person}", code, "the role check was not answered")


def _finds(session: Session, person: str, wanted: str) -> bool:
    found = bool(session.search(person, wanted, attributes=("1.1",)))
    if not found:
        _must_see_people(session)
    return found


def _must_see_people(session: Session) -> None:
    """A person unknown to the directory has no rights; but to one who may see nobody, everybody looks
    unknown.

    Raises:
        DirectoryRefused: this connection may not see people.
    """
    if session.compare(names.PEOPLE, "ou", "People") != COMPARE_TRUE:
        raise DirectoryRefused("check a role", NO_SUCH_OBJECT, "this system may not see people")
