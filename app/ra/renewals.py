"""The abilities of the registration authority that concern renewals, in one place for the pages."""

from __future__ import annotations

from dataclasses import dataclass

from app.ra.changing_names import ChangingNames
from app.ra.forecasting import Forecasting
from app.ra.renewing import Renewing
from app.ra.renewing_at_desk import RenewingAtDesk
from app.ra.repairing import Repairing


@dataclass(frozen=True)
class RenewalAbilities:
    """What keeps cards working: renewing, at the page and at the desk, looking ahead, and repairing."""

    beginning: Renewing
    at_desk: RenewingAtDesk
    forecasting: Forecasting
    repairing: Repairing
    names: ChangingNames
