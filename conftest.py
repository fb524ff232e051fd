"""Fixtures that every folder of tests may use, and which tests may run beside each other."""

from __future__ import annotations

from pathlib import Path

import pytest

# pytest accepts such a list in the root folder only.
pytest_plugins = ["tests.support.databases"]

# These share a folder or ports from file to file; every other file can run beside any.
_TOGETHER = ("tests/integration/service", "tests/journeys")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests that must not run at the same time into one group, which one process runs in order."""
    for item in items:
        file = Path(item.nodeid.partition("::")[0])
        folder = file.parent.as_posix()
        group = folder if folder in _TOGETHER else file.as_posix()
        item.add_marker(pytest.mark.xdist_group(group))
