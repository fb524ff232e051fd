"""Every test here has a real SoftHSM token of its own."""

from __future__ import annotations

from tests.support.softhsm import softhsm, token_folder

__all__ = ["softhsm", "token_folder"]
