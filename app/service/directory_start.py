"""Whether there is a directory to start with. :mod:`app.service.directory_building` makes one."""

from __future__ import annotations

from pathlib import Path

from app.service.layout import Layout
from directory.group_commit import read_torn


def is_built(layout: Layout) -> bool:
    """Whether there is a whole directory to serve. It holds nothing that the database does not."""
    begun = not (layout.directory / "current").exists() or being_built(layout).exists()
    return not begun and read_torn(layout.directory) is None


def being_built(layout: Layout) -> Path:
    """A file that is there while the directory is being built."""
    return layout.directory / "being-built"
