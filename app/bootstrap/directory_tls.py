"""As whom the directory is read over LDAPS."""

from __future__ import annotations

from app.settings import Settings
from directory.credentials import ClientTls


def look_ups_tls(settings: Settings) -> ClientTls:
    """With which the look-ups and the metrics read the directory over LDAPS."""
    own = settings.look_ups
    return ClientTls(own.authority, own.certificate, own.key)
