"""Nothing that somebody typed can change the meaning of a DN or a filter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ldap3.utils.dn import parse_dn

from directory import names
from directory.errors import InvalidIdentifier

ATTACKS = [
    "*",
    "1,ou=People",
    "555000000017)(uid=*",
    "a+b=c",
    "\x00",
    " ",
    "",
    "５５５０００００００１７",
    "555000000017\n",
    "../x",
]


@pytest.mark.parametrize("value", ATTACKS)
def test_a_person_has_a_dn_only_for_twelve_digits(value):
    with pytest.raises(InvalidIdentifier, match="12 digits"):
        names.person_dn(value)


@pytest.mark.parametrize("value", ATTACKS[:-3])
def test_codes_are_letters_and_digits(value):
    with pytest.raises(InvalidIdentifier):
        names.organisation_dn(value)
    with pytest.raises(InvalidIdentifier):
        names.service_dn(value)


@given(st.text(min_size=1).filter(lambda text: not text.isspace()))
def test_a_value_stays_one_value_of_one_rdn(value):
    parts = parse_dn(names.child_dn("cn", value, names.SUFFIX), escape=False, strip=False)
    assert [attribute for attribute, _, _ in parts] == ["cn", "o"]


@given(st.text())
def test_an_escaped_filter_value_has_none_of_the_characters_that_mean_something(value):
    assert not set(names.filter_value(value)) & set("*()\x00")
