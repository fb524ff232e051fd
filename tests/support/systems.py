"""A registered system for tests: the sponsor asked for it, the manager checked and approved it."""

from __future__ import annotations

from app.domain.system_details import Endpoint, SystemDetails
from tests.support.registration_authority import PRACTICE
from tests.support.web import Site

PRESCRIBE = "urn:nhs:names:services:mm:PORX_IN020101UK31"
CANCEL = "urn:nhs:names:services:mm:PORX_IN030101UK32"
DETAILS = SystemDetails(
    PRACTICE,
    "Example GP record",
    "1.0",
    "Prescribing",
    (PRESCRIBE, CANCEL),
    endpoint=(Endpoint(CANCEL, "HL7", "https://localhost.localdomain/hl7"),),
)


def registered_system(site: Site, details: SystemDetails = DETAILS) -> str:
    """The ASID of a new system."""
    office, systems = site.office, site.services.systems
    request = systems.requesting.register(office.sponsor, details, "New practice system")
    systems.deciding.check_host_names(office.manager, request)
    return systems.deciding.approve(office.manager, request, "")
