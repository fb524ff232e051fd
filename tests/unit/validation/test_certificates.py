"""What a person is told who hands in something that is no certificate."""

from __future__ import annotations

import pytest

from app.validation.certificates import LARGEST_CERTIFICATE_BYTES, certificate_from_untrusted
from app.validation.refusals import CertificateUnreadable
from tests.support.defective_certificates import path_of


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (b"", "not an X.509 certificate, or it is damaged; give one certificate whole, as PEM or DER"),
        (b"no certificate", "not an X.509 certificate, or it is damaged; give one certificate whole"),
        (b"0" * (LARGEST_CERTIFICATE_BYTES + 1), "give one X.509 certificate alone, without its chain"),
    ],
)
def test_it_is_said_what_is_wrong_and_what_to_give(given: bytes, told: str) -> None:
    with pytest.raises(CertificateUnreadable, match=told):
        certificate_from_untrusted(given)


@pytest.mark.parametrize("text", [b"Authentication", b"555253521108_Meera_Patel"])
def test_a_name_that_is_no_text_is_unreadable(text: bytes) -> None:
    """The library reads names when they are asked for, and fails then."""
    whole = path_of("sound")[2]
    spoiled = whole.replace(text, b"\xff" + text[1:])
    assert spoiled != whole
    with pytest.raises(CertificateUnreadable):
        certificate_from_untrusted(spoiled)
