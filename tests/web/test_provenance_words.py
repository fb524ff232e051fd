"""Where a key was made is told in words that claim no more than what is on record."""

from __future__ import annotations

import pytest

from app.domain.provenance import Provenance, ProvenanceKind, provenance_of_text
from app.web.presenters.provenance import provenance_words

PROVED, CLAIMED, UNKNOWN = ProvenanceKind.PROVED, ProvenanceKind.CLAIMED, ProvenanceKind.UNKNOWN


@pytest.mark.parametrize(
    ("provenance", "words"),
    [
        (Provenance(PROVED, "piv", "123", "Maker Ltd"), "Proved by the card (Maker Ltd, device 123)"),
        (Provenance(PROVED, "piv", "", r"CN=Maker\, Ltd"), "Proved by the card (Maker, Ltd)"),
        (Provenance(PROVED, "piv", "", "CN=Root,O=Maker"), "Proved by the card (CN=Root,O=Maker)"),
        (Provenance(PROVED, "piv"), "Proved by the card"),
        (Provenance(CLAIMED), "Claimed by the card’s software"),
        (
            Provenance(CLAIMED, reason="Its maker is not known."),
            "Claimed by the card’s software. Its maker is not known.",
        ),
        (Provenance(UNKNOWN), "Not known"),
    ],
)
def test_words_of_a_provenance(provenance: Provenance, words: str) -> None:
    assert provenance_words(provenance) == words
    assert provenance_words(provenance_of_text(provenance.as_text())) == words


def test_nothing_on_record_is_not_known() -> None:
    assert provenance_words(provenance_of_text("")) == "Not known"


def test_an_unknown_kind_is_never_shown_as_a_proof() -> None:
    with pytest.raises(ValueError, match="certain"):
        provenance_of_text('{"kind":"certain"}')
