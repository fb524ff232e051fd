"""What a desk sends is read or refused: never a fault of ours, whatever the bytes."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from app.domain.approval import ApprovalNotValid
from app.domain.issuance import CertificateRequestNotAcceptable
from app.ra.approving import _serial_number_from_untrusted
from app.ra.certifying import card_keys_from_untrusted
from tests.support.certificates import csr_of, ec_key
from tests.support.sign_in import authority


def test_a_csr_of_an_unknown_version_is_refused() -> None:
    csr = csr_of(ec_key()).replace(b"\x02\x01\x00", b"\x02\x01\x01", 1)
    with pytest.raises(CertificateRequestNotAcceptable):
        card_keys_from_untrusted(csr, csr_of(ec_key()))


def test_an_approval_with_a_certificate_of_an_unknown_version_is_refused() -> None:
    certificate = authority().ca.public_bytes(Encoding.DER)
    unknown = certificate.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x05", 1)
    with pytest.raises(ApprovalNotValid):
        _serial_number_from_untrusted(unknown)
