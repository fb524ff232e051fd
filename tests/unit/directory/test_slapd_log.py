"""What slapd prints: errors are kept, what it says of each request of a busy connection is not."""

from __future__ import annotations

import subprocess
from pathlib import Path

from directory.slapd_log import SlapdLog

DEFERRED = "6b083e55 connection_input: conn=1001 deferring operation: pending operations\n"


def printed(log: SlapdLog, script: str) -> str:
    """What is in the log after a child has printed and ended."""
    with log.printing() as output:
        subprocess.run(["sh", "-c", script], stdout=output, stderr=output, check=True)
    return log.text()


def test_errors_are_kept_and_the_last_line_needs_no_end(tmp_path: Path) -> None:
    script = f"printf 'bind failed\\n{DEFERRED}map is full'"
    assert printed(SlapdLog(tmp_path / "slapd.log"), script) == "bind failed\nmap is full"


def test_the_log_begins_anew_with_each_start(tmp_path: Path) -> None:
    log = SlapdLog(tmp_path / "slapd.log")
    printed(log, "echo first")
    assert printed(log, "echo second") == "second\n"


def test_a_child_that_prints_more_than_is_read_is_not_held_up(tmp_path: Path) -> None:
    """Thirty thousand requests a second must not wait for who reads."""
    script = f"i=0; while [ $i -lt 30000 ]; do printf '{DEFERRED}' 2>/dev/null; i=$((i+1)); done; exit 0"
    assert "deferring" not in printed(SlapdLog(tmp_path / "slapd.log"), script)
