"""The profiles file: what is shipped is right, and what is wrong is refused by its key."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from app.domain.certificate_order import CertificatePurpose
from app.domain.certificate_profile import KeyType, rules_from_toml
from app.errors import InvalidInput

AUTHENTICATION, COMMITMENT = "profiles.authentication", "profiles.content-commitment"
SHIPPED = (Path(__file__).parents[3] / "config" / "certificate_profiles.toml").read_text()


def test_the_shipped_profiles_are_those_of_the_policy() -> None:
    rules = rules_from_toml(SHIPPED)
    assert set(rules.profiles) == set(CertificatePurpose)
    authentication = rules.profiles[CertificatePurpose.AUTHENTICATION]
    assert authentication.key_usage == {"digitalSignature"}
    assert authentication.extended_key_usage == ("clientAuth",)
    assert authentication.validity == timedelta(days=730)
    assert KeyType.EC_P256 in authentication.key_types
    commitment = rules.profiles[CertificatePurpose.CONTENT_COMMITMENT]
    assert commitment.key_usage == {"contentCommitment"}
    assert commitment.extended_key_usage == ()


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        (
            'key_usage = ["contentCommitment"]',
            'key_usage = ["digitalSignature"]',
            f"{COMMITMENT}.key_usage",
        ),
        (
            'key_usage = ["contentCommitment"]',
            'key_usage = ["contentCommitment", "digitalSignature"]',
            f"{COMMITMENT}.key_usage",
        ),
        (
            'key_usage = ["digitalSignature"]',
            'key_usage = ["keyCertSign"]',
            f"{AUTHENTICATION}.key_usage",
        ),
        ('key_usage = ["digitalSignature"]', 'key_usage = ["signing"]', f"{AUTHENTICATION}.key_usage"),
        ('key_usage = ["digitalSignature"]', "key_usage = []", f"{AUTHENTICATION}.key_usage"),
        ('["clientAuth"]', '["serverAuth"]', f"{AUTHENTICATION}.extended_key_usage"),
        ('"RSA-2048"', '"RSA-1024"', f"{AUTHENTICATION}.key_types"),
        ("validity_days = 730", "validity_days = 0", f"{AUTHENTICATION}.validity_days"),
        ("validity_days = 730", "validity_days = true", f"{AUTHENTICATION}.validity_days"),
        ("validity_days = 730", 'validity_days = "730"', f"{AUTHENTICATION}.validity_days"),
        ("validity_days = 730", "validity_years = 2", f"{AUTHENTICATION}.validity_days"),
        ("crl_renewal_hours = 24", "crl_renewal_hours = 48", "crl_renewal_hours"),
        ("backdate_minutes = 5", "backdate_minutes = 5\nextra = 1", "extra"),
        ('["O", "nhs"]', '["DC", "nhs"]', f"{AUTHENTICATION}.subject"),
        ("[profiles.system]", "[profiles.systems]", "profiles.system"),
        ("backdate_minutes = 5", "backdate_minutes 5", "certificate profiles"),
    ],
)
def test_a_wrong_file_is_refused_by_its_key(old: str, new: str, key: str) -> None:
    assert old in SHIPPED
    with pytest.raises(InvalidInput) as refused:
        rules_from_toml(SHIPPED.replace(old, new, 1))
    assert list(refused.value.problems) == [key]
