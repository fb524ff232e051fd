"""What attackers hand in: wrapping, entities, confused algorithms, huge documents. All of it is refused."""

from __future__ import annotations

import contextlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidInput
from app.signatures.algorithms import RSA_SHA256, SHA256, DigestAlgorithm
from app.signatures.prescription import LARGEST_PRESCRIPTION_BYTES, PrescriptionFragments
from app.signatures.xmldsig import LARGEST_SIGNATURE_BYTES
from tests.support.defective_certificates import key
from tests.support.signed_prescriptions import (
    Office,
    fragments,
    rsa_card,
    signature,
    signed,
    signed_info,
    value_of,
)

FORMAT = ["Invalid signature format"]
DIGEST = PrescriptionFragments.from_untrusted(fragments()).digest(DigestAlgorithm(SHA256, is_old=False))


def changed(office: Office, old: str, new: str) -> bytes:
    """A signature whose SignedInfo was changed and then signed with the card's own key."""
    info = signed_info(DIGEST)
    assert old in info
    other = info.replace(old, new)
    own_key = office.card.path.holder.own_key
    return signature(other, value_of(other.encode(), own_key), office.card.ders()[2])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<Reference>", '<Reference URI="#prescription">'),
        ("<Reference>", '<Reference URI="https://example.org/">'),
        ("<Reference>", '<Reference Id="a">'),
        ("</Reference>", "</Reference><Reference></Reference>"),
        ("2001/10/xml-exc-c14n#", "2001/10/xml-exc-c14n#WithComments"),
        ("http://www.w3.org/2001/10/xml-exc-c14n#", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
        (
            "<Transforms>",
            '<Transforms><Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"></Transform>',
        ),
        ("ecdsa-sha256", "hmac-sha256"),
        ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", "none"),
        ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", ""),
        ("xmlenc#sha256", "xmlenc#md5"),
    ],
)
def test_a_shape_that_is_not_ours_is_refused_even_when_the_card_signed_it(old: str, new: str) -> None:
    office = Office()
    assert office.verdict(changed(office, old, new)).errors == FORMAT


