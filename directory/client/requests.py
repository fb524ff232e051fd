"""LDAP's requests, named after the productions of RFC 4511 section 4.

Filters are built from values, never from text: there is nothing to escape and nothing to inject into.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from directory.client import ber

VERSION = 3

BIND_RESPONSE = 0x61
SEARCH_RESULT_ENTRY = 0x64
SEARCH_RESULT_DONE = 0x65
COMPARE_RESPONSE = 0x6F
SEARCH_RESULT_REFERENCE = 0x73
EXTENDED_RESPONSE = 0x78
INTERMEDIATE_RESPONSE = 0x79


class Scope(IntEnum):
    """How far below the base a search reaches (RFC 4511 section 4.5.1.2)."""

    BASE = 0
    ONE_LEVEL = 1
    SUBTREE = 2


class Request(NamedTuple):
    """One operation to ask for, encoded.

    Attributes:
        operation: the protocolOp.
        answered_by: the tag of the response that ends it.
        purpose: what it is for, for messages: "check a role".
    """

    operation: bytes
    answered_by: int
    purpose: str


def ldap_message(message_id: int, operation: bytes) -> bytes:
    """LDAPMessage (section 4.1.1), without controls."""
    return ber.element(ber.SEQUENCE, ber.integer(message_id) + operation)


def simple_bind(name: str, password: bytes) -> Request:
    """BindRequest with a password (section 4.2)."""
    credentials = ber.octets(password, 0x80)
    return _bind(name, credentials)


def external_bind() -> Request:
    """BindRequest with SASL EXTERNAL: be who the certificate says (RFC 4422 appendix A)."""
    return _bind("", ber.element(0xA3, ber.octets("EXTERNAL") + ber.octets("")))


def anonymous_bind() -> Request:
    """BindRequest as nobody (RFC 4513 section 5.1.1)."""
    return _bind("", ber.octets("", 0x80))


def _bind(name: str, authentication: bytes) -> Request:
    content = ber.integer(VERSION) + ber.octets(name) + authentication
    return Request(ber.element(0x60, content), BIND_RESPONSE, "log in")


UNBIND = b"\x42\x00"
"""UnbindRequest (section 4.3)."""


def compare(purpose: str, entry: str, attribute: str, value: str) -> Request:
    """CompareRequest (section 4.10)."""
    assertion = ber.element(ber.SEQUENCE, ber.octets(attribute) + ber.octets(value))
    return Request(ber.element(0x6E, ber.octets(entry) + assertion), COMPARE_RESPONSE, purpose)


def search(purpose: str, base: str, scope: Scope, matching: bytes, attributes: Sequence[str]) -> Request:
    """SearchRequest (section 4.5.1). Aliases are not followed; size and time limits are the server's."""
    content = (
        ber.octets(base)
        + ber.integer(scope, ber.ENUMERATED)
        + ber.integer(0, ber.ENUMERATED)
        + ber.integer(0)
        + ber.integer(0)
        + ber.boolean(False)
        + matching
        + ber.element(ber.SEQUENCE, b"".join(map(ber.octets, attributes)))
    )
    return Request(ber.element(0x63, content), SEARCH_RESULT_DONE, purpose)


NO_ATTRIBUTES = ("1.1",)
"""Asks for the entries' names alone (section 4.5.1.8)."""


def all_of(*filters: bytes) -> bytes:
    """Filter: and."""
    return ber.element(0xA0, b"".join(filters))


def any_of(*filters: bytes) -> bytes:
    """Filter: or."""
    return ber.element(0xA1, b"".join(filters))


def none_of(matching: bytes) -> bytes:
    """Filter: not."""
    return ber.element(0xA2, matching)


def equal(attribute: str, value: str) -> bytes:
    """Filter: equalityMatch."""
    return ber.element(0xA3, ber.octets(attribute) + ber.octets(value))


def at_most(attribute: str, value: str) -> bytes:
    """Filter: lessOrEqual."""
    return ber.element(0xA6, ber.octets(attribute) + ber.octets(value))


def present(attribute: str) -> bytes:
    """Filter: present."""
    return ber.octets(attribute, 0x87)
