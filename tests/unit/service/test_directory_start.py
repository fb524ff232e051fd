"""When the directory is built before it serves: at first, when it was lost, and when it may be torn."""

from __future__ import annotations

import pytest

from app.service.directory_start import is_built
from app.service.layout import Layout
from directory.group_commit import GroupCommit


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path, tmp_path)


@pytest.fixture
def built(layout):
    """A directory's folder with its two databases."""
    for name in ("changelog", "current"):
        (layout.directory / name).mkdir(parents=True)
        (layout.directory / name / "data.mdb").touch()
    return layout


def test_a_directory_that_is_not_there_or_half_built_is_built(layout, built):
    assert is_built(built)
    (layout.directory / "being-built").touch()
    assert not is_built(layout)


def test_a_directory_that_was_lost_is_built(layout):
    assert not is_built(layout)


def test_a_directory_torn_by_a_power_cut_is_built_and_one_that_was_killed_is_not(built, monkeypatch):
    GroupCommit(built.directory).begin()
    assert is_built(built)
    boot = built.folder / "boot"
    boot.write_text("another-boot")
    monkeypatch.setattr("directory.group_commit._BOOT", boot)
    assert not is_built(built)
