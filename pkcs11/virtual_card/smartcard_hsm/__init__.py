"""A SmartCard-HSM in software, as far as OpenSC drives it (CardContact, SmartCard-HSM user manual 3)."""

from __future__ import annotations

from virtual_card.smartcard_hsm.applet import SmartCardHsm, manufacture

__all__ = ["SmartCardHsm", "manufacture"]
