"""Systems that take part in interactions: accredited systems (nhsAs) and message handling systems (nhsMhs).

One person asks for a registration and another approves it; both role profiles stand on the record.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from app.domain.read_right import ENDPOINTS_ONLY, ReadRight
from app.errors import Refusal

INTERACTION = re.compile(r"urn:nhs:names:services:[A-Za-z0-9._-]+[:/][A-Za-z0-9._:/-]+")


class SystemStatus(StrEnum):
    """Whether a system may take part. Two people resume a suspended one; a closed one stays so."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class ApprovedByRequester(Refusal):
    """The same role profile asked for a system and approved it."""

    code: ClassVar[str] = "approved_by_requester"


@dataclass(frozen=True)
class FourEyes:
    """Who asked and who approved, by role profile id, and when.

    Raises:
        ApprovedByRequester: both are the same.
    """

    requested_by: str
    requested_at: datetime
    approved_by: str
    approved_at: datetime

    def __post_init__(self) -> None:
        if self.requested_by == self.approved_by:
            raise ApprovedByRequester("A system is approved by another than who asked for it.")


@dataclass(frozen=True)
class DnsApproval:
    """Who found the endpoint's host name in order, by role profile id, and when."""

    approved_by: str
    approved_at: datetime


@dataclass(frozen=True)
class AccreditedSystem:
    """A system that may use interactions.

    Attributes:
        asid: 12 digits, also the common name of its client certificate.
        organisation_code: where it is deployed.
        party_key: joins it to its message handling systems, ``<ODS code>-<digits>``.
        interactions: service-qualified interaction ids, in the order in which they were registered.
        manufacturer_code: the supplier's ODS code; empty where it is not known.
        read_rights: what it may read of the directory, with all that those rights include.
    """

    asid: str
    organisation_code: str
    party_key: str
    description: str
    product: str
    product_version: str
    manufacturer_code: str
    interactions: tuple[str, ...]
    status: SystemStatus
    approval: FourEyes
    read_rights: frozenset[ReadRight] = ENDPOINTS_ONLY


@dataclass(frozen=True)
class MessageHandlingSystem:
    """Where and how one interaction of an organisation is reached.

    Attributes:
        id: ``S`` and 12 digits; also its CPA id.
        interaction_type: ``HL7``, ``EBXML``, ``FHIR`` or ``N/A``.
        endpoint: the URL.
        reliability: of ebXML: retries, retry_interval, persist_duration, duplicate_elimination,
            ack_requested, sync_reply_mode, actor; durations as in ISO 8601.
        dns: None where the host name came with a list that was approved as a whole.
    """

    id: str
    organisation_code: str
    party_key: str
    interaction: str
    interaction_type: str
    endpoint: str
    fqdn: str
    product: str
    manufacturer_code: str
    reliability: Mapping[str, str]
    status: SystemStatus
    approval: FourEyes
    dns: DnsApproval | None = None
