"""What the look-ups can do, said twice: as FHIR's CapabilityStatement and as an OpenAPI 3.1 document."""

from __future__ import annotations

import json
from importlib.resources import files

from app.fhir.resources import Resource

_PUBLISHED_ON = "2026-11-22"
_WITH_KEY = [{"apikey": list[str]()}]


def statement(origin: str, endpoints_need_key: bool) -> Resource:
    """The CapabilityStatement (http://hl7.org/fhir/R4/capabilitystatement.html)."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": _PUBLISHED_ON,
        "kind": "instance",
        "implementation": {"description": "Look-ups of systems and endpoints", "url": origin},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [
            {
                "mode": "server",
                "security": {"description": _security(endpoints_need_key)},
                "resource": [
                    _resource("Device", "organization", "identifier", "manufacturing-organization"),
                    _resource("Endpoint", "organization", "identifier"),
                ],
            }
        ],
    }


def openapi(origin: str, endpoints_need_key: bool) -> Resource:
    """The OpenAPI document, with this service's own address and policy."""
    text = files("app.fhir").joinpath("openapi.json").read_text(encoding="utf-8")
    document: Resource = json.loads(text)
    document["servers"] = [{"url": origin}]
    if endpoints_need_key:
        document["paths"]["/Endpoint"]["get"]["security"] = _WITH_KEY
    return document


def _security(endpoints_need_key: bool) -> str:
    who = "Device and Endpoint" if endpoints_need_key else "Device"
    return f"An API key in the header 'apikey' is needed for {who}."


def _resource(kind: str, *parameters: str) -> Resource:
    return {
        "type": kind,
        "interaction": [{"code": "search-type"}],
        "searchParam": [{"name": name, "type": "token"} for name in parameters],
    }
