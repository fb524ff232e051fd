"""A prescription as it is signed: bytes that are read whole, or not signed.

What the person sees is made from the bytes that get signed, and from nothing else. To be sure that the bytes
hold nothing which is not shown, the prescription that was read is written again, and must give the same
bytes: ``prescription_from_untrusted(data).canonical_form() == data``. So only one shape, in exclusive
canonical form, can be signed: the fragments of the national services' prescriptions (docs/signatures.md).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime
from xml.etree import ElementTree

from card_agent.errors import DocumentRefused

LARGEST_BYTES = 64 * 1024
MOST_LINES = 20
_LONGEST_TEXT = 300
_HL7 = "urn:hl7-org:v3"
_ROLE_PROFILE, _USER = "1.2.826.0.1285.0.2.0.67", "1.2.826.0.1285.0.2.0.65"
_ORGANISATION, _NHS_NUMBER = "1.2.826.0.1285.0.1.10", "2.16.840.1.113883.2.1.4.1"
_MEDICINES = "2.16.840.1.113883.2.1.3.2.4.15"
_TIME, _DATE = re.compile("[0-9]{14}"), re.compile("[0-9]{8}")
_UUID = re.compile(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}")


@dataclass(frozen=True)
class Line:
    """One medicine: its code and name, how much, in which unit, and how it is taken."""

    id: str
    code: str
    medicine: str
    quantity: str
    unit: str
    dosage: str


@dataclass(frozen=True)
class Prescription:
    """Everything that a signature is over. Texts are as they stand in the bytes.

    ``signed_at`` is UTC and ``born_on`` a date, both as HL7 writes them: ``20261126093000``, ``19480430``.
    """

    id: str
    signed_at: str
    role_profile_id: str
    prescriber_uid: str
    prescriber: str
    organisation_code: str
    organisation: str
    nhs_number: str
    patient: str
    born_on: str
    lines: tuple[Line, ...]

    @property
    def signing_time(self) -> datetime:
        """Return the time of signing."""
        return datetime.strptime(self.signed_at, "%Y%m%d%H%M%S").replace(tzinfo=UTC)

    @property
    def birth_date(self) -> date:
        """Return the patient's date of birth."""
        return datetime.strptime(self.born_on, "%Y%m%d").replace(tzinfo=UTC).date()

    def canonical_form(self) -> bytes:
        """Return the bytes, in Exclusive XML Canonicalization 1.0."""
        return _written(self).encode()


def prescription_from_untrusted(data: bytes) -> Prescription:
    """Read a prescription. Raises DocumentRefused when anything in the bytes would not be shown."""
    if len(data) > LARGEST_BYTES or b"<!" in data or b"<?" in data:
        raise _refused()
    try:
        prescription = _read(ElementTree.fromstring(data))  # noqa: S314 - no document type gets here
        _require_readable(prescription)
        if prescription.canonical_form() != data:
            raise ValueError("something is left out, or not in canonical form")
    except (ElementTree.ParseError, AttributeError, KeyError, ValueError) as error:
        raise _refused() from error
    return prescription


def _refused() -> DocumentRefused:
    return DocumentRefused(
        "What the site wants signed is no prescription that this card agent can show whole, so it is not "
        "signed. Go back to the site, and tell your IT service desk."
    )


def _read(root: ElementTree.Element) -> Prescription:
    head, agent, target, *lines = root.findall("Fragment")
    person, organisation = (
        _at(agent, "AgentPerson/agentPerson"),
        _at(agent, "AgentPerson/representedOrganization"),
    )
    patient = _at(target, "recordTarget/Patient")
    return Prescription(
        id=_at(head, "id").attrib["root"],
        signed_at=_at(head, "time").attrib["value"],
        role_profile_id=_at(agent, "AgentPerson/id").attrib["extension"],
        prescriber_uid=_at(person, "id").attrib["extension"],
        prescriber=_text(person, "name"),
        organisation_code=_at(organisation, "id").attrib["extension"],
        organisation=_text(organisation, "name"),
        nhs_number=_at(patient, "id").attrib["extension"],
        patient=_text(patient, "patientPerson/name"),
        born_on=_at(patient, "patientPerson/birthTime").attrib["value"],
        lines=tuple(_line(_at(each, "pertinentLineItem")) for each in lines),
    )


def _line(item: ElementTree.Element) -> Line:
    medicine = _at(item, "product/manufacturedProduct/manufacturedRequestedMaterial/code").attrib
    quantity = _at(item, "component/lineItemQuantity/quantity")
    return Line(
        id=_at(item, "id").attrib["root"],
        code=medicine["code"],
        medicine=medicine["displayName"],
        quantity=quantity.attrib["value"],
        unit=_at(quantity, "translation").attrib["displayName"],
        dosage=_text(item, "pertinentInformation2/pertinentDosageInstructions/value"),
    )


