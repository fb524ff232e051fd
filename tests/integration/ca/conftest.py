"""Fixtures of the certificate authority's tests."""

from __future__ import annotations

from tests.support.certificates import ca_settings, ca_template, record

__all__ = ["ca_settings", "ca_template", "record"]
