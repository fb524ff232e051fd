"""A PIV card with Yubico's extension in software (NIST SP 800-73-4; Yubico, PIV extension of YubiKey 5)."""

from __future__ import annotations

from virtual_card.piv.applet import Piv, manufacture

__all__ = ["Piv", "manufacture"]