def _at(element: ElementTree.Element, path: str) -> ElementTree.Element:
    found = element.find("/".join(f"{{{_HL7}}}{name}" for name in path.split("/")))
    if found is None:
        raise ValueError(f"there is no {path}")
    return found


def _text(element: ElementTree.Element, path: str) -> str:
    return _at(element, path).text or ""


def _require_readable(prescription: Prescription) -> None:
    """Refuse what a page would not show as it is, and codes of another form. Raises ValueError."""
    texts = [value for value in vars(prescription).values() if isinstance(value, str)]
    texts += [value for line in prescription.lines for value in vars(line).values()]
    for text in texts:
        is_plain = text.isprintable() and text == " ".join(text.split()) == unicodedata.normalize("NFC", text)
        if not is_plain or not 0 < len(text) <= _LONGEST_TEXT:
            raise ValueError("a text is empty, too long, or would not be shown as it is")
    if not 1 <= len(prescription.lines) <= MOST_LINES:
        raise ValueError("there are no medicines, or too many")
    if not all(
        _UUID.fullmatch(each) for each in (prescription.id, *(line.id for line in prescription.lines))
    ):
        raise ValueError("an id is not a UUID")
    if not _TIME.fullmatch(prescription.signed_at) or not _DATE.fullmatch(prescription.born_on):
        raise ValueError("a time or date is of another form")
    _ = prescription.signing_time, prescription.birth_date


def _written(prescription: Prescription) -> str:
    fragments = [
        *(_written_head(prescription), _written_agent(prescription), _written_patient(prescription)),
        *(_written_line(line) for line in prescription.lines),
    ]
    inside = "".join(f"<Fragment>{fragment}</Fragment>" for fragment in fragments)
    return f"<FragmentsToBeHashed>{inside}</FragmentsToBeHashed>"


def _written_head(prescription: Prescription) -> str:
    return (
        f'<time xmlns="{_HL7}" value="{_quoted(prescription.signed_at)}"></time>'
        f'<id xmlns="{_HL7}" root="{_quoted(prescription.id)}"></id>'
    )


def _written_agent(prescription: Prescription) -> str:
    return (
        f'<AgentPerson xmlns="{_HL7}" classCode="AGNT">{_id(prescription.role_profile_id, _ROLE_PROFILE)}'
        f'<agentPerson classCode="PSN" determinerCode="INSTANCE">{_id(prescription.prescriber_uid, _USER)}'
        f"<name>{_escaped(prescription.prescriber)}</name></agentPerson>"
        '<representedOrganization classCode="ORG" determinerCode="INSTANCE">'
        f"{_id(prescription.organisation_code, _ORGANISATION)}"
        f"<name>{_escaped(prescription.organisation)}</name></representedOrganization></AgentPerson>"
    )


def _written_patient(prescription: Prescription) -> str:
    return (
        f'<recordTarget xmlns="{_HL7}" typeCode="RCT"><Patient classCode="PAT">'
        f"{_id(prescription.nhs_number, _NHS_NUMBER)}"
        '<patientPerson classCode="PSN" determinerCode="INSTANCE">'
        f'<name use="L">{_escaped(prescription.patient)}</name>'
        f'<birthTime value="{_quoted(prescription.born_on)}"></birthTime></patientPerson></Patient>'
        "</recordTarget>"
    )


def _written_line(line: Line) -> str:
    return (
        f'<pertinentLineItem xmlns="{_HL7}" classCode="SBADM" moodCode="RQO">'
        f'<id root="{_quoted(line.id)}"></id>{_written_product(line)}{_written_quantity(line)}'
        '<pertinentInformation2 typeCode="PERT">'
        '<pertinentDosageInstructions classCode="OBS" moodCode="EVN">'
        f"<value>{_escaped(line.dosage)}</value></pertinentDosageInstructions></pertinentInformation2>"
        "</pertinentLineItem>"
    )


def _written_product(line: Line) -> str:
    code, name = _quoted(line.code), _quoted(line.medicine)
    return (
        '<product typeCode="PRD"><manufacturedProduct classCode="MANU">'
        '<manufacturedRequestedMaterial classCode="MMAT" determinerCode="KIND">'
        f'<code code="{code}" codeSystem="{_MEDICINES}" displayName="{name}"></code>'
        "</manufacturedRequestedMaterial></manufacturedProduct></product>"
    )


def _written_quantity(line: Line) -> str:
    return (
        '<component typeCode="COMP"><lineItemQuantity classCode="SPLY" moodCode="RQO">'
        f'<quantity unit="1" value="{_quoted(line.quantity)}">'
        f'<translation displayName="{_quoted(line.unit)}"></translation></quantity></lineItemQuantity>'
        "</component>"
    )


def _id(extension: str, root: str) -> str:
    return f'<id extension="{_quoted(extension)}" root="{root}"></id>'


def _escaped(text: str) -> str:
    """Return element text in canonical form (Canonical XML 1.0 section 2.3)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _quoted(text: str) -> str:
    """Return an attribute value in canonical form (Canonical XML 1.0 section 2.3)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
