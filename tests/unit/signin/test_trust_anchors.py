"""What the installation must hand over: a root, and the authentication CA that it signed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from app.signin.certificate_checks import TrustAnchors, TrustAnchorsNotUsable, require_valid_issuers
from app.signin.refusals import IssuingCertificateNotValid
from tests.support.sign_in import CardAuthority, authority, ec_key


def test_a_root_and_its_authentication_ca() -> None:
    root, ca = (each.public_bytes(Encoding.PEM) for each in (authority().root, authority().ca))
    assert TrustAnchors.from_pem(root, ca).authentication_ca == authority().ca


def test_a_ca_of_another_root_is_a_fault_of_the_installation() -> None:
    with pytest.raises(TrustAnchorsNotUsable):
        TrustAnchors(CardAuthority().root, authority().ca)


def test_a_card_is_no_ca() -> None:
    with pytest.raises(TrustAnchorsNotUsable):
        TrustAnchors(authority().root, authority().certify(ec_key()))


def test_an_issuing_ca_that_has_expired_vouches_for_nobody() -> None:
    with pytest.raises(IssuingCertificateNotValid):
        require_valid_issuers(authority().anchors, datetime.now(UTC) + timedelta(days=4000))
