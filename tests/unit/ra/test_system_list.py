"""Reading a list of systems."""

from __future__ import annotations

import pytest

from app.errors import InvalidInput
from app.ra.listing_systems import LARGEST_LIST_BYTES, systems_from_untrusted


def test_a_list_that_is_too_large_is_refused_before_it_is_read():
    with pytest.raises(InvalidInput, match="larger than 512 kB"):
        systems_from_untrusted(b"x" * (LARGEST_LIST_BYTES + 1))


def test_quotes_and_line_ends_inside_a_text_are_kept_together():
    heading = b"organisation,product,version,description,interactions\n"
    (listed,) = systems_from_untrusted(heading + b'a81001,"Say ""hi""",1,"What, for",urn:a  urn:b\n')
    assert listed.details is not None
    assert (listed.organisation, listed.product) == ("A81001", 'Say "hi"')
    assert (listed.details.description, listed.details.interactions) == ("What, for", ("urn:a", "urn:b"))
