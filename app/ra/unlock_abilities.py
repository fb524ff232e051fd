"""Every way of unlocking a card, as pages use them."""

from __future__ import annotations

from dataclasses import dataclass

from app.ra.enrolling_authenticators import EnrollingAuthenticators
from app.ra.registering_workstations import RegisteringWorkstations
from app.ra.unlocking import Unlocking
from app.ra.unlocking_by_code import UnlockingByCode
from app.ra.unlocking_offline import UnlockingOffline
from app.ra.vouching import Vouching


@dataclass(frozen=True)
class UnlockAbilities:
    """Assisted by an operator (and the desk's part of all), by code, by colleagues; authenticator apps."""

    assisted: Unlocking
    by_code: UnlockingByCode
    by_colleagues: Vouching
    authenticators: EnrollingAuthenticators
    offline: UnlockingOffline
    workstations: RegisteringWorkstations
