"""What slapd's configuration must say, where a real slapd shows the fault only now and then."""

from __future__ import annotations

from pathlib import Path

from directory.access_rules import AccessPolicy
from directory.configuration import SlapdFiles, configuration_ldif


def test_slapadd_works_with_one_thread() -> None:
    """With two, ``slapadd -w`` corrupts its heap in one load of four: as a test that would seldom fail."""
    text = configuration_ldif(SlapdFiles(Path("/database"), Path("/run")), AccessPolicy(1, 1, "ldapi://x"))
    assert "olcToolThreads: 1\n" in text
