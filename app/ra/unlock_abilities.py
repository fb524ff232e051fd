"""Every way of unlocking a card, and what else needs its SO PIN, as pages use them."""

from __future__ import annotations

from dataclasses import dataclass

from app.ra.changing_so_pins import ChangingSoPins
from app.ra.enrolling_authenticators import EnrollingAuthenticators
from app.ra.exporting_so_pins import ExportingSoPins
from app.ra.registering_workstations import RegisteringWorkstations
from app.ra.releasing_so_pins import ReleasingSoPins
from app.ra.unlocking import Unlocking
from app.ra.unlocking_by_code import UnlockingByCode
from app.ra.unlocking_offline import UnlockingOffline
from app.ra.vouching import Vouching


@dataclass(frozen=True)
class UnlockAbilities:
    """Assisted by an operator (and the desk's part of all), by code, by colleagues; authenticator apps.

    ``releasing`` gives desks the SO PIN for all of them; ``exporting`` lets two people read it, and
    ``changing`` gives a card another one after it was seen.
    """

    assisted: Unlocking
    by_code: UnlockingByCode
    by_colleagues: Vouching
    authenticators: EnrollingAuthenticators
    offline: UnlockingOffline
    workstations: RegisteringWorkstations
    releasing: ReleasingSoPins
    exporting: ExportingSoPins
    changing: ChangingSoPins
