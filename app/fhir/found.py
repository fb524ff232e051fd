"""What a look-up finds in the directory, before it is put into FHIR's form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class FoundDevice:
    """An accredited system (nhsAs).

    Attributes:
        client_organisation: the ODS code of where it is deployed (nhsAsClient).
        interactions: in the order in which they were registered.
    """

    asid: str
    client_organisation: str
    party_key: str = ""
    manufacturer: str = ""
    interactions: tuple[str, ...] = ()


@dataclass(frozen=True)
class FoundEndpoint:
    """A message handling system (nhsMhs).

    Attributes:
        addresses: URLs; nearly always one.
        reliability: by the directory's attribute names, e.g. ``nhsMHSRetries``; those that are known.
    """

    mhs_id: str
    organisation: str
    interaction: str
    addresses: tuple[str, ...]
    party_key: str = ""
    cpa_id: str = ""
    fqdn: str = ""
    reliability: Mapping[str, str] = field(default_factory=dict)
