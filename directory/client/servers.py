"""Which server to ask: the list, who of it rests after a failure, and when trying again is pointless.

Nothing here opens a connection or waits; both forms of the client decide by it. Threads may share one.

A server that failed rests, twice as long after each failure in a row, so that a server that comes back is not
run over by all its clients at once. While another server is awake, a question goes there. When all rest, a
question waits for the first that wakes, but only during the first ``PATIENCE`` seconds of the outage: that is
how long a restart takes. After that, questions fail at once until a server answers again, so that those who
ask are not held up, and do not pile up, behind an outage. Where one side does not trust the other, or the
other speaks no LDAP, they fail at once from the start: trying again would not help.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from directory.errors import (
    DirectoryError,
    DirectoryRefused,
    DirectoryUnavailable,
    InvalidSetting,
    MalformedAnswer,
    ServerNotTrusted,
)

PATIENCE = 2.0
FIRST_REST = 0.05
LONGEST_REST = 5.0
LDAPS_PORT = 636


@dataclass(frozen=True)
class Address:
    """Where a server listens with TLS."""

    host: str
    port: int = LDAPS_PORT

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"ldaps://{host}:{self.port}"


def addresses(text: str) -> tuple[Address, ...]:
    """The servers in ``ldaps://`` addresses separated by spaces, as in OpenLDAP's URI option.

    Raises:
        InvalidSetting: one is not such an address, or there is none.
    """
    found = tuple(_address(url) for url in text.split())
    if not found:
        raise InvalidSetting("No directory server is given. Give ldaps:// addresses, separated by spaces.")
    return found


def _address(url: str) -> Address:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        as_sent = (host or "").encode("idna")
    except ValueError as error:
        raise InvalidSetting(f"{url} is not the address of a server: {error}") from error
    if parts.scheme != "ldaps" or not as_sent or parts.path.strip("/") or parts.query or parts.username:
        raise InvalidSetting(
            f"{url} is not of the form ldaps://host:port. The directory is asked by TLS alone."
        )
    return Address(host or "", port or LDAPS_PORT)


@dataclass
class _Health:
    """How a server has done lately; times are of the monotonic clock."""

    failures: int = 0
    failed_at: float = float("-inf")
    wakes_at: float = float("-inf")


class Servers:
    """The servers in order of preference, and how each has done."""

    def __init__(self, listed: Sequence[Address]) -> None:
        self._health = {address: _Health() for address in listed}
        self._lock = threading.Lock()
        self._down_since: float | None = None
        self._last_error: DirectoryError | None = None

    def __len__(self) -> int:
        return len(self._health)

    def awake(self) -> Address | None:
        """The first server that does not rest."""
        now = time.monotonic()
        with self._lock:
            return next((address for address, one in self._health.items() if one.wakes_at <= now), None)

    def worked(self, address: Address) -> None:
        """Note that a connection to the server stands."""
        with self._lock:
            self._health[address] = _Health()
            self._down_since = None

    def failed(self, address: Address, error: DirectoryError, begun: float) -> None:
        """Note that a server failed, and let it rest.

        Args:
            begun: when that connection, or the attempt to open it, began. What began before the last
                failure tells nothing new: all connections to a server that ends break at once.
        """
        now = time.monotonic()
        with self._lock:
            one = self._health[address]
            self._last_error = error
            if begun < one.failed_at:
                return
            rest = min(LONGEST_REST, FIRST_REST * 2**one.failures)
            one.failures, one.failed_at = min(one.failures + 1, 30), now
            # Not all clients of a server that comes back should come at the same moment.
            one.wakes_at = now + rest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
            self._down_since = now if self._down_since is None else self._down_since

    def pause(self, deadline: float) -> float:
        """When all servers rest: the seconds after which one wakes.

        Raises:
            DirectoryError: waiting is pointless. The last error says why.
        """
        now = time.monotonic()
        with self._lock:
            wakes_at = min(one.wakes_at for one in self._health.values())
            down_since, error = self._down_since, self._last_error
        impatient = down_since is not None and now - down_since > PATIENCE
        final = isinstance(error, DirectoryRefused | ServerNotTrusted | MalformedAnswer)
        if error is not None and (impatient or final or wakes_at >= deadline):
            raise anew(error)
        return max(0.0, wakes_at - now)


def anew(error: DirectoryError) -> DirectoryError:
    """The same again: several who ask must not raise one object, whose traceback would grow."""
    if isinstance(error, DirectoryRefused):
        return DirectoryRefused(error.operation, error.result_code, error.description)
    if isinstance(error, MalformedAnswer):
        return MalformedAnswer(error.what)
    if isinstance(error, ServerNotTrusted):
        return ServerNotTrusted(str(error))
    return DirectoryUnavailable(str(error))
