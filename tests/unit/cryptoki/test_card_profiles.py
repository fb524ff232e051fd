"""Card profiles are data, checked when they are loaded."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cryptoki import KeySpec, load_card_profiles, profile_of_atr
from cryptoki.card_profile import DEFAULT_PATH
from cryptoki.errors import InvalidCardProfile


def _changed(tmp_path: Path, pattern: str, replacement: str) -> Path:
    """The shipped file with a slip in its first profile, the software card."""
    text, changes = re.subn(pattern, replacement, DEFAULT_PATH.read_text(), count=1, flags=re.MULTILINE)
    assert changes == 1
    path = tmp_path / "card_profiles.toml"
    path.write_text(text)
    return path


def test_the_software_card_is_described() -> None:
    profile = load_card_profiles()["softhsm"]
    assert profile.name == "softhsm"
    assert profile.module == Path("/usr/lib/softhsm/libsofthsm2.so")
    assert (profile.pin_minimum, profile.pin_maximum) == (4, 255)
    assert not profile.locks_itself
    assert KeySpec.EC_P256 in profile.key_types
    assert profile.template.private_set == {"DERIVE": False, "UNWRAP": False}


def test_a_card_in_a_reader_is_known_by_its_answer_to_reset() -> None:
    profiles = load_card_profiles()
    for name in ("smartcard-hsm", "piv"):
        assert [profile_of_atr(profiles, atr) for atr in profiles[name].atrs] == [profiles[name]]
        assert profiles[name].in_reader
    assert profile_of_atr(profiles, b"\x3b\x00") is None
    assert not profiles["softhsm"].in_reader


@pytest.mark.parametrize("name", ["softhsm", "smartcard-hsm", "piv"])
def test_a_random_so_pin_is_in_the_form_of_its_profile(name: str) -> None:
    profile = load_card_profiles()[name]
    so_pin = profile.random_so_pin()
    assert len(so_pin) == profile.so_pin_length
    assert set(so_pin) <= set(profile.so_pin_alphabet)


def test_a_random_so_pin_has_the_cards_form() -> None:
    profile = load_card_profiles()["softhsm"]
    so_pins = {profile.random_so_pin() for _ in range(20)}
    assert len(so_pins) == 20
    assert all(re.fullmatch("[A-Za-z0-9]{32}", so_pin) for so_pin in so_pins)


@pytest.mark.parametrize(
    ("pattern", "replacement", "sentence"),
    [
        (r"^pin_minimum = 4$", "", "softhsm: pin_minimum is missing"),
        (r"^pin_minimum = 4$", "pin_minimum = 3", "pin_minimum is 3, but must be a number from 4"),
        (r"^pin_minimum = 4$", "pin_minimum = true", "pin_minimum is True, but must be a number"),
        (r"^pin_minimum = 4$", "pin_minimum = 300", "pin_minimum is greater than pin_maximum"),
        (r"^pin_minimum = 4$", "pin_minimum = 4\npin_lenght = 9", "unknown key pin_lenght"),
        (r"^locks_itself = false$", "locks_itself = 0", "locks_itself is 0, but must be true or false"),
        (r"^module = .*$", 'module = ""', "module is '', but must be a text"),
        (r"^so_pin_length = 32$", "so_pin_length = 8", "so_pin_length is 8, but must be a number from 16"),
        (r'^so_pin_format = ".*"$', 'so_pin_format = "runes"', "must be one of hex, digits"),
        (r"^key_types = .*$", 'key_types = ["EC-P192"]', "key_types is"),
        (r"^key_types = .*$", "key_types = []", "key_types names no kind of key"),
        (r"^private_drop = \[\]$", 'private_drop = ["DERIVED"]', "private_drop is"),
        (r"^private_set = .*$", 'private_set = { DERIVE = "no" }', "private_set is"),
        (r"^private_set = .*$", "private_set = { DERIVED = true }", "private_set is"),
        (r"^\[softhsm\]$", "softhsm = 1\n[other]", "softhsm: a profile is a table"),
        (
            r"^atrs = .*$",
            'atrs = ["3bfe1"]',
            "atrs is ['3bfe1'], but must be a list",
        ),
        (
            r"^certificate_label = .*$",
            'certificate_label = "["',
            "certificate_label is no regular",
        ),
        (r"^so_tries = .*$", 'so_tries = "many"', "must be one of none, piv, smartcard-hsm"),
        (r"^pin_setting = .*$", 'pin_setting = "post-it"', "must be one of init-pin, change-default"),
        (r"^pin_setting = .*$", 'pin_setting = "change-default"', "default_pin is needed for pin_setting"),
        (r"^unblocking = .*$", 'unblocking = "puk"', "default_puk is needed for unblocking puk"),
        (r"^attestation = .*$", 'attestation = "promise"', "must be one of none, piv, smartcard-hsm"),
        (
            r"^provenance_required = .*$",
            "provenance_required = true",
            "needs an attestation",
        ),
    ],
)
def test_a_slip_in_a_profile_is_named(tmp_path: Path, pattern: str, replacement: str, sentence: str) -> None:
    with pytest.raises(InvalidCardProfile, match=re.escape(sentence)):
        load_card_profiles(_changed(tmp_path, pattern, replacement))


@pytest.mark.parametrize("text", ["", "not = = toml", "# nothing\n"])
def test_a_file_without_profiles_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "card_profiles.toml"
    path.write_text(text)
    with pytest.raises(InvalidCardProfile, match=r"card_profiles\.toml"):
        load_card_profiles(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidCardProfile, match="nowhere"):
        load_card_profiles(tmp_path / "nowhere.toml")
