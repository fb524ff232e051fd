"""Fixtures that every folder of tests may use, and which tests may run beside each other."""

from __future__ import annotations

from pathlib import Path

import pytest

# pytest accepts such a list in the root folder only.
pytest_plugins = ["tests.support.databases"]

# Its files share a data folder and ports; every other file can run beside any.
_TOGETHER = "tests/integration/service"
# Those that take longest begin first, so that no process is left alone with them in the end.
_LONGEST = (_TOGETHER, "tests/journeys", "tests/integration")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests that must not run at the same time into one group, which one process runs in order."""
    items.sort(key=_place)
    for item in items:
        file = _file(item)
        item.add_marker(pytest.mark.xdist_group(_TOGETHER if file.startswith(_TOGETHER) else file))


def _place(item: pytest.Item) -> int:
    file = _file(item)
    return next((place for place, folder in enumerate(_LONGEST) if file.startswith(folder)), len(_LONGEST))


def _file(item: pytest.Item) -> str:
    return Path(item.nodeid.partition("::")[0]).as_posix()
