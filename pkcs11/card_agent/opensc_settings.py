"""What OpenSC's module is told in a card process: opensc.conf, and the readers that it leaves alone."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Final

_VARIABLE: Final = "OPENSC_CONF"
_SETTINGS: Final = Path(__file__).with_name("opensc.conf")
_BEGIN: Final = "app default {\n"
# What a name may hold to stand in quotation marks there (scconf has no way to write others for sure).
_PLAIN: Final = re.compile(r"[^\"\\\n]+")


def use_own_settings(reader: str = "", others: Collection[str] = ()) -> None:
    """Have OpenSC read our settings when it is initialised next, and leave other readers alone.

    It reads the card in each reader that it does not ignore, which takes as long again for each. ``others``
    may have ``reader`` among them; without one, none is left alone.
    """
    # A reader is ignored when its name has the ignored one anywhere in it.
    ignored = [name for name in others if _PLAIN.fullmatch(name) and name not in reader]
    os.environ[_VARIABLE] = _written(_without(ignored)) if reader and ignored else str(_SETTINGS)


def _without(readers: Collection[str]) -> str:
    names = ", ".join(f'"{name}"' for name in sorted(readers))
    return _SETTINGS.read_text(encoding="utf-8").replace(_BEGIN, f"{_BEGIN}  ignored_readers = {names};\n", 1)


@cache
def _written(settings: str) -> str:
    """The address of a file in memory: no folder is needed, and it goes with the process."""
    file = os.memfd_create("opensc.conf")
    os.write(file, settings.encode())
    return f"/proc/self/fd/{file}"
