"""Writing a file whole: a program killed while writing leaves the old file or the new one, never a half."""

from __future__ import annotations

import os
from pathlib import Path

OWNER_ONLY = 0o600
PUBLIC = 0o644


def write_whole(path: Path, content: str | bytes, mode: int = OWNER_ONLY) -> None:
    """Write or replace a file in one step.

    Args:
        mode: permissions of the file, narrowed by the umask.
    """
    temporary = path.with_name(f"{path.name}.new")
    temporary.unlink(missing_ok=True)
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def write_once(path: Path, content: str | bytes, mode: int = OWNER_ONLY) -> None:
    """Write a file that belongs to the operator from then on: one that is there is left as it is."""
    if not path.exists():
        write_whole(path, content, mode)
