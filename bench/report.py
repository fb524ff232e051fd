"""How every measurement tells its figures: in words for people, and last one JSON line for programs."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def median_ms(seconds: Iterable[float]) -> float:
    """The median of durations in seconds, in milliseconds."""
    return statistics.median(seconds) * 1000


def cpu_seconds(process_ids: Iterable[int]) -> float:
    """CPU seconds (user and system) that processes and their threads have used so far, from /proc."""
    return sum(_cpu_of(process_id) for process_id in process_ids)


def _cpu_of(process_id: int) -> float:
    # Field 2 is the name in parentheses and may hold spaces; utime and stime are fields 14 and 15.
    fields = Path(f"/proc/{process_id}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


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
