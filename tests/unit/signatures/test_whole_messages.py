"""Whole prescription messages, and the ways in which the national services write signatures."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from app.errors import InvalidInput
from app.signatures.prescription import PrescriptionFragments
from tests.support.defective_certificates import key
from tests.support.signed_prescriptions import (
    Office,
    b64,
    canonical_form,
    fragments,
    rsa_card,
    signature,
    signed,
    signed_info,
    value_of,
)

NAMESPACE = b' xmlns="urn:hl7-org:v3"'


def message(*, more_line: bytes = b"", more: bytes = b"") -> bytes:
    """The usual prescription as a whole message, indented, with parts that are not signed."""
    parts = [part.replace(NAMESPACE, b"") for part in fragments().split(b"<Fragment>")[1:]]
    head, agent, target, line = (part.partition(b"</Fragment>")[0] for part in parts)
    time, identifier = head.split(b"</time>")
    return b"""<ParentPrescription xmlns="urn:hl7-org:v3">
  <id root="X"/>
  %s
  <pertinentInformation1>
    <pertinentPrescription>
      %s
      <id extension="92DC91-A83008-4DCD88" root="Y"/>
      <author>
        %s</time>
        <signatureText nullFlavor="NA"/>
        %s
      </author>
      <pertinentInformation2>
        <seperatableInd value="true"/>
        %s
      </pertinentInformation2>%s
    </pertinentPrescription>
  </pertinentInformation1>
</ParentPrescription>""" % (
        target,
        identifier,
        time,
        agent,
        line.replace(b"</pertinentLineItem>", more_line + b"</pertinentLineItem>"),
        more,
    )


def test_the_fragments_are_taken_out_of_a_whole_message() -> None:
    read = PrescriptionFragments.from_untrusted(message())
    assert read.canonical_form == canonical_form(fragments())
    office = Office()
    assert office.verdict(signed(office.card), message()).is_valid


def test_what_changes_while_it_is_dispensed_is_not_signed() -> None:
    status = b"<pertinentInformation4><pertinentItemStatus/></pertinentInformation4>"
    read = PrescriptionFragments.from_untrusted(message(more_line=status))
    assert read.canonical_form == canonical_form(fragments())
    low, high = (
        PrescriptionFragments.from_untrusted(message(more_line=b"<repeatNumber>%s</repeatNumber>" % inside))
        for inside in (b'<low value="2"/><high value="6"/>', b'<high value="6"/>')
    )
    assert low.canonical_form == high.canonical_form
    assert b'<high value="6">' in low.canonical_form


def test_a_line_that_was_added_is_noticed() -> None:
    office = Office()
    line = b"<pertinentInformation2><pertinentLineItem><x/></pertinentLineItem></pertinentInformation2>"
    verdict = office.verdict(signed(office.card), message(more=line))
    assert verdict.errors == ["Signature doesn't match prescription"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<author>", b"<other>"),
        (b'<id root="A7B86F8D', b'<id extension="x" root="A7B86F8D'),
        (b"<seperatableInd", b'<evil xmlns="urn:x"/><seperatableInd'),
        (b"</author>", b"</author><author/>"),
    ],
)
def test_a_message_in_which_it_is_not_plain_what_is_signed_is_refused(old: bytes, new: bytes) -> None:
    changed = message().replace(old, new)
    if new == b"<other>":
        changed = changed.replace(b"</author>", b"</other>")
    with pytest.raises(InvalidInput):
        PrescriptionFragments.from_untrusted(changed)


def test_the_identifiers_that_the_national_services_write_are_read() -> None:
    office = Office(rsa_card())
    data = PrescriptionFragments.from_untrusted(fragments()).canonical_form
    ds = "http://www.w3.org/2000/09/xmldsig#"
    info = signed_info(hashlib.sha256(data).digest(), f"{ds}rsa-sha256", f"{ds}sha256")
    xml = signature(info, value_of(info.encode(), key("rsa")), office.card.ders()[2])
    assert office.verdict(xml).is_valid


def test_a_certificate_as_pem_in_base64_is_read_and_two_are_detected() -> None:
    office = Office()
    der = office.card.ders()[2]
    pem = x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
    plain = b64(der).encode()
    sound = signed(office.card)
    assert office.verdict(sound.replace(plain, base64.b64encode(pem))).is_valid
    doubled = sound.replace(plain, base64.b64encode(pem * 2))
    assert office.verdict(doubled).errors == ["Multiple certificates detected"]
    broken = sound.replace(plain, base64.b64encode(pem.replace(b"M", b"!")))
    assert office.verdict(broken).errors == ["Invalid certificate"]
