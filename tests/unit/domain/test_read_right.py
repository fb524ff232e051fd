"""Read rights of accredited systems: each includes the narrower ones, and nothing else."""

from __future__ import annotations

import pytest

from app.domain.read_right import ENDPOINTS_ONLY, ReadRight, read_rights_from_untrusted, with_included
from app.errors import InvalidInput

WIDENING = [ReadRight.ENDPOINTS, ReadRight.PEOPLE, ReadRight.PROFESSIONAL_NUMBERS, ReadRight.CHANGES]


@pytest.mark.parametrize("place", range(4))
def test_a_right_includes_the_narrower_ones_and_no_wider_one(place):
    assert with_included([WIDENING[place]]) == frozenset(WIDENING[: place + 1])


def test_whoever_is_granted_nothing_reads_endpoints_only():
    assert read_rights_from_untrusted([]) == with_included([]) == ENDPOINTS_ONLY


@pytest.mark.parametrize("word", ["", "People", "everything", "people "])
def test_a_right_that_there_is_not_is_refused_by_name(word):
    with pytest.raises(InvalidInput) as refused:
        read_rights_from_untrusted(["people", word])
    assert repr(word) in refused.value.problems["reads"]


def test_every_right_can_be_explained_to_who_grants_it():
    assert all(right.meaning for right in ReadRight)
