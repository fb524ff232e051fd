"""What the use cases of systems answer: values that carry all that a page shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.domain.system import AccreditedSystem, MessageHandlingSystem
from app.domain.system_certificate import SystemCertificate
from app.domain.system_details import SystemDetails
from app.domain.system_request import SystemRequest
from app.ra.records import PersonReference


@dataclass(frozen=True)
class SystemSummary:
    """A system as a list shows it."""

    system: AccreditedSystem
    organisation_name: str


@dataclass(frozen=True)
class SystemRequestRecord:
    """A request with the names of people and organisation.

    Attributes:
        before: what is registered now, of a change; None for a new system.
    """

    request: SystemRequest
    organisation_name: str
    requested_by: PersonReference
    decided_by: PersonReference | None
    hosts_checked_by: PersonReference | None
    before: SystemDetails | None = None


@dataclass(frozen=True)
class SystemRecord:
    """Everything about one system. ``history`` is every request about it, the latest first."""

    system: AccreditedSystem
    organisation_name: str
    details: SystemDetails
    endpoints: tuple[MessageHandlingSystem, ...]
    certificates: tuple[SystemCertificate, ...]
    history: tuple[SystemRequestRecord, ...]


@dataclass(frozen=True)
class CertificateDue:
    """A certificate that ends soon, and its system's product."""

    asid: str
    product: str
    organisation_code: str
    ends_at: datetime
