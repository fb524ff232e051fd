"""A provider and its replicas, real slapds on this machine, for drills."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from directory.connection import Session, open_session
from directory.node import Node, write_node
from directory.publishing import Publisher
from directory.replication import NODE_CERTIFICATE_ORGANISATION, FollowingTls
from directory.seeding import seed_from
from directory.server_tls import ServerTls
from directory.slapd import Slapd
from tests.support.slapd import ThrowAwayAuthority, free_port

PATIENCE_SECONDS = 60.0
MARKED = "o=nhs"


def wait_until(holds: Callable[[], object], what: str) -> None:
    """Wait for a condition; ``what`` names it when it does not come true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"it did not come true: {what}"
        time.sleep(0.02)


@dataclass
class Country:
    """Several directory servers of one authority."""

    folder: Path
    authority: ThrowAwayAuthority
    nodes: dict[str, Slapd] = field(default_factory=dict)

    @property
    def server_tls(self) -> ServerTls:
        """The TLS files of every server."""
        files = self.authority.server()
        return ServerTls(files.certificate, files.key, self.authority.file)

    def following_tls(self, name: str, organisation: str = NODE_CERTIFICATE_ORGANISATION) -> FollowingTls:
        """With which a node follows."""
        files = self.authority.system(name, organisation)
        return FollowingTls(files.certificate, files.key, self.authority.file)

    def provider(self, name: str = "first") -> Slapd:
        """A running provider."""
        slapd = self.make(name)
        slapd.start()
        return slapd

    def replica(
        self,
        name: str,
        provider: Slapd,
        *,
        durable: bool = False,
        seeded: bool = True,
        organisation: str = NODE_CERTIFICATE_ORGANISATION,
    ) -> Slapd:
        """A running replica, seeded from the provider's snapshot unless told otherwise."""
        slapd = self.make(name)
        slapd.prepare()
        self.following_tls(name, organisation).copy_into(slapd.folder / "tls", slapd.account)
        write_node(slapd.folder, Node(len(self.nodes), provider.ldaps_url, durable, slapd.ldaps_url))
        if seeded:
            seed_from(provider, slapd)
        slapd.start()
        return slapd

    def make(self, name: str) -> Slapd:
        """A server that is not started yet."""
        slapd = Slapd(self.folder / name, free_port(), self.server_tls)
        self.nodes[name] = slapd
        return slapd

    def publisher(self, slapd: Slapd) -> Publisher:
        """The one writer, at that server."""
        return Publisher(slapd.ldapi_url, slapd.publishing_lock)


@contextlib.contextmanager
def country(folder: Path) -> Iterator[Country]:
    """Servers that all end at the end."""
    made = Country(folder, ThrowAwayAuthority(folder, "Throw-away authority"))
    try:
        yield made
    finally:
        for slapd in made.nodes.values():
            slapd.stop()


def wait_until_following(provider: Slapd, replica: Slapd) -> None:
    """Wait until each change arrives as it happens.

    A change made while a replica catches up can pass it by (see ``directory.node_comparing``), so one is made
    again and again until one has come through.
    """
    with open_session(provider.ldapi_url) as writer, open_session(replica.ldapi_url) as reader:

        def arrives() -> bool:
            said = f"marker {time.monotonic_ns()}"
            writer.replace(MARKED, {"description": (said,)})
            deadline = time.monotonic() + 1
            while values(reader, MARKED, "description") != (said,):
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.01)
            return True

        wait_until(arrives, "the replica follows")
        writer.replace(MARKED, {"description": ()})


def kill(slapd: Slapd) -> None:
    """End slapd as a crash would, and wait for it to be gone."""
    os.kill(slapd.pid, signal.SIGKILL)
    slapd.wait()


def holds(slapd: Slapd, dn: str, attribute: str = "objectClass") -> tuple[str, ...]:
    """The values that this server has in an entry; empty without it."""
    with open_session(slapd.ldapi_url) as session:
        return values(session, dn, attribute)


def values(session: Session, dn: str, attribute: str) -> tuple[str, ...]:
    """The values of one attribute; empty without the entry."""
    found = session.search(dn, scope="BASE", attributes=(attribute,))
    return found[0].attributes.get(attribute, ()) if found else ()
