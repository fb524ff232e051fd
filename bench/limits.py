"""What a published change can cost at best: slapd's own rate of writing, and the disk's of waiting."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

_PAGE = b"\0" * 4096


def bare_writes_per_second(ldapi_url: str, people: Sequence[str]) -> float:
    """Modifications a second, one after another, by OpenLDAP's own library and tool.

    One attribute of one entry each: the least that a write can be. slapd does not wait for the disk.

    Args:
        people: DNs of the entries, which are not as before afterwards.
    """
    text = "\n".join(
        f"dn: {dn}\nchangetype: modify\nreplace: nhsMiddleNames\nnhsMiddleNames: Turn {number}\n"
        for number, dn in enumerate(people)
    )
    command = ["ldapmodify", "-Q", "-Y", "EXTERNAL", "-H", ldapi_url]
    begun = time.perf_counter()
    subprocess.run(command, input=text, text=True, check=True, stdout=subprocess.DEVNULL)
    return len(people) / (time.perf_counter() - begun)


def disk_waits_per_second(folder: Path, seconds: float) -> float:
    """How often in a second a page that was written is waited for (fdatasync), one after the other."""
    path, done = folder / "waited-for", 0
    with path.open("wb") as file:
        begun = time.perf_counter()
        while time.perf_counter() < begun + seconds:
            os.pwrite(file.fileno(), _PAGE, 0)
            os.fdatasync(file.fileno())
            done += 1
        rate = done / (time.perf_counter() - begun)
    path.unlink()
    return rate
