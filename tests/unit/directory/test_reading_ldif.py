"""LDIF as other directories write it, and as nobody should."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.entries import Record
from directory.ldif import Common, ldif, ldif_line
from directory.reading_ldif import (
    LONGEST_RECORD,
    LdifRecord,
    Modification,
    NotLdif,
    UnreadableRecord,
    attributes_of,
    modifications_of,
    read_ldif,
)

NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True).filter(
    lambda name: name not in ("dn", "version")
)
VALUES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
ATTRIBUTES = st.dictionaries(NAMES, st.lists(VALUES, min_size=1, max_size=4).map(tuple), max_size=5)
RECORDS = st.builds(Record, VALUES, ATTRIBUTES) | st.builds(
    # Of what is its own and what it shares, no attribute in both.
    lambda dn, own, shared: Record(dn, own, Common({f"s{name}": of for name, of in shared.items()})),
    VALUES,
    st.dictionaries(NAMES.filter(lambda name: name[0] != "s"), st.just(("own value",)), max_size=3),
    ATTRIBUTES,
)


def read(text: str) -> list[LdifRecord | UnreadableRecord]:
    return read_bytes(text.encode())


def read_bytes(content: bytes) -> list[LdifRecord | UnreadableRecord]:
    """By line feeds alone, as a file is read."""
    return list(read_ldif(line + b"\n" for line in content.split(b"\n")))


@given(st.lists(RECORDS, max_size=4))
def test_what_we_write_is_read_again_whatever_the_values_hold(records: list[Record]) -> None:
    text = "".join(ldif(each) for each in records)
    found = read_bytes(text.encode())
    assert [(each.dn, dict(each.attributes)) for each in found if isinstance(each, LdifRecord)] == [
        (each.dn, dict(each.attributes)) for each in records
    ]


@given(RECORDS, st.integers(min_value=1, max_value=20))
def test_lines_may_be_folded_anywhere_and_end_as_on_windows(record: Record, width: int) -> None:
    lines = ldif(record).strip("\n").split("\n")
    encoded = [line.encode() for line in lines]
    folded = [
        b"\r\n ".join(line[place : place + width] for place in range(0, len(line), width)) for line in encoded
    ]
    (found,) = read_bytes(b"\r\n".join(folded) + b"\r\n\r\n")
    assert isinstance(found, LdifRecord)
    assert (found.dn, dict(found.attributes)) == (record.dn, dict(record.attributes))


@given(st.binary(max_size=300))
def test_no_bytes_whatever_break_the_reader(content: bytes) -> None:
    for found in read_bytes(content):
        assert isinstance(found, LdifRecord | UnreadableRecord)


def test_comments_versions_and_blank_lines_are_passed_over() -> None:
    text = "\n# a comment\n that is folded\nversion: 1\ndn: o=nhs\n# one within\no: nhs\n\n\n\n"
    first, second = read(text + "# another\n\ndn: ou=x,o=nhs\nOU: x\n")
    assert first == LdifRecord(2, "o=nhs", {"o": ("nhs",)})
    assert second == LdifRecord(13, "ou=x,o=nhs", {"ou": ("x",)})


def test_a_version_may_stand_by_itself() -> None:
    found = [each for each in read("version: 1\n\ndn: o=nhs\no: nhs\n") if isinstance(each, LdifRecord)]
    assert [each.dn for each in found] == ["o=nhs"]
    assert len(read("version: 1\n\ndn: o=nhs\no: nhs\n")) == 1


def test_names_come_in_lower_case_and_without_options() -> None:
    (found,) = read("dn: o=nhs\nnhsIDcode;lang-en: A81001\nNHSIDCODE: A81002\n")
    assert isinstance(found, LdifRecord)
    assert found.attributes == {"nhsidcode": ("A81001", "A81002")}


def test_a_value_given_as_a_url_is_never_opened() -> None:
    (found,) = read("dn: o=nhs\no:< file:///etc/passwd\n")
    assert isinstance(found, UnreadableRecord)
    assert "URL" in found.reason


@pytest.mark.parametrize(
    "record", ["o: nhs", "dn: o=nhs\nwithout a colon", "dn: o=nhs\no:: %%%", "dn: o=nhs\no u: x", " folded"]
)
def test_a_bad_record_costs_only_itself(record: str) -> None:
    bad, good = read(f"{record}\n\ndn: o=nhs\no: nhs\n")
    assert isinstance(bad, UnreadableRecord)
    assert bad.line == 1
    assert isinstance(good, LdifRecord)


def test_a_record_without_end_is_not_kept_in_memory() -> None:
    endless = (b"description: " + b"x" * 1_000_000 + b"\n" for _ in range(LONGEST_RECORD // 1_000_000 + 2))
    bad, good = read_ldif([b"dn: o=nhs\n", *endless, b"\n", b"dn: o=nhs\n"])
    assert isinstance(bad, UnreadableRecord)
    assert isinstance(good, LdifRecord)


def test_a_modification_is_told_part_by_part() -> None:
    fragment = (
        "replace: nhsOrgCloseDate\nnhsOrgCloseDate: 20240419\n-\ndelete: MAIL\n-\nadd: cn\ncn: a\ncn: b\n-\n"
    )
    assert modifications_of(fragment) == [
        Modification("replace", "nhsorgclosedate", ("20240419",)),
        Modification("delete", "mail", ()),
        Modification("add", "cn", ("a", "b")),
    ]


@given(NAMES, st.lists(VALUES, max_size=3))
def test_any_value_of_a_modification_is_read_again(name: str, values: list[str]) -> None:
    fragment = "\n".join([f"replace: {name}", *(ldif_line(name, value) for value in values), "-", ""])
    assert modifications_of(fragment) == [Modification("replace", name, tuple(values))]


@pytest.mark.parametrize("fragment", ["cn: a\n-", "-\n", "increment: x\nx: 1\n-", "replace: cn\nsn: a\n-"])
def test_what_is_no_modification_is_refused(fragment: str) -> None:
    with pytest.raises(NotLdif):
        modifications_of(fragment)


def test_an_addition_is_told_by_its_attributes() -> None:
    encoded = base64.b64encode("Zoë".encode()).decode()
    assert attributes_of(f"objectClass: top\nobjectclass: nhsPerson\ncn:: {encoded}\n") == {
        "objectclass": ("top", "nhsPerson"),
        "cn": ("Zoë",),
    }
