"""Reading XML that strangers hand in: bounded, in UTF-8, and nothing but elements, attributes and text.

What a signature does not need is refused before the parser sees it: document types (and so entities),
comments (they split a text that is read, and vanish from the canonical form that is signed), CDATA sections
and processing instructions. The parser itself loads and resolves nothing.
"""

from __future__ import annotations

import base64
import binascii
import re

from lxml import etree

EXCLUSIVE_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
_DECLARATION = re.compile(
    rb"""\A<\?xml version=["']1\.0["'](?: encoding=["'](?:utf|UTF)-8["'])?"""
    rb"""(?: standalone=["'](?:yes|no)["'])?\s*\?>"""
)


class XmlRefused(ValueError):
    """The text is not XML of the plain kind that is read here. The message says what is wrong."""


def element_from_untrusted(data: bytes, largest_bytes: int) -> etree._Element:
    """Parse one document.

    Args:
        data: UTF-8; an XML declaration may say so.

    Raises:
        XmlRefused
    """
    if len(data) > largest_bytes:
        raise XmlRefused(f"it has {len(data)} bytes, {largest_bytes} are allowed")
    body = _DECLARATION.sub(b"", data, count=1).strip()
    _require_plain(body)
    try:
        return etree.fromstring(body, _parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise XmlRefused(f"it is not well-formed XML: {str(error)[:200]}") from error


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        recover=False,
    )


def _require_plain(body: bytes) -> None:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise XmlRefused("it is not UTF-8") from error
    if not body.startswith(b"<"):
        raise XmlRefused("it does not begin with an element")
    for mark, what in ((b"<!", "a document type, a comment or a CDATA section"), (b"<?", "an instruction")):
        if mark in body:
            raise XmlRefused(f"it holds {what}, which is not accepted here")


def canonical(element: etree._Element) -> bytes:
    """Exclusive XML Canonicalization 1.0 without comments, of the element alone."""
    written: bytes = etree.tostring(element, method="c14n", exclusive=True, with_comments=False)
    return written


def require_children(element: etree._Element, *names: str) -> list[etree._Element]:
    """The children, when they are exactly those, in this order, with nothing but white space between.

    Raises:
        XmlRefused
    """
    children = list(element)
    if [child.tag for child in children] != list(names):
        raise XmlRefused(f"{_short(element)} must hold {', '.join(map(_local, names))} and nothing else")
    if any((text or "").strip() for text in (element.text, *(child.tail for child in children))):
        raise XmlRefused(f"{_short(element)} holds text between its elements")
    return children


def require_attributes(element: etree._Element, *names: str) -> None:
    """Refuse any attribute that is not among those.

    Raises:
        XmlRefused
    """
    for name in element.attrib:
        if name not in names:
            raise XmlRefused(f"{_short(element)} has an attribute {str(name)[:60]!r} that is not accepted")


def text_of(element: etree._Element) -> str:
    """The text of an element without children or attributes, without the white space around it.

    Raises:
        XmlRefused
    """
    require_attributes(element)
    if len(element):
        raise XmlRefused(f"{_short(element)} must hold text alone")
    return (element.text or "").strip()


def base64_of(element: etree._Element) -> bytes:
    """The bytes in an element of base64 text, with or without line breaks.

    Raises:
        XmlRefused
    """
    try:
        decoded = base64.b64decode("".join(text_of(element).split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise XmlRefused(f"{_short(element)} is not base64") from error
    if not decoded:
        raise XmlRefused(f"{_short(element)} is empty")
    return decoded


def _short(element: etree._Element) -> str:
    return _local(str(element.tag))


def _local(name: str) -> str:
    return name.rpartition("}")[2][:60]
