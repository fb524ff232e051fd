"""What is checked before anything starts, and what is said when it does not hold."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from app.service.layout import Layout
from app.service.preflight import (
    CannotStart,
    locked,
    require_free_ports,
    require_programs,
    require_short_path,
)

PROJECT = Path("/opt/spine-ra")


def test_a_missing_program_is_named_with_its_debian_package() -> None:
    with pytest.raises(CannotStart, match=r"no-such-ldapcompare.*apt-get install ldap-utils$"):
        require_programs({"sh": "dash", "no-such-ldapcompare": "ldap-utils"})


def test_a_taken_port_is_named_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        layout = Layout(Path("/srv/var"), PROJECT, port - 8443)
        with pytest.raises(CannotStart, match=rf"Port {port} on 127.0.0.1, for the web.*--port-offset"):
            require_free_ports(layout, 0)


def test_a_path_too_long_for_a_unix_socket_is_refused(tmp_path: Path) -> None:
    require_short_path(Layout(Path("/srv/var"), PROJECT))
    long = Path("/srv") / ("x" * 90)
    with pytest.raises(CannotStart, match=r"8 characters too long.*Choose a folder with a shorter path"):
        require_short_path(Layout(long, PROJECT))


def test_two_starts_on_one_folder_are_told_apart(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(CannotStart, match="already runs on"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass
