"""Small JSON files that survive a crash: written beside, flushed to disk, then renamed over the old one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from virtual_card.errors import CardDamaged


def write_json_durably(path: Path, value: Any) -> None:
    """Replace the file (0600) so that after a crash either the old or the new content is there, whole."""
    beside = path.with_name(path.name + ".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(value, file, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    _sync_folder(path.parent)


def read_json_object(path: Path) -> dict[str, Any]:
    """The JSON object in the file. Raises CardDamaged when it is missing or is no JSON object."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CardDamaged(f"{path} cannot be read; restore it, or use another card.") from error
    if not isinstance(value, dict):
        raise CardDamaged(f"{path} does not hold a JSON object; restore it, or use another card.")
    return value


def _sync_folder(folder: Path) -> None:
    """The rename itself is on disk only after the folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
