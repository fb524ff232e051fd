"""What host names resolve to, as the machine's own resolver answers, within a bounded time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping, Sequence

PATIENCE_SECONDS = 1.5
_MOST_AT_ONCE = 50


class ResolvedHostNames:
    """Asks the resolver (``app.ra.deciding_systems.HostNames``)."""

    def addresses(self, names: Sequence[str]) -> Mapping[str, list[str]]:
        """The addresses of each name; none for a name that has none, or for which nobody answers in time.

        Every name is asked for at the same time, so that all of them together take 1.5 seconds at most. A
        thread whose name server never answers is left behind; it ends with the resolver's own time limit.
        """
        found: dict[str, list[str]] = {name: [] for name in names}
        threads = [
            threading.Thread(target=_look_up, args=(name, found), daemon=True)
            for name in names[:_MOST_AT_ONCE]
        ]
        for thread in threads:
            thread.start()
        end = time.monotonic() + PATIENCE_SECONDS
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        return {name: list(addresses) for name, addresses in found.items()}


def _look_up(name: str, found: dict[str, list[str]]) -> None:
    try:
        answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return
    found[name] = sorted({str(answer[4][0]) for answer in answers})
