"""Every test here has a real SoftHSM token of its own, or a card in software in a real reader."""

from __future__ import annotations

from tests.support.pcsc_desk import pcsc_desk
from tests.support.softhsm import softhsm, token_folder

__all__ = ["pcsc_desk", "softhsm", "token_folder"]