def test_an_hmac_with_the_public_key_as_its_secret_is_refused() -> None:
    office = Office()
    info = signed_info(DIGEST, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")
    value = hmac.digest(office.card.ders()[2], info.encode(), "sha256")
    assert office.verdict(signature(info, value, office.card.ders()[2])).errors == FORMAT


def test_the_name_of_another_algorithm_than_the_key_s_is_refused() -> None:
    office = Office(rsa_card())
    info = signed_info(DIGEST)
    xml = signature(info, value_of(info.encode(), key("rsa")), office.card.ders()[2])
    assert office.verdict(xml).errors == ["Signature is invalid"]
    ec_office = Office()
    info = signed_info(DIGEST, RSA_SHA256)
    xml = signature(info, value_of(info.encode(), key("holder")), ec_office.card.ders()[2])
    assert ec_office.verdict(xml).errors == ["Signature is invalid"]


@pytest.mark.parametrize("value", [b"\x00" * 64, b"\x00" * 8, b"\xff" * 64])
def test_a_signature_of_zeros_is_no_signature(value: bytes) -> None:
    office = Office()
    xml = signature(signed_info(DIGEST), value, office.card.ders()[2])
    assert office.verdict(xml).errors == ["Signature is invalid"]


def test_a_wrapped_prescription_does_not_take_the_place_of_the_one_that_is_handed_in() -> None:
    """The signed one travels along inside; the reference is never looked up, so it helps nothing."""
    office = Office()
    evil = fragments(drug="Diamorphine 100mg powder")
    wrapped = evil.replace(b"</FragmentsToBeHashed>", fragments() + b"</FragmentsToBeHashed>")
    assert "Signature doesn't match prescription" in office.verdict(signed(office.card), wrapped).errors
    with_object = signed(office.card).replace(
        b"</Signature>", b"<Object>" + fragments() + b"</Object></Signature>"
    )
    assert office.verdict(with_object, evil).errors == FORMAT


def test_a_second_key_beside_the_certificate_is_refused() -> None:
    office = Office()
    xml = signed(office.card).replace(b"<KeyInfo>", b"<KeyInfo><KeyName>x</KeyName>")
    assert office.verdict(xml).errors == FORMAT


ENTITIES = {
    "a file": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    "an address": b'<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:9/">]>',
    "a bomb": b'<!DOCTYPE a [<!ENTITY l "ha"><!ENTITY x "&l;&l;&l;&l;&l;&l;&l;&l;">]>',
    "a parameter": b'<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:9/d"> %p;]>',
    "another encoding": b'<?xml version="1.0" encoding="UTF-7"?>',
    "an instruction": b'<?xml-stylesheet href="http://127.0.0.1:9/"?>',
    "a comment": b"<!-- -->",
}


@pytest.mark.parametrize("what", ENTITIES)
def test_entities_and_their_like_are_refused_before_they_are_parsed(what: str) -> None:
    office = Office()
    assert office.verdict(ENTITIES[what] + signed(office.card)).errors == FORMAT
    with pytest.raises(InvalidInput):
        PrescriptionFragments.from_untrusted(ENTITIES[what] + fragments())


def test_utf_16_does_not_smuggle_a_document_type_in() -> None:
    office = Office()
    hidden = (b"<!DOCTYPE a>" + signed(office.card)).decode().encode("utf-16")
    assert office.verdict(hidden).errors == FORMAT


def test_a_comment_inside_a_name_is_refused_though_its_canonical_form_is_the_same() -> None:
    split = fragments().replace(b"Amoxicillin", b"Amoxi<!-- -->cillin")
    with pytest.raises(InvalidInput, match="comment"):
        PrescriptionFragments.from_untrusted(split)


def test_what_is_too_large_or_too_deep_is_refused() -> None:
    office = Office()
    assert office.verdict(b"<a>" + b" " * LARGEST_SIGNATURE_BYTES + b"</a>").errors == FORMAT
    with pytest.raises(InvalidInput):
        PrescriptionFragments.from_untrusted(b"<a>" + b" " * LARGEST_PRESCRIPTION_BYTES + b"</a>")
    deep = b"<a>" * 3000 + b"</a>" * 3000
    assert office.verdict(deep).errors == FORMAT


@pytest.mark.parametrize(
    "time", ["", "2026", "20261399000000", "yesterday", "99999999999999", "20260101000000+9999"]
)
def test_a_time_that_is_none_is_refused(time: str) -> None:
    inside = b'<Fragment><time xmlns="urn:hl7-org:v3" value="%s"/></Fragment>'
    data = b"<FragmentsToBeHashed>" + inside + b"</FragmentsToBeHashed>"
    with pytest.raises(InvalidInput):
        PrescriptionFragments.from_untrusted(data % time.encode())


def test_two_times_of_signing_are_refused() -> None:
    time = b'<Fragment><time xmlns="urn:hl7-org:v3" value="20200101000000"></time></Fragment>'
    with pytest.raises(InvalidInput, match="one time"):
        PrescriptionFragments.from_untrusted(fragments().replace(b"<Fragment>", time + b"<Fragment>", 1))


OFFICE = Office()


@given(st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
def test_anything_at_all_gets_a_verdict(xml: bytes) -> None:
    assert not OFFICE.verdict(b"<" + xml).is_valid


@given(st.integers(0, 1500), st.binary(min_size=1, max_size=3))
def test_a_signature_that_was_scrambled_somewhere_never_becomes_another_s(
    place: int, scrambled: bytes
) -> None:
    """It may stay valid only where the change is none (white space in base64 and between elements)."""
    sound = signed(OFFICE.card)
    xml = sound[:place] + scrambled + sound[place + len(scrambled) :]
    verdict = OFFICE.verdict(xml)
    if verdict.is_valid:
        assert b"".join(xml.split()) == b"".join(sound.split()) or scrambled.strip() == b""


@given(st.binary(max_size=300))
def test_any_prescription_is_read_or_refused(xml: bytes) -> None:
    with contextlib.suppress(InvalidInput):
        PrescriptionFragments.from_untrusted(xml)
