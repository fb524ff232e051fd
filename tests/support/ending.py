"""Programs that tests started, ended for certain: a fixture that waits for ever stops the whole run."""

from __future__ import annotations

import subprocess
from typing import Any

_PATIENCE_SECONDS = 10


def end(process: subprocess.Popen[Any]) -> None:
    """Ask it to end, and kill it when it does not."""
    process.terminate()
    try:
        process.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
