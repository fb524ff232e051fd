"""What a new PIN must look like. The card agent asks for it and judges it; no PIN ever comes here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PinPolicy:
    """Digits only, from ``minimum`` to ``maximum`` of them."""

    minimum: int = 6
    maximum: int = 8
