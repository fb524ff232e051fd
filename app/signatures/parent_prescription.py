"""From a whole prescription message to the fragments that are signed, as the national services take them out.

Source: the published signature stylesheet of the Electronic Prescription Service. Signed are the time, the
id, who prescribes, for whom, and each line without what changes while it is dispensed
(``repeatNumber/low`` and the item's status). White space between elements does not count.
"""

from __future__ import annotations

from lxml import etree

from app.signatures.xml_reading import XmlRefused

HL7 = "urn:hl7-org:v3"
_AS_DEFAULT: dict[str, str] = {None: HL7}  # type: ignore[dict-item]  # lxml's own way of saying "no prefix"
_PRESCRIPTION = ("pertinentInformation1", "pertinentPrescription")


def fragments_of(message: etree._Element) -> etree._Element:
    """``FragmentsToBeHashed`` of a ``ParentPrescription``.

    Raises:
        XmlRefused: a part that is signed is missing, or there more than once.
    """
    prescription = _one(message, *_PRESCRIPTION)
    ids = [each for each in _children(prescription, "id") if each.get("extension") is None]
    if len(ids) != 1:
        raise XmlRefused("its prescription must have one id without an extension")
    lines = [_one(each, "pertinentLineItem") for each in _children(prescription, "pertinentInformation2")]
    root = etree.Element("FragmentsToBeHashed")
    _add(root, _one(prescription, "author", "time"), ids[0])
    _add(root, _one(prescription, "author", "AgentPerson"))
    _add(root, _one(message, "recordTarget"))
    for line in lines:
        _add(root, line)
    return root


def _add(root: etree._Element, *elements: etree._Element) -> None:
    fragment = etree.SubElement(root, "Fragment")
    for element in elements:
        fragment.append(_copied(element))


def _copied(element: etree._Element) -> etree._Element:
    """A copy in the namespace of HL7 v3, without white space and without what is not signed."""
    own = etree.Element(f"{{{HL7}}}{_local(element)}", nsmap=_AS_DEFAULT)
    for name, value in element.attrib.items():
        own.set(name, value)
    text = element.text or ""
    own.text = text if text.strip() or not len(element) else None
    for child in element:
        if not _is_left_out(child, element):
            own.append(_copied(child))
    return own


def _is_left_out(child: etree._Element, parent: etree._Element) -> bool:
    is_counter = _local(child) == "low" and _local(parent) == "repeatNumber"
    return is_counter or any(_local(each) == "pertinentItemStatus" for each in child)


def _one(element: etree._Element, *path: str) -> etree._Element:
    for name in path:
        found = _children(element, name)
        if len(found) != 1:
            raise XmlRefused(f"it must hold one {name}, not {len(found)}")
        element = found[0]
    return element


def _children(element: etree._Element, name: str) -> list[etree._Element]:
    return [child for child in element if _local(child) == name]


def _local(element: etree._Element) -> str:
    name = etree.QName(element)
    if name.namespace not in (None, HL7):
        raise XmlRefused(f"{name.localname} is not an element of HL7 v3")
    return name.localname
