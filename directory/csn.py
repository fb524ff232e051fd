"""Change sequence numbers: which changes a server has (draft-chu-ldap-csn).

``20261122194118.709316Z#000000#001#000000``: time, count within it, id of the server that made the change,
and a part that is always zero. A server's state (``contextCSN``) is the newest number of each server id.

Equal states do not prove equal content (``directory.node_comparing``); a state that lacks behind proves that
content does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import ldap3

from directory.connection import Session
from directory.names import SUFFIX

_CSN = re.compile(r"([0-9]{14})\.([0-9]{6})Z#[0-9a-f]{6}#([0-9a-f]{3})#[0-9a-f]{6}")

State = Mapping[int, str]
"""The newest number of each server id."""


def server_id(csn: str) -> int:
    """Which server made the change.

    Raises:
        ValueError: it is no such number.
    """
    return int(_parts(csn)[3], 16)


def made_at(csn: str) -> datetime:
    """When the change was made, by the clock of the server that made it."""
    parts = _parts(csn)
    return datetime.strptime(parts[1], "%Y%m%d%H%M%S").replace(microsecond=int(parts[2]), tzinfo=UTC)


def _parts(csn: str) -> re.Match[str]:
    found = _CSN.fullmatch(csn)
    if found is None:
        raise ValueError(f"{csn!r} is no change sequence number.")
    return found


def merged(*states: Iterable[str]) -> dict[int, str]:
    """The newest number of each server id among all of them: numbers of one server compare as text."""
    newest: dict[int, str] = {}
    for csn in (each for state in states for each in state):
        made_by = server_id(csn)
        newest[made_by] = max(csn, newest.get(made_by, ""))
    return newest


def state_of(session: Session, suffix: str = SUFFIX) -> dict[int, str]:
    """What a server says it has; empty while it has nothing."""
    found = session.search(suffix, scope=ldap3.BASE, attributes=("contextCSN",))
    return merged(found[0].attributes.get("contextCSN", ())) if found else {}


def lacks(state: State, other: State) -> list[int]:
    """Server ids of which ``other`` has newer changes than ``state``."""
    return sorted(made_by for made_by, csn in other.items() if csn > state.get(made_by, ""))


def lag_seconds(provider: State, replica: State) -> float:
    """How much older the replica's newest change is than the provider's; 0.0 when it has all of them.

    Infinite while it has nothing at all.
    """
    if not lacks(replica, provider):
        return 0.0
    if not replica:
        return float("inf")
    newest = [made_at(max(state.values(), key=made_at)) for state in (provider, replica)]
    return max(0.0, (newest[0] - newest[1]).total_seconds())
