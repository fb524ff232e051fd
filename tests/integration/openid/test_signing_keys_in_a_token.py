"""The provider's keys in SoftHSM: made once, signing, never leaving."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from joserfc import jwt
from joserfc.jwk import KeySet

from app.adapters.openid_keys import OpenIDKeys, TokenPlace, create_keys, key_for_joserfc
from cryptoki import DEFAULT_MODULE, errors


@pytest.fixture
def place(tmp_path: Path) -> TokenPlace:
    folder = tmp_path / "web"
    return TokenPlace(DEFAULT_MODULE, folder / "softhsm2.conf", "spine-ra-web", folder / "pin")


@pytest.fixture
def keys(place: TokenPlace) -> Iterator[OpenIDKeys]:
    create_keys(place)
    opened = OpenIDKeys.open(place)
    yield opened
    opened.close()


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_a_token_signed_in_the_token_is_verified_by_the_published_keys(
    keys: OpenIDKeys, algorithm: str
) -> None:
    token = keys.signing_keys.sign({"sub": "1"}, algorithm)
    published = KeySet.import_key_set(keys.signing_keys.public_jwks())
    verified = jwt.decode(token, published, algorithms=["ES256", "RS256"])
    assert (verified.header["alg"], verified.claims["sub"]) == (algorithm, "1")
    assert keys.signing_keys.claims_of_own_token(token)["sub"] == "1"


def test_only_the_public_halves_are_published(keys: OpenIDKeys) -> None:
    for key in keys.signing_keys.public_jwks()["keys"]:
        assert not {"d", "p", "q"} & key.keys()
        assert key["use"] == "sig"


def test_making_keys_again_changes_nothing(place: TokenPlace) -> None:
    assert create_keys(place) == ["openid-rs256", "openid-es256"]
    assert create_keys(place) == []
    assert stat.S_IMODE(place.pin_file.stat().st_mode) == 0o600


def test_the_key_ids_stay_when_the_service_starts_again(place: TokenPlace) -> None:
    create_keys(place)
    ids = []
    for _ in range(2):
        opened = OpenIDKeys.open(place)
        ids.append([key["kid"] for key in opened.signing_keys.public_jwks()["keys"]])
        opened.close()
    assert ids[0] == ids[1]


def test_a_wrong_pin_is_told(place: TokenPlace) -> None:
    create_keys(place)
    place.pin_file.write_text("000000\n")
    with pytest.raises(errors.PinIncorrect):
        OpenIDKeys.open(place)


def test_other_kinds_of_key_are_refused() -> None:
    with pytest.raises(TypeError):
        key_for_joserfc(ed25519.Ed25519PrivateKey.generate(), "EdDSA")  # type: ignore[arg-type]
