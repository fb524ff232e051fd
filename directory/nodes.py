"""The directory's servers on this machine: the first one, and the replicas in a folder beside it."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from directory.errors import InvalidIdentifier, SlapdFailed
from directory.node import WRITER, Node, is_known, read_node, write_node
from directory.replication import FollowingTls
from directory.seeding import seed, seed_from
from directory.server_tls import ServerTls
from directory.serving import Serving, read_serving, write_serving
from directory.slapd import Slapd

FIRST = "first"
"""The name of the server in the first folder."""

_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


@dataclass(frozen=True)
class Nodes:
    """The servers of one machine.

    Attributes:
        first: the folder of the server that was there before there were replicas.
        first_url: LDAPS address of that server, as others reach it.
        replicas: the folder that holds the folders of the others, by name.
    """

    first: Path
    first_url: str
    replicas: Path

    def folders(self) -> dict[str, Path]:
        """Every server's folder by its name, the first one first."""
        others = sorted(self.replicas.glob("*/node.json"))
        first = {FIRST: self.first} if self.first.is_dir() else {}
        return first | {each.parent.name: each.parent for each in others}

    def folder(self, name: str) -> Path:
        """The folder of that server.

        Raises:
            InvalidIdentifier: there is none of that name.
        """
        try:
            return self.folders()[name]
        except KeyError:
            known = ", ".join(self.folders()) or "none"
            raise InvalidIdentifier(f"There is no server {name!r} here. There are: {known}.") from None

    def node(self, name: str) -> Node:
        """What that server is."""
        return read_node(self.folder(name))

    def url(self, name: str) -> str:
        """LDAPS address of that server."""
        return self.node(name).url or self.first_url

    def slapd(self, name: str) -> Slapd:
        """That server's slapd, to look at its folder or to load it."""
        folder = self.folder(name)
        serving = read_serving(folder)
        if serving is not None:
            return serving.slapd(folder)
        port = int(self.url(name).rpartition(":")[2])
        return Slapd(folder, port, ServerTls.copies_in(folder / "tls"))

    def provider(self) -> str | None:
        """The name of the server here that takes changes; None when it is on another machine."""
        return next((name for name in self.folders() if self.node(name).is_provider), None)

    def point_writer_to(self, name: str) -> None:
        """Have the publisher write to that server from now on."""
        if not self.first.is_dir():
            return
        new = self.first / f"{WRITER}.new"
        new.unlink(missing_ok=True)
        new.symlink_to("." if name == FIRST else self.folder(name).resolve())
        new.replace(self.first / WRITER)

    def remove(self, name: str) -> None:
        """Delete a replica that is stopped, with everything it holds.

        Raises:
            SlapdFailed: it takes the changes, or it is the first one, whose folder belongs to the service.
            SlapdAlreadyRunning: it runs.
        """
        folder = self.folder(name)
        if name == FIRST or self.node(name).is_provider:
            raise SlapdFailed(f"{name} is not a replica that can be removed.")
        with self.slapd(name).kept_stopped():
            shutil.rmtree(folder)


@dataclass(frozen=True)
class NewReplica:
    """What a replica is made from.

    Attributes:
        url: LDAPS address under which others will reach it.
        provider_url: LDAPS address of the provider.
        server_id: its own among all servers of the directory; None takes the next one of this machine.
        durable: whether it is a standby, which has each change on disk before it goes on.
    """

    name: str
    url: str
    provider_url: str
    serving: Serving
    following: FollowingTls
    server_id: int | None = None
    durable: bool = False


def make_replica(nodes: Nodes, new: NewReplica, snapshot: Path | None) -> Path:
    """Make and seed a replica, and return its folder. It is not started.

    Args:
        snapshot: from the provider's machine; None takes one of the provider here.

    Raises:
        InvalidIdentifier: the name is taken or no name.
        SlapdFailed: there is no snapshot and no provider here, or slapadd refuses it. Nothing is left.
    """
    folder = _new_folder(nodes, new.name)
    slapd = new.serving.slapd(folder)
    try:
        slapd.prepare()
        new.following.copy_into(folder / "tls", slapd.account)
        write_serving(folder, new.serving)
        server_id = new.server_id or _next_server_id(nodes)
        _seed(nodes, slapd, snapshot)
        write_node(folder, Node(server_id, new.provider_url, new.durable, new.url))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    _keep_for_the_provider(nodes, new.following)
    return folder


def _new_folder(nodes: Nodes, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise InvalidIdentifier(f"A name has small letters, digits and dashes; {name!r} has not.")
    if name in nodes.folders() or name == FIRST:
        raise InvalidIdentifier(f"There is a server {name!r} already.")
    folder = nodes.replicas / name
    shutil.rmtree(folder, ignore_errors=True)
    # Passable for slapd's own user, whose folders inside are closed to all others.
    folder.mkdir(parents=True)
    return folder


def _next_server_id(nodes: Nodes) -> int:
    return max((nodes.node(name).server_id for name in nodes.folders()), default=1) + 1


def seed_again(nodes: Nodes, name: str, snapshot: Path | None) -> None:
    """Give a stopped replica the provider's content anew; see ``make_replica``."""
    if nodes.node(name).is_provider:
        raise SlapdFailed(f"{name} takes the changes: the others are seeded from it.")
    _seed(nodes, nodes.slapd(name), snapshot)


def _seed(nodes: Nodes, slapd: Slapd, snapshot: Path | None) -> None:
    if snapshot is not None:
        seed(slapd, snapshot)
        return
    provider = nodes.provider()
    if provider is None:
        raise SlapdFailed(
            "The provider is not on this machine. Take a snapshot there (spine-ra directory replica"
            " snapshot), bring it here and name it with --snapshot."
        )
    seed_from(nodes.slapd(provider), slapd)


def _keep_for_the_provider(nodes: Nodes, following: FollowingTls) -> None:
    """The provider of this machine will follow another one when that is promoted; let it have the means."""
    provider = nodes.provider()
    if provider is not None:
        slapd = nodes.slapd(provider)
        following.copy_into(slapd.folder / "tls", slapd.account)
        if not is_known(slapd.folder):
            write_node(slapd.folder, Node(url=nodes.url(provider)))
