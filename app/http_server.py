"""The HTTP server granian, with each of its workers started as a new process: ``python -m app.http_server``.

By default granian forks its workers, and with ``--metrics`` its first process has threads by then. A lock
that a thread holds at that moment stays locked in the worker for ever: one start in a hundred had a worker
that took connections and never answered them.
"""

from __future__ import annotations

import multiprocessing

from granian.cli import entrypoint

if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    entrypoint()  # type: ignore[no-untyped-call]  # it has no annotations
