"""What the client sends and reads is what other LDAP libraries read and send, whatever the values are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ldap3.operation.bind import bind_operation
from ldap3.operation.compare import compare_operation
from ldap3.operation.search import search_operation
from ldap3.protocol import rfc4511
from pyasn1.codec.ber import decoder, encoder

from directory.client import requests, responses

NAMES = st.text(min_size=1, max_size=300)
IDS = st.integers(min_value=0, max_value=2**31 - 1)
BYTES = st.binary(max_size=400)


def by_peer(message: bytes):
    """The message as pyasn1 reads it with ldap3's definitions: id and protocolOp."""
    decoded, rest = decoder.decode(message, asn1Spec=rfc4511.LDAPMessage())
    assert not rest
    return int(decoded["messageID"]), decoded["protocolOp"].getComponent()


def from_peer(message_id: int, name: str, operation) -> bytes:
    """A message as pyasn1 writes it with ldap3's definitions."""
    message = rfc4511.LDAPMessage()
    message["messageID"] = message_id
    message["protocolOp"] = rfc4511.ProtocolOp().setComponentByName(name, operation)
    return encoder.encode(message)


@given(IDS, NAMES, NAMES, NAMES)
def test_a_peer_reads_the_compare_that_was_meant(message_id, entry, attribute, value):
    request = requests.compare("test", entry, attribute, value)
    read_id, operation = by_peer(requests.ldap_message(message_id, request.operation))
    assert read_id == message_id
    assert compared(operation) == (entry, attribute, value)


def compared(operation) -> tuple[str, str, str]:
    assertion = operation["ava"]
    parts = (operation["entry"], assertion["attributeDesc"], assertion["assertionValue"])
    return tuple(bytes(part).decode() for part in parts)


@given(NAMES, NAMES, NAMES, st.sampled_from(requests.Scope), st.lists(NAMES, min_size=1, max_size=5))
def test_a_peer_reads_the_search_that_was_meant(base, attribute, value, scope, wanted):
    for matching in (requests.equal(attribute, value), requests.at_most(attribute, value)):
        request = requests.search("test", base, scope, matching, wanted)
        _, operation = by_peer(requests.ldap_message(1, request.operation))
        assert text(operation["baseObject"]) == base
        assert int(operation["scope"]) == scope
        assert [text(one) for one in operation["attributes"]] == list(wanted)
        assertion = operation["filter"].getComponent()
        assert (text(assertion["attributeDesc"]), text(assertion["assertionValue"])) == (attribute, value)


def text(value) -> str:
    return bytes(value).decode()


def test_the_bytes_are_those_that_ldap3_sends():
    """Filters inside filters too, which pyasn1 writes but does not read with ldap3's definitions."""
    filter_text = "(&(nhsIDCode=A81001)(!(spineEnd<=20260615000000Z))(uid=*))"
    theirs = search_operation("o=nhs", filter_text, "SUBTREE", "NEVER", ["1.1"], 0, 0, False, None, None)
    at_most = requests.at_most("spineEnd", "20260615000000Z")
    matching = requests.all_of(
        requests.equal("nhsIDCode", "A81001"), requests.none_of(at_most), requests.present("uid")
    )
    ours = requests.search("test", "o=nhs", requests.Scope.SUBTREE, matching, requests.NO_ATTRIBUTES)
    external, simple = requests.external_bind(), requests.simple_bind("cn=x", b"secret")
    for name, our, their in (
        ("searchRequest", ours, theirs),
        (
            "compareRequest",
            requests.compare("t", "o=nhs", "o", "nhs"),
            compare_operation("o=nhs", "o", b"nhs", False),
        ),
        ("bindRequest", external, bind_operation(3, "SASL", "", None, "EXTERNAL", b"")),
        ("bindRequest", simple, bind_operation(3, "SIMPLE", "cn=x", "secret")),
    ):
        assert requests.ldap_message(7, our.operation) == from_peer(7, name, their)


@given(IDS, st.sampled_from([0, 5, 6, 16, 32, 50, 80, 118]), NAMES, NAMES)
def test_what_a_peer_answers_is_read_as_it_was_meant(message_id, code, matched, said):
    response = rfc4511.CompareResponse()
    response["resultCode"], response["matchedDN"], response["diagnosticMessage"] = code, matched, said
    message = responses.read_message(from_peer(message_id, "compareResponse", response))
    assert (message.id, message.tag) == (message_id, requests.COMPARE_RESPONSE)
    assert (message.result_code, message.description) == (code, said)


@given(IDS, NAMES, st.dictionaries(NAMES, st.lists(BYTES, max_size=5), max_size=5))
def test_an_entry_that_a_peer_sends_has_all_its_values(message_id, dn, attributes):
    entry = rfc4511.SearchResultEntry()
    entry["object"] = dn
    entry["attributes"] = rfc4511.PartialAttributeList()
    for place, (name, values) in enumerate(attributes.items()):
        attribute = rfc4511.PartialAttribute()
        attribute["type"] = name
        attribute["vals"] = rfc4511.Vals().setComponents(*values)
        entry["attributes"][place] = attribute
    read = responses.read_message(from_peer(message_id, "searchResEntry", entry)).entry
    assert read is not None
    assert read.dn == dn
    last = {name.lower(): values for name, values in attributes.items()}
    for name, values in last.items():
        sent = sorted(value.decode("utf-8", "surrogateescape") for value in values)
        assert sorted(read.attributes[name]) == sent


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65535, 65536])
def test_lengths_of_every_form_are_written_and_read(size):
    request = requests.compare("test", "o=nhs", "cn", "x" * size)
    _, operation = by_peer(requests.ldap_message(1, request.operation))
    assert compared(operation) == ("o=nhs", "cn", "x" * size)
