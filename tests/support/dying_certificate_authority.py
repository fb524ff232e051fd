"""The certificate authority's process, killed (-9) at a chosen call: ``before|after:Class.method:n``."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from app import ca_server
from app.adapters.ca_audit import StoredAudit
from app.ca.issuance import Issuer
from app.storage.ca.ledger import Ledger

_CLASSES = {each.__name__: each for each in (StoredAudit, Issuer, Ledger)}


def die_at(when: str, class_name: str, method: str, number: int) -> None:
    """Kill this process at the ``number``-th call of the method."""
    owner = _CLASSES[class_name]
    original: Callable[..., Any] = getattr(owner, method)
    calls = 0

    def dying(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments)
        if calls == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, method, dying)


if __name__ == "__main__":
    when, place, number = sys.argv.pop(1).split(":")
    class_name, method = place.split(".")
    die_at(when, class_name, method, int(number))
    raise SystemExit(ca_server.main())
