"""Promoting: another server takes the changes from now on, because the provider is lost or is to rest.

The order of steps leaves at no moment two servers that take changes, and never one that serves what others do
not have:

1. The old provider is told to follow, and not to start before it was seeded; then it is ended, if it runs.
2. The new one is told to take changes, and its slapd starts anew.
3. The publisher's link points to the new one.
4. The other replicas follow the new one.
5. The old one, if it is on this machine, is seeded from the new one; what only it had is gone.

Replication is not waited for when something is published: what the old provider acknowledged in its last
moment may be on no other server. The database has it, so compare the directory with it afterwards.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from directory import serving
from directory.connection import open_session
from directory.csn import State, lacks, state_of
from directory.errors import DirectoryUnavailable, SlapdFailed
from directory.locking import locked
from directory.node import demand_seeding, write_node
from directory.nodes import Nodes, seed_again
from directory.publishing import FOLLOWERS_FILE
from directory.unix_socket import answers

_CATCH_UP_SECONDS = 60.0


def promote(nodes: Nodes, name: str) -> list[str]:
    """Let the replica ``name`` of this machine take the changes.

    A provider that still serves is asked to rest first, and the replica catches up with it.

    Returns:
        what is left to do, in sentences.

    Raises:
        SlapdFailed: it is the provider already, does not run, or another server here has more than it;
            nothing was changed then.
    """
    old = nodes.provider()
    if old == name:
        raise SlapdFailed(f"{name} takes the changes already.")
    _require_serving(nodes, name)
    with _publishing_paused(nodes, old):
        _require_furthest(nodes, name)
        old_ran = old is not None and _rest(nodes, old, nodes.url(name))
        _take_changes(nodes, name)
    _let_others_follow(nodes, name, old)
    if old is not None:
        _come_back(nodes, old, old_ran)
    return _left_to_do(old)


def follow(nodes: Nodes, name: str, provider_url: str) -> None:
    """Let a server of this machine follow ``provider_url``. One that was the provider is seeded first."""
    folder, node = nodes.folder(name), nodes.node(name)
    if node.is_provider:
        demand_seeding(folder)
    write_node(folder, replace(node, provider=provider_url, url=nodes.url(name)))
    if node.is_provider:
        serving.stop(folder)
    else:
        serving.restart(folder)


def _socket(folder: Path) -> Path:
    return folder / "run" / "ldapi"


def _require_serving(nodes: Nodes, name: str) -> None:
    if not answers(_socket(nodes.folder(name))):
        raise SlapdFailed(f"{name} does not run. Start it: spine-ra directory replica start {name}")


@contextlib.contextmanager
def _publishing_paused(nodes: Nodes, old: str | None) -> Iterator[None]:
    """Keep the publisher waiting, so that what comes next is written to the new server."""
    if old is None:
        yield
        return
    with locked(nodes.slapd(old).publishing_lock, wait=True):
        yield


def _state(nodes: Nodes, name: str) -> State:
    """What the server has; nothing for one that is down, which nobody can wait for."""
    try:
        with open_session(nodes.slapd(name).ldapi_url) as session:
            return state_of(session)
    except DirectoryUnavailable:
        return {}


def _require_furthest(nodes: Nodes, name: str) -> None:
    deadline = time.monotonic() + _CATCH_UP_SECONDS
    while ahead := _ahead_of(nodes, name):
        if time.monotonic() > deadline:
            raise SlapdFailed(f"{name} lacks changes that {', '.join(ahead)} has. Promote that one.")
        time.sleep(0.1)


def _ahead_of(nodes: Nodes, name: str) -> list[str]:
    own = _state(nodes, name)
    return [other for other in nodes.folders() if lacks(own, _state(nodes, other))]


def _rest(nodes: Nodes, old: str, new_url: str) -> bool:
    folder = nodes.folder(old)
    demand_seeding(folder)
    write_node(folder, replace(nodes.node(old), provider=new_url, url=nodes.url(old)))
    return serving.stop(folder)


def _take_changes(nodes: Nodes, name: str) -> None:
    folder = nodes.folder(name)
    write_node(folder, replace(nodes.node(name), provider=None, durable=True))
    # What followers were told last by the old server may never have come here.
    (folder / FOLLOWERS_FILE).touch()
    serving.restart(folder)
    nodes.point_writer_to(name)


def _let_others_follow(nodes: Nodes, name: str, old: str | None) -> None:
    for other in nodes.folders():
        if other not in (name, old):
            follow(nodes, other, nodes.url(name))


def _come_back(nodes: Nodes, old: str, old_ran: bool) -> None:
    seed_again(nodes, old, None)
    if old_ran and serving.read_serving(nodes.folder(old)) is not None:
        serving.start(nodes.folder(old))


def _left_to_do(old: str | None) -> list[str]:
    others = "On each other machine: spine-ra directory replica follow NAME --provider the new one's address."
    lost = "See whether the database has more than the directory: spine-ra directory compare"
    first = [f"{old} was seeded from it and follows it when it is started."] if old else [others]
    return [*first, lost]
