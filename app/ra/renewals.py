"""The abilities of the registration authority that concern renewals, in one place for the pages."""

from __future__ import annotations

from dataclasses import dataclass

from app.ra.forecasting import Forecasting
from app.ra.renewing import Renewing
from app.ra.renewing_at_desk import RenewingAtDesk


@dataclass(frozen=True)
class RenewalAbilities:
    """What can be done to renew cards: at the page, at the desk, and looking ahead."""

    beginning: Renewing
    at_desk: RenewingAtDesk
    forecasting: Forecasting
