"""API keys that a first start gives: each in a file that its owner alone reads."""

from __future__ import annotations

from pathlib import Path

from app.adapters.api_key_file import ApiKeyFile
from app.bootstrap.api_keys import signature_keys
from app.service.files import write_once
from app.service.layout import Layout
from app.settings import Settings

_PRESCRIBING_SCREEN = "the prescribing screen"


def give_key(keys: ApiKeyFile, name: str, file: Path) -> None:
    """Make a key and put it into the file, unless it is there."""
    if file.exists():
        return
    if name in keys.names():  # an interrupted start has lost it
        keys.remove(name)
    write_once(file, keys.add(name))


def give_prescribing_screen_its_key(settings: Settings, layout: Layout) -> None:
    """So that it may have signatures verified."""
    give_key(signature_keys(settings), _PRESCRIBING_SCREEN, layout.verification_key)
