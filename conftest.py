"""Fixtures that every folder of tests may use; pytest accepts such a list in the root folder only."""

from __future__ import annotations

pytest_plugins = ["tests.support.databases"]
