"""What you see is what you sign: bytes that are not shown whole are not signed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from app.signatures.prescription import PrescriptionFragments
from app.signatures.xml_reading import canonical
from card_agent.errors import DocumentRefused
from card_agent.prescription import LARGEST_BYTES, MOST_LINES, Line, Prescription, prescription_from_untrusted
from card_agent.xml_signature import signed_info
from examples.prescribing.prescription import fragments
from examples.prescribing.visits import Role, Visit

NOW = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
ROLE = Role("555251764514", '"Clinical":"Provision":"GP"', "L83002", "HONITON SURGERY & PARTNERS", {})
VISIT = Visit("session", "555253521108", "Elinor Hartley", ROLE, "token", NOW, NOW)
BYTES = fragments(VISIT, ROLE, NOW)


def test_the_prescribing_screen_s_prescription_is_read_whole() -> None:
    read = prescription_from_untrusted(BYTES)
    assert (read.prescriber_uid, read.organisation) == ("555253521108", "HONITON SURGERY & PARTNERS")
    assert read.signing_time == NOW
    assert read.lines[0].medicine == "Amoxicillin 500mg capsules"
    assert read.canonical_form() == BYTES


def test_the_agent_and_the_verification_service_agree_on_the_canonical_form_and_the_time() -> None:
    read = PrescriptionFragments.from_untrusted(BYTES)
    assert (read.canonical_form, read.signed_at, read.author_uid) == (BYTES, NOW, "555253521108")
    info = signed_info(BYTES)
    assert canonical(etree.fromstring(info)) == info


def replaced(old: bytes, new: bytes) -> bytes:
    assert old in BYTES
    return BYTES.replace(old, new)


HIDDEN = {
    "an attribute more": replaced(b'use="L"', b'hidden="x" use="L"'),
    "an element more": replaced(b"<product", b"<hidden></hidden><product"),
    "text between elements": replaced(b"</Fragment><Fragment>", b"</Fragment>Diamorphine<Fragment>"),
    "text after the end": BYTES + b"x",
    "white space": replaced(b"</Fragment><Fragment>", b"</Fragment>\n<Fragment>"),
    "a second dosage": replaced(b"</value>", b"</value><value>Ten at once</value>"),
    "a second time": replaced(
        b"</time>", b'</time><time xmlns="urn:hl7-org:v3" value="20200101000000"></time>'
    ),
    "another order": replaced(b'unit="1" value="21"', b'value="21" unit="1"'),
    "another prefix": replaced(b'<time xmlns="urn:hl7-org:v3"', b'<time xmlns="urn:x"'),
    "a shorter way of writing": replaced(b"></time>", b"/>"),
    "a character reference": replaced(b"Elinor", b"&#69;linor"),
    "a comment": replaced(b"Elinor", b"<!-- -->Elinor"),
    "a document type": b"<!DOCTYPE a>" + BYTES,
    "an instruction": replaced(b"Elinor", b"<?x?>Elinor"),
    "a fragment of another kind": replaced(
        b"</FragmentsToBeHashed>", b"<Other></Other></FragmentsToBeHashed>"
    ),
    "a text turned round": replaced(b"Amoxicillin", "\u202eAmoxicillin".encode()),
    "a text with nothing to see": replaced(b"Amoxicillin", "Amoxi\u200bcillin".encode()),
    "two blanks in a row": replaced(b"three times", b"three  times"),
    "no medicine": BYTES[: BYTES.index(b"<Fragment><pertinentLineItem")] + b"</FragmentsToBeHashed>",
    "an empty name": replaced(b"<name>Elinor Hartley</name>", b"<name></name>"),
    "a time that is none": replaced(b"20261126093000", b"20261399000000"),
    "a date that is none": replaced(b'value="19480430"', b'value="19480230"'),
    "something huge": replaced(b"Elinor", b"E" * LARGEST_BYTES),
    "something else": b"<Contract></Contract>",
    "arbitrary bytes": b"\x00\x01\x02",
    "nothing": b"",
}


@pytest.mark.parametrize("what", HIDDEN)
def test_what_would_not_be_shown_is_not_signed(what: str) -> None:
    with pytest.raises(DocumentRefused):
        prescription_from_untrusted(HIDDEN[what])


def test_too_many_lines_are_refused() -> None:
    read = prescription_from_untrusted(BYTES)
    with pytest.raises(DocumentRefused):
        prescription_from_untrusted(replace(read, lines=read.lines * (MOST_LINES + 1)).canonical_form())


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(DocumentRefused):
        prescription_from_untrusted(data)


NAMES = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=20).filter(
    lambda text: __import__("unicodedata").normalize("NFC", text) == text
)


@given(NAMES, NAMES, NAMES)
def test_every_name_that_can_be_shown_is_signed_as_it_is(patient: str, medicine: str, dosage: str) -> None:
    """Against another implementation of the canonical form: lxml's."""
    read = prescription_from_untrusted(BYTES)
    line: Line = replace(read.lines[0], medicine=medicine, dosage=dosage)
    written: Prescription = replace(read, patient=patient, lines=(line,))
    data = written.canonical_form()
    assert canonical(etree.fromstring(data)) == data
    assert prescription_from_untrusted(data) == written
