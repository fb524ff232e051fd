"""How every measurement tells its figures: in words for people, and last one JSON line for programs."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterable, Mapping


def median_ms(seconds: Iterable[float]) -> float:
    """The median of durations in seconds, in milliseconds."""
    return statistics.median(seconds) * 1000


def cpu_seconds(process_ids: Iterable[int]) -> float:
    """CPU seconds (user and system) that processes and their threads have used so far, to the nanosecond."""
    return sum(time.clock_gettime(_cpu_clock(process_id)) for process_id in process_ids)


def _cpu_clock(process_id: int) -> int:
    """The CPU clock of another process, as clock_getcpuclockid(3) makes it on Linux."""
    return ~process_id << 3 | 2


def tell(
    bench: str, words: Mapping[str, str], figures: Mapping[str, float], ratios: Mapping[str, float]
) -> None:
    """Print the figures.

    Args:
        bench: the measurement's name.
        words: what was measured, and its figure with unit, as sentences' two halves.
        figures: name to value; the name ends in the unit.
        ratios: name to value, each against a peer or a limit of the same run.
    """
    width = max(map(len, words))
    for what, figure in words.items():
        print(f"{what:<{width}}  {figure}")
    rounded = {name: round(value, 4) for name, value in figures.items()}
    print(
        json.dumps(
            {"bench": bench, "figures": rounded, "ratios": {k: round(v, 4) for k, v in ratios.items()}}
        )
    )
