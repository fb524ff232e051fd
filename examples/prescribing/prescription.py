"""The prescription that a prescriber signs here, as the national services' fragments in canonical form."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from lxml import etree
from lxml.builder import ElementMaker

from examples.prescribing.visits import Role, Visit

_HL7 = "urn:hl7-org:v3"
_MEDICINES = "2.16.840.1.113883.2.1.3.2.4.15"
_E = ElementMaker(namespace=_HL7, nsmap={None: _HL7})
_PLAIN = ElementMaker()

PATIENT, NHS_NUMBER, BORN_ON = "Stacey Twitchett", "9990548609", "19480430"
MEDICINE, CODE, QUANTITY, UNIT = "Amoxicillin 500mg capsules", "39732311000001104", "21", "capsule"
DOSAGE = "One to be taken three times a day"


def fragments(visit: Visit, role: Role, now: datetime) -> bytes:
    """The bytes that get signed: who prescribes what for whom, and when (UTC, to the second)."""
    parts = (
        [_E.time(value=f"{now:%Y%m%d%H%M%S}"), _E.id(root=_new_id())],
        [_agent(visit, role)],
        [_patient()],
        [_line()],
    )
    root = _PLAIN.FragmentsToBeHashed(*(_PLAIN.Fragment(*part) for part in parts))
    written: bytes = etree.tostring(root, method="c14n", exclusive=True, with_comments=False)
    return written


def _new_id() -> str:
    return str(uuid4()).upper()


def _agent(visit: Visit, role: Role) -> etree._Element:
    person = _E.agentPerson(
        _id(visit.user_id, "1.2.826.0.1285.0.2.0.65"), _E.name(visit.name), **_kind("PSN")
    )
    organisation = _E.representedOrganization(
        _id(role.organisation_code, "1.2.826.0.1285.0.1.10"), _E.name(role.organisation_name), **_kind("ORG")
    )
    own_role = _id(role.id, "1.2.826.0.1285.0.2.0.67")
    return _E.AgentPerson(own_role, person, organisation, classCode="AGNT")


def _patient() -> etree._Element:
    person = _E.patientPerson(_E.name(PATIENT, use="L"), _E.birthTime(value=BORN_ON), **_kind("PSN"))
    patient = _E.Patient(_id(NHS_NUMBER, "2.16.840.1.113883.2.1.4.1"), person, classCode="PAT")
    return _E.recordTarget(patient, typeCode="RCT")


def _line() -> etree._Element:
    code = _E.code(code=CODE, codeSystem=_MEDICINES, displayName=MEDICINE)
    material = _E.manufacturedRequestedMaterial(code, classCode="MMAT", determinerCode="KIND")
    product = _E.product(_E.manufacturedProduct(material, classCode="MANU"), typeCode="PRD")
    amount = _E.quantity(_E.translation(displayName=UNIT), value=QUANTITY, unit="1")
    supply = _E.lineItemQuantity(amount, classCode="SPLY", moodCode="RQO")
    taken = _E.pertinentDosageInstructions(_E.value(DOSAGE), classCode="OBS", moodCode="EVN")
    return _E.pertinentLineItem(
        _E.id(root=_new_id()),
        product,
        _E.component(supply, typeCode="COMP"),
        _E.pertinentInformation2(taken, typeCode="PERT"),
        classCode="SBADM",
        moodCode="RQO",
    )


def _id(extension: str, root: str) -> etree._Element:
    return _E.id(root=root, extension=extension)


def _kind(code: str) -> dict[str, str]:
    return {"classCode": code, "determinerCode": "INSTANCE"}
