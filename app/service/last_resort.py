"""Kills what a killed supervisor left running.

The kernel asks every program to end when the supervisor is gone (PR_SET_PDEATHSIG), and nearly all do. A web
server that is asked while it starts its workers may not. This process outlives the supervisor by a few
seconds: it reads the process groups to look after from standard input, which ends when the supervisor does,
however that ended.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable

_GRACE_SECONDS = 3.0


def main() -> None:
    """Wait for the supervisor's end; then give its programs a moment, and kill those that remain."""
    groups = [int(line) for line in sys.stdin]
    deadline = time.monotonic() + _GRACE_SECONDS
    while (left := _alive(groups)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for group in left:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


def _alive(groups: Iterable[int]) -> list[int]:
    return [group for group in groups if _exists(group)]


def _exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main()
