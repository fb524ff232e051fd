"""The names (URIs) by which FHIR look-ups call identifiers and extensions, as the national service publishes
them.
"""

from __future__ import annotations

ORGANISATION = "https://fhir.nhs.uk/Id/ods-organization-code"
INTERACTION = "https://fhir.nhs.uk/Id/nhsServiceInteractionId"
PARTY_KEY = "https://fhir.nhs.uk/Id/nhsMhsPartyKey"
ASID = "https://fhir.nhs.uk/Id/nhsSpineASID"
MHS_ID = "https://fhir.nhs.uk/Id/nhsMHSId"
CPA_ID = "https://fhir.nhs.uk/Id/nhsMhsCPAId"
FQDN = "https://fhir.nhs.uk/Id/nhsMhsFQDN"

_EXTENSIONS = "https://fhir.nhs.uk/StructureDefinition/Extension-SDS-"
MANUFACTURER_EXTENSION = f"{_EXTENSIONS}ManufacturingOrganisation"
INTERACTION_EXTENSION = f"{_EXTENSIONS}NhsServiceInteractionId"
RELIABILITY_EXTENSION = f"{_EXTENSIONS}ReliabilityConfiguration"
