"""The keys of programs that ask: one file for each thing that they may ask."""

from __future__ import annotations

from app.adapters.api_key_file import ApiKeyFile
from app.settings import Settings


def look_up_keys(settings: Settings) -> ApiKeyFile:
    """Who may use the look-ups."""
    return ApiKeyFile(settings.look_ups.api_keys_file)


def signature_keys(settings: Settings) -> ApiKeyFile:
    """Which programs may have signatures verified."""
    return ApiKeyFile(settings.signatures.api_keys_file)
