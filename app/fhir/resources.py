"""FHIR R4 resources of what was found, in the form that clients of the national look-ups read.

An id is made of the system's own (RFC 9562, version 5), so that the same system has the same id in every
answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

from app.fhir import identifiers
from app.fhir.found import FoundDevice, FoundEndpoint

Resource = dict[str, Any]
"""A resource as JSON."""

_CODE_SYSTEM = "http://terminology.hl7.org/CodeSystem"
_RELIABILITY = (
    "nhsMHSSyncReplyMode",
    "nhsMHSRetryInterval",
    "nhsMHSRetries",
    "nhsMHSPersistDuration",
    "nhsMHSDuplicateElimination",
    "nhsMHSAckRequested",
    "nhsMHSActor",
)


def device(found: FoundDevice) -> Resource:
    """The Device of an accredited system."""
    resource: Resource = {
        "resourceType": "Device",
        "id": str(uuid5(NAMESPACE_URL, f"{identifiers.ASID}|{found.asid}")),
        "extension": [
            _referring(identifiers.MANUFACTURER_EXTENSION, identifiers.ORGANISATION, found.manufacturer),
            *(
                _referring(identifiers.INTERACTION_EXTENSION, identifiers.INTERACTION, each)
                for each in found.interactions
            ),
        ],
        "identifier": [
            _identifier(identifiers.ASID, found.asid),
            _identifier(identifiers.PARTY_KEY, found.party_key),
        ],
        "owner": _reference(identifiers.ORGANISATION, found.client_organisation),
    }
    return _without_gaps(resource)


def endpoints(found: FoundEndpoint) -> Iterator[Resource]:
    """An Endpoint for each address of a message handling system."""
    for place, address in enumerate(found.addresses):
        mhs_id = f"{found.mhs_id}#{place}" if place else found.mhs_id
        resource: Resource = {
            "resourceType": "Endpoint",
            "id": str(uuid5(NAMESPACE_URL, f"{identifiers.MHS_ID}|{mhs_id}")),
            "extension": [
                _reliability(found),
                _referring(identifiers.INTERACTION_EXTENSION, identifiers.INTERACTION, found.interaction),
            ],
            "identifier": [
                _identifier(identifiers.FQDN, found.fqdn),
                _identifier(identifiers.PARTY_KEY, found.party_key),
                _identifier(identifiers.CPA_ID, found.cpa_id),
                _identifier(identifiers.MHS_ID, found.mhs_id),
            ],
            "status": "active",
            # The national service says this of every endpoint, whatever its protocol.
            "connectionType": _coding("endpoint-connection-type", "hl7-fhir-msg", "HL7 FHIR Messaging"),
            "payloadType": [{"coding": [_coding("endpoint-payload-type", "any", "Any")]}],
            "managingOrganization": _reference(identifiers.ORGANISATION, found.organisation),
            "address": address,
        }
        yield _without_gaps(resource)


def searchset(resources: Sequence[Resource], base: str, asked: str) -> Resource:
    """A Bundle of the resources.

    ``entry`` is there when nothing was found too, as the national service has it, although FHIR's JSON has no
    empty arrays: its clients count what is in it.

    Args:
        base: the service's address, before ``/Device``.
        asked: the address that was asked, for the link to itself.
    """
    return {
        "resourceType": "Bundle",
        "id": str(uuid4()),
        "type": "searchset",
        "total": len(resources),
        "link": [{"relation": "self", "url": asked}],
        "entry": [
            {
                "fullUrl": f"{base}/{each['resourceType']}/{each['id']}",
                "resource": each,
                "search": {"mode": "match"},
            }
            for each in resources
        ],
    }


def operation_outcome(code: str, diagnostics: str) -> Resource:
    """What went wrong.

    Args:
        code: of http://hl7.org/fhir/R4/valueset-issue-type.html.
        diagnostics: a sentence that says what to do.
    """
    issue = {"severity": "error", "code": code, "diagnostics": diagnostics}
    return {"resourceType": "OperationOutcome", "id": str(uuid4()), "issue": [issue]}


def _reliability(found: FoundEndpoint) -> Resource | None:
    known = [(name, found.reliability[name]) for name in _RELIABILITY if found.reliability.get(name)]
    parts = [part for name, value in known if (part := _reliability_part(name, value))]
    return {"url": identifiers.RELIABILITY_EXTENSION, "extension": parts} if parts else None


def _reliability_part(name: str, value: str) -> Resource | None:
    """Retries are a number; one that is none is left out, as no client could read it."""
    if name != "nhsMHSRetries":
        return {"url": name, "valueString": value}
    return {"url": name, "valueInteger": int(value)} if value.isascii() and value.isdigit() else None


def _identifier(system: str, value: str) -> Resource | None:
    return {"system": system, "value": value} if value else None


def _reference(system: str, value: str) -> Resource | None:
    return {"identifier": {"system": system, "value": value}} if value else None


def _referring(url: str, system: str, value: str) -> Resource | None:
    return {"url": url, "valueReference": _reference(system, value)} if value else None


def _coding(system: str, code: str, display: str) -> Resource:
    return {"system": f"{_CODE_SYSTEM}/{system}", "code": code, "display": display}


def _without_gaps(resource: Resource) -> Resource:
    """Without what is not known: FHIR has neither null nor empty text."""
    filled = {name: _filled(value) if isinstance(value, list) else value for name, value in resource.items()}
    return {name: value for name, value in filled.items() if value}


def _filled(values: Iterable[Resource | None]) -> list[Resource]:
    return [value for value in values if value]
