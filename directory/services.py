"""Systems: accredited systems (nhsAs) and message handling systems (nhsMhs) below ``ou=Services``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from directory import names
from directory.entries import NOT_KNOWN, Record, record

SYSTEM_APPROVER = "System"
"""Stands for a requester or approver that was no person, as in the national directory."""


def moment(when: datetime) -> str:
    """A moment as nhsDateRequested and nhsDateApproved write it: YYYYMMDDhhmmss in UTC, without a zone."""
    return f"{when.astimezone(UTC):%Y%m%d%H%M%S}"


@dataclass(frozen=True)
class Approval:
    """Four eyes: who asked and who approved (DNs of role profiles, or ``System``), and when."""

    requested_at: datetime
    approved_at: datetime
    requested_by: str = SYSTEM_APPROVER
    approved_by: str = SYSTEM_APPROVER


@dataclass(frozen=True)
class AccreditedSystemEntry:
    """A system that may take part in interactions. Its client reads what ``reads`` says.

    Attributes:
        asid: 12 digits; also the common name in the system's client certificate.
        organisation_code: where it is deployed.
        interactions: service-qualified interaction ids; their order is kept.
        reads: what its client may read (``access_rules.READS_...``); nothing when empty.
        password: a hash with its scheme (RFC 2307 section 5.3), for a bind by DN and password over TLS.
    """

    asid: str
    organisation_code: str
    party_key: str
    interactions: tuple[str, ...]
    approval: Approval
    client_organisation_code: str = ""
    manufacturer_code: str = ""
    product_name: str = ""
    product_version: str = ""
    description: str = ""
    reads: tuple[str, ...] = ()
    password: str = field(default="", repr=False)

    @property
    def dn(self) -> str:
        """``uniqueIdentifier=<ASID>,ou=Services,o=nhs``."""
        return names.service_dn(names.twelve_digits(self.asid, "ASID"))

    @property
    def owns_subtree(self) -> bool:
        """True: nothing else stands below a system."""
        return True

    def records(self) -> Iterator[Record]:
        """The system's one record."""
        yield record(
            self.dn,
            {
                "objectClass": ("top", "nhsAs", "spineSystem"),
                "uniqueIdentifier": self.asid,
                "nhsIDCode": self.organisation_code,
                "nhsMHSPartyKey": self.party_key,
                "nhsAsSvcIA": self.interactions,
                "nhsAsClient": self.client_organisation_code or self.organisation_code,
                "nhsMhsManufacturerOrg": self.manufacturer_code,
                "nhsProductName": self.product_name,
                "nhsProductVersion": self.product_version,
                "description": self.description,
                "spineReads": self.reads,
                "userPassword": self.password,
                **_approval(self.approval),
            },
        )


@dataclass(frozen=True)
class FollowersEntry:
    """The list of systems to which no limit of size or time applies: those that may read the change log."""

    asids: tuple[str, ...]

    @property
    def dn(self) -> str:
        """``cn=Followers,o=nhs``."""
        return names.FOLLOWERS

    @property
    def owns_subtree(self) -> bool:
        """True: nothing stands below it."""
        return True

    def records(self) -> Iterator[Record]:
        """The one record."""
        occupants = tuple(names.service_dn(names.twelve_digits(asid, "ASID")) for asid in self.asids)
        attributes = {"objectClass": ("top", "organizationalRole"), "cn": "Followers"}
        yield record(self.dn, attributes | {"roleOccupant": occupants})


@dataclass(frozen=True)
class MessageHandlingSystemEntry:
    """Where and how one interaction of an organisation is reached.

    Attributes:
        id: the MHS id, also its CPA id.
        interaction: service-qualified interaction id ``urn:nhs:names:services:<service>:<name>``, exactly
            one.
        endpoint: URL, or the root of a FHIR service.
        interaction_type: FHIR, HL7, EBXML or N/A.
        retries, retry_interval, persist_duration: ebXML reliability; the last two are ISO 8601 durations.
        dns_approved_by: DN of the role profile that checked the host name; the approver's when empty.
    """

    id: str
    organisation_code: str
    party_key: str
    interaction: str
    endpoint: str
    fqdn: str
    approval: Approval
    interaction_type: str = "FHIR"
    manufacturer_code: str = ""
    product_key: str = ""
    product_name: str = ""
    retries: str = ""
    retry_interval: str = ""
    persist_duration: str = ""
    duplicate_elimination: str = ""
    ack_requested: str = ""
    sync_reply_mode: str = ""
    actor: str = ""
    dns_approved_by: str = ""
    dns_approved_at: datetime | None = None

    @property
    def dn(self) -> str:
        """``uniqueIdentifier=<MHS id>,ou=Services,o=nhs``."""
        return names.service_dn(self.id)

    @property
    def owns_subtree(self) -> bool:
        """True: nothing else stands below a system."""
        return True

    def records(self) -> Iterator[Record]:
        """The system's one record."""
        yield record(self.dn, self._identity() | self._reliability())

    def _identity(self) -> dict[str, str | tuple[str, ...] | None]:
        service, _, name = self.interaction.rpartition(":")
        return {
            "objectClass": ("top", "nhsMhs", "spineSystem"),
            "uniqueIdentifier": self.id,
            "nhsIDCode": self.organisation_code,
            "nhsMHSPartyKey": self.party_key,
            "nhsMhsSvcIA": self.interaction,
            "nhsMHsSN": service or NOT_KNOWN,
            "nhsMHsIN": name,
            "nhsMHSEndPoint": self.endpoint,
            "nhsMhsFQDN": self.fqdn,
            "nhsMhsCPAId": self.id,
            "nhsMhsManufacturerOrg": self.manufacturer_code,
            "nhsProductName": self.product_name,
            "nhsProductKey": self.product_key or NOT_KNOWN,
            "nhsEPInteractionType": self.interaction_type,
            "nhsDNSApprover": self.dns_approved_by or self.approval.approved_by,
            "nhsDateDNSApproved": moment(self.dns_approved_at or self.approval.approved_at),
            **_approval(self.approval),
        }

    def _reliability(self) -> dict[str, str | tuple[str, ...] | None]:
        return {
            "nhsMHSIsAuthenticated": "none",
            "nhsContractPropertyTemplateKey": NOT_KNOWN,
            "nhsMHSRetries": self.retries,
            "nhsMHSRetryInterval": self.retry_interval,
            "nhsMHSPersistDuration": self.persist_duration,
            "nhsMHSDuplicateElimination": self.duplicate_elimination,
            "nhsMHSAckRequested": self.ack_requested,
            "nhsMHSSyncReplyMode": self.sync_reply_mode,
            "nhsMHSActor": self.actor,
        }


def _approval(approval: Approval) -> dict[str, str]:
    return {
        "nhsRequestorURP": approval.requested_by,
        "nhsDateRequested": moment(approval.requested_at),
        "nhsApproverURP": approval.approved_by,
        "nhsDateApproved": moment(approval.approved_at),
    }
