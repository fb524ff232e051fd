"""The FHIR look-ups' source: the directory, read as an accredited system of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from app.errors import Unavailable
from app.fhir.found import FoundDevice, FoundEndpoint
from app.fhir.looking_up import SourceRefuses, TooManyFound
from app.fhir.queries import DeviceQuery, EndpointQuery
from directory.entries import Record
from directory.errors import DirectoryRefused, DirectoryUnavailable, InvalidSetting
from directory.services_look_up import ACCREDITED_SYSTEM, MESSAGE_HANDLING_SYSTEM, ServicesLookUp

# RFC 4511 appendix A.1: time, size and administrative limit.
_LIMITS = frozenset({3, 4, 11})
_RELIABILITY_PREFIX = "nhsMHS"


class DirectoryLookUps:
    """Finds devices and endpoints in the directory."""

    def __init__(self, services: ServicesLookUp) -> None:
        self._services = services

    def devices(self, query: DeviceQuery) -> list[FoundDevice]:
        """The accredited systems that match. Raises Unavailable, TooManyFound, SourceRefuses."""
        terms = {
            "nhsIDCode": query.organisation,
            "nhsAsSvcIA": query.interaction,
            "nhsMHSPartyKey": query.party_key,
            "nhsMhsManufacturerOrg": query.manufacturer,
        }
        return [_device(record) for record in self._find(ACCREDITED_SYSTEM, terms)]

    def endpoints(self, query: EndpointQuery) -> list[FoundEndpoint]:
        """The message handling systems that match. Raises Unavailable, TooManyFound, SourceRefuses."""
        terms = {
            "nhsIDCode": query.organisation,
            "nhsMhsSvcIA": query.interaction,
            "nhsMHSPartyKey": query.party_key,
        }
        return [_endpoint(record) for record in self._find(MESSAGE_HANDLING_SYSTEM, terms)]

    def _find(self, object_class: str, terms: Mapping[str, str]) -> list[Record]:
        with _errors_named():
            found = self._services.find(object_class, terms)
        return sorted(found, key=lambda record: record.dn)


@contextmanager
def _errors_named() -> Iterator[None]:
    try:
        yield
    except DirectoryUnavailable as outage:
        raise Unavailable("directory", f"The directory does not answer: {outage}") from outage
    except (OSError, InvalidSetting) as fault:
        raise Unavailable(
            "directory", f"Our certificate for the directory cannot be used: {fault}"
        ) from fault
    except DirectoryRefused as refusal:
        if refusal.result_code in _LIMITS:
            raise TooManyFound("Too many match. Ask for one organisation and one interaction.") from refusal
        raise SourceRefuses(str(refusal)) from refusal


def _device(record: Record) -> FoundDevice:
    one = _first_of(record)
    return FoundDevice(
        one.get("uniqueIdentifier", ""),
        one.get("nhsAsClient", ""),
        one.get("nhsMHSPartyKey", ""),
        one.get("nhsMhsManufacturerOrg", ""),
        record.attributes.get("nhsAsSvcIA", ()),
    )


def _endpoint(record: Record) -> FoundEndpoint:
    one = _first_of(record)
    return FoundEndpoint(
        one.get("uniqueIdentifier", ""),
        one.get("nhsIDCode", ""),
        one.get("nhsMhsSvcIA", ""),
        record.attributes.get("nhsMHSEndPoint", ()),
        party_key=one.get("nhsMHSPartyKey", ""),
        cpa_id=one.get("nhsMhsCPAId", ""),
        fqdn=one.get("nhsMhsFQDN", ""),
        reliability={name: value for name, value in one.items() if name.startswith(_RELIABILITY_PREFIX)},
    )


def _first_of(record: Record) -> dict[str, str]:
    return {name: values[0] for name, values in record.attributes.items()}
