"""What a computer keeps for the time without network."""

from __future__ import annotations

import json
from pathlib import Path

from card_agent.pin_policy import PinPolicy
from card_agent.workstation import WorkstationFile, WorkstationKey

SITE, OTHER = "https://ra.example.org", "https://other.example.org"
KEY = WorkstationKey(b"ward7", "Ward 7", bytes(range(32)), SITE, PinPolicy(7, 8))


def test_it_keeps_how_pins_must_look_at_its_own_site(tmp_path: Path) -> None:
    file = WorkstationFile(tmp_path / "workstation.json")
    file.keep_policy(SITE, PinPolicy(8, 8))
    assert file.read() is None, "a computer that is not registered keeps nothing"
    file.write(KEY)
    assert file.read() == KEY
    file.keep_policy(OTHER, PinPolicy(4, 4))
    assert file.read() == KEY, "another site's policy does not count"
    file.keep_policy(SITE, PinPolicy(8, 8))
    kept = file.read()
    assert kept is not None
    assert (kept.pin_policy, kept.key) == (PinPolicy(8, 8), KEY.key)
    assert (tmp_path / "workstation.json").stat().st_mode & 0o077 == 0


def test_a_computer_that_was_never_told_has_the_safe_policy(tmp_path: Path) -> None:
    path = tmp_path / "workstation.json"
    path.write_text(json.dumps({"id": b"ward7".hex(), "name": "Ward 7", "key": KEY.key.hex()}))
    kept = WorkstationFile(path).read()
    assert kept is not None
    assert kept.pin_policy == PinPolicy(6, 8)
