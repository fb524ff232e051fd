"""A child process that ends with its parent (prctl(2), PR_SET_PDEATHSIG)."""

from __future__ import annotations

import ctypes
import signal

_PR_SET_PDEATHSIG = 1
# Resolved before any fork: after the change of user the library may be out of reach.
_LIBC = ctypes.CDLL(None)


def end_with_parent() -> None:
    """Runs in the child after the change of user, which would make the kernel forget it."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
