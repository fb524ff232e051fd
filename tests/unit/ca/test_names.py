"""Subject names from people's names."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from app.ca.names import MAXIMUM_COMMON_NAME, person_subject, system_subject
from app.ca.refusals import NameNotAcceptable
from app.domain.certificate_order import CertificatePurpose
from app.domain.certificate_profile import rules_from_toml
from app.domain.personal_name import is_name, written_name

PROFILES_FILE = Path(__file__).parents[3] / "config" / "certificate_profiles.toml"
PROFILES = rules_from_toml(PROFILES_FILE.read_text()).profiles
UID = "555253521108"


def common_name(given_name: str, family_name: str) -> str:
    subject = person_subject(PROFILES[CertificatePurpose.AUTHENTICATION], UID, given_name, family_name)
    return str(subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def test_every_name_that_is_registered_is_certified() -> None:
    """So nobody learns at the desk, with the holder waiting, that a name cannot stand in a certificate."""
    taken = [
        name for name in (f"A{chr(point)}b" for point in (*range(0x20, 0x3000), 0x1F600)) if is_name(name)
    ]
    assert len(taken) > 1000
    for name in taken:
        assert common_name(written_name(name), "Osei") == f"{UID}_{written_name(name)}_Osei"


@pytest.mark.parametrize(
    ("given_name", "family_name", "expected"),
    [
        ("Amara", "Osei", f"{UID}_Amara_Osei"),
        ("Zoë Anne", "O'Brien-Jones", f"{UID}_Zoë Anne_O'Brien-Jones"),
        ("Łukasz", "Nguyễn", f"{UID}_Łukasz_Nguyễn"),
        ("J.", "Smith", f"{UID}_J._Smith"),
        ("Zoe\u0308", "D’Arcy", f"{UID}_Zoë_D’Arcy"),
        ("明", "李", f"{UID}_明_李"),
    ],
)
def test_the_name_stands_as_it_is_written(given_name: str, family_name: str, expected: str) -> None:
    assert common_name(given_name, family_name) == expected


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "-",
        "Amara\nO=nhs",
        "Amara\0",
        "Amara,CN=root",
        "Amara_Osei",
        "a/b",
        "a\\b",
        "a=b",
        "a+b",
        "<script>",
        "http://evil",
        "{uid}",
        "Amara\u202e",
        "Am\u200bara",
        "Am\u00a0ara",
        "😀",
        "A" * 201,
    ],
)
def test_names_that_would_mislead_a_reader_are_refused(name: str) -> None:
    with pytest.raises(NameNotAcceptable):
        common_name(name, "Osei")
    with pytest.raises(NameNotAcceptable):
        common_name("Amara", name)


def test_long_names_are_cut_and_the_user_id_stays_whole() -> None:
    name = common_name("Wolfeschlegelsteinhausen" * 4, "Bergerdorff" * 8)
    assert len(name) == MAXIMUM_COMMON_NAME
    assert name.startswith(f"{UID}_W_Bergerdorff")
    only_given = common_name("A" * 100, "Osei")
    assert len(only_given) == MAXIMUM_COMMON_NAME
    assert only_given.endswith("_Osei")


def test_letters_of_several_octets_count_as_such() -> None:
    """The library refuses a common name of more than 64 octets, not characters."""
    assert len(common_name("Ngọc Ánh Tuyết", "Nguyễn Phước Vĩnh Thụy Bảo Đại Hoàng").encode()) <= 64


@pytest.mark.parametrize(
    "uid", ["", "55525352110", "5552535211080", "55525352110x", "٥٥٥٢٥٣٥٢١١٠٨", "../555253521"]
)
def test_only_twelve_digits_are_a_user_or_system_id(uid: str) -> None:
    with pytest.raises(NameNotAcceptable):
        person_subject(PROFILES[CertificatePurpose.AUTHENTICATION], uid, "Amara", "Osei")
    with pytest.raises(NameNotAcceptable):
        system_subject(PROFILES[CertificatePurpose.SYSTEM], uid)


@given(given_name=st.text(max_size=250), family_name=st.text(max_size=250))
def test_any_text_gives_a_name_that_fits_or_is_refused(given_name: str, family_name: str) -> None:
    try:
        name = common_name(given_name, family_name)
    except NameNotAcceptable:
        return
    assert len(name.encode()) <= MAXIMUM_COMMON_NAME
    assert name.startswith(f"{UID}_")
    assert name.isprintable()
    assert isinstance(x509.NameAttribute(NameOID.COMMON_NAME, name).value, str)
