"""What one server of the directory is: the provider, which alone takes changes, or a replica of it.

Kept in the server's folder as ``node.json`` and read at each start, so that it outlives the command line of
whoever starts it: a provider that was replaced while it was down does not come back as one.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from directory.errors import InvalidIdentifier, SlapdFailed

FIRST_SERVER_ID = 1
LAST_SERVER_ID = 4095
_FILE = "node.json"
_MUST_BE_SEEDED = "must-be-seeded"

WRITER = "writer"
"""In the first server's folder: a link to the folder of the server that takes changes."""


@dataclass(frozen=True)
class Node:
    """A server's place among the others.

    Attributes:
        server_id: 1 to 4095, each server's own; a part of each CSN that it makes (slapd-config(5)).
        provider: LDAPS address of the provider that it follows; None when it is the provider.
        durable: whether each change is on disk before the next. A standby's are; the provider's publisher
            waits for many together (``directory.group_commit``), and a read replica is seeded anew after a
            power cut.
        url: LDAPS address under which the other servers and the operator's commands reach it.
    """

    server_id: int = FIRST_SERVER_ID
    provider: str | None = None
    durable: bool = True
    url: str = ""

    def __post_init__(self) -> None:
        if not FIRST_SERVER_ID <= self.server_id <= LAST_SERVER_ID:
            raise InvalidIdentifier(
                f"A server id is from {FIRST_SERVER_ID} to {LAST_SERVER_ID}; {self.server_id} is not."
            )

    @property
    def is_provider(self) -> bool:
        """Whether it takes changes."""
        return self.provider is None


def is_known(folder: Path) -> bool:
    """Whether somebody has said what the server in ``folder`` is."""
    return (folder / _FILE).exists()


def read_node(folder: Path) -> Node:
    """What the server in ``folder`` is: the provider, unless something else was written down."""
    try:
        written = (folder / _FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return Node()
    return Node(**json.loads(written))


def write_node(folder: Path, node: Node) -> None:
    """Write down what the server in ``folder`` is, whole or not at all. It counts from its next start."""
    new = folder / f"{_FILE}.new"
    new.write_text(json.dumps(asdict(node), indent=2) + "\n", encoding="utf-8")
    new.replace(folder / _FILE)


def demand_seeding(folder: Path) -> None:
    """Do not let the server in ``folder`` start before it was seeded.

    One that was the provider may hold changes that no other server has; as a replica it would keep them.
    """
    (folder / _MUST_BE_SEEDED).touch()


def has_been_seeded(folder: Path) -> None:
    """Let the server in ``folder`` start."""
    (folder / _MUST_BE_SEEDED).unlink(missing_ok=True)


def require_seeded(folder: Path) -> None:
    """Raise SlapdFailed when the server in ``folder`` must be seeded before it may serve."""
    if (folder / _MUST_BE_SEEDED).exists():
        raise SlapdFailed(
            f"The server in {folder} was the provider and may hold changes that no other has. Before it"
            " serves as a replica, seed it: spine-ra directory replica seed"
        )
