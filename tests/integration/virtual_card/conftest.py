"""Cards behind real readers."""

from __future__ import annotations

from tests.support.pcsc_desk import pcsc_desk

__all__ = ["pcsc_desk"]
