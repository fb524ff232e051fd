"""What the installation must hand over: a root, and issuing CAs that it signed."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from app.validation.anchors import TrustAnchors, TrustAnchorsNotUsable
from tests.support.sign_in import CardAuthority, authority, ec_key


def test_a_root_and_its_authentication_ca() -> None:
    root, ca = (each.public_bytes(Encoding.PEM) for each in (authority().root, authority().ca))
    assert TrustAnchors.from_pem(root, ca).issuing_cas == (authority().ca,)


def test_a_ca_of_another_root_is_a_fault_of_the_installation() -> None:
    with pytest.raises(TrustAnchorsNotUsable):
        TrustAnchors(CardAuthority().root, (authority().ca,))


def test_a_card_is_no_ca() -> None:
    with pytest.raises(TrustAnchorsNotUsable):
        TrustAnchors(authority().root, (authority().certify(ec_key()),))


def test_an_installation_without_an_issuing_ca_is_at_fault() -> None:
    with pytest.raises(TrustAnchorsNotUsable):
        TrustAnchors(authority().root, ())
