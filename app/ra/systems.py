"""Everything that can be done about systems, gathered for whoever offers it: pages and the API."""

from __future__ import annotations

from dataclasses import dataclass

from app.ra.certifying_systems import CertifyingSystems
from app.ra.deciding_systems import DecidingSystems
from app.ra.listing_systems import ListingSystems
from app.ra.looking_up_systems import LookingUpSystems
from app.ra.requesting_systems import RequestingSystems


@dataclass(frozen=True)
class SystemAbilities:
    """One attribute an ability; each attribute's class says what it does and when it refuses."""

    looking_up: LookingUpSystems
    requesting: RequestingSystems
    deciding: DecidingSystems
    listing: ListingSystems
    certifying: CertifyingSystems
