"""The certificate authority's process, as others reach it."""

from __future__ import annotations

from app.adapters.ca_client import CaClient
from app.settings import Settings


def certificate_authority(settings: Settings) -> CaClient:
    """The certificate authority's process, over its socket."""
    return CaClient(settings.ca.socket)
