"""Finding systems and endpoints by what real clients know of them: organisation, interaction, party key."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import ldap3

from directory import names
from directory.connection import NO_SUCH_OBJECT, Session
from directory.entries import Record
from directory.errors import DirectoryRefused
from directory.reconnecting import Reconnecting

ACCREDITED_SYSTEM, MESSAGE_HANDLING_SYSTEM = "nhsAs", "nhsMhs"


class ServicesLookUp:
    """Searches below ``ou=Services``. Each thread that asks keeps a connection of its own.

    Args:
        connect: opens a session of a system that may read the services.
    """

    def __init__(self, connect: Callable[[], Session]) -> None:
        self._connect = connect
        self._thread = threading.local()
        self._all: list[Reconnecting[Session]] = []

    def find(self, object_class: str, terms: Mapping[str, str]) -> list[Record]:
        """The entries of the class that have all of these values.

        Args:
            terms: attribute and value; one at least must be of an indexed attribute. An empty value is
                left out.

        Raises:
            DirectoryUnavailable: no answer, after trying a new connection once.
            DirectoryRefused: a limit was reached, or we may not read the services, e.g. because our own
                registration was withdrawn. slapd itself says of both only that nothing is there.
        """
        equal = "".join(f"({name}={names.filter_value(value)})" for name, value in terms.items() if value)
        filter_text = f"(&{equal}(objectClass={object_class}))"
        return self._sessions().run(lambda session: _found(session, filter_text))

    def close(self) -> None:
        """Close every thread's connection. The next search opens one again."""
        for sessions in self._all:
            sessions.close()

    def _sessions(self) -> Reconnecting[Session]:
        if not hasattr(self._thread, "sessions"):
            self._thread.sessions = Reconnecting(self._connect)
            self._all.append(self._thread.sessions)
        sessions: Reconnecting[Session] = self._thread.sessions
        return sessions


def _found(session: Session, filter_text: str) -> list[Record]:
    found = session.search(names.SERVICES, filter_text)
    if not found and not session.search(names.SERVICES, scope=ldap3.BASE, attributes=("1.1",)):
        raise DirectoryRefused(f"search {names.SERVICES}", NO_SUCH_OBJECT, "we may not read the services")
    return found
