"""What a start says that cannot be, and that it leaves everything as it was."""

from __future__ import annotations

import os
import pty
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.running_service import ROOT, Service, begin_start, running_service, said_until, stop

PORT_OFFSET = 3200


def outcome(
    folder: Path, *options: str, port_offset: int = PORT_OFFSET, **environment: str
) -> tuple[int, str]:
    """Exit status, and what was said, of a start that ends by itself."""
    process = begin_start(folder, port_offset, *options, environment=environment)
    said, _ = process.communicate(timeout=60)
    return process.returncode, said


def test_a_taken_port_is_named_and_nothing_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 8443 + PORT_OFFSET)):
        status, said = outcome(tmp_path / "var")
    assert status == 1
    assert f"Port {8443 + PORT_OFFSET} on 127.0.0.1, for the web service, cannot be used" in said
    assert "--port-offset" in said
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["lock"]


def test_a_missing_program_is_named_with_its_debian_package(tmp_path: Path) -> None:
    status, said = outcome(tmp_path / "var", PATH=str(tmp_path))
    assert (status, "apt-get install ldap-utils" in said) == (1, True)
    assert not (tmp_path / "var").exists()


def test_a_path_too_long_for_a_unix_socket_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100)
    status, said = outcome(folder)
    assert (status, "Choose a folder with a shorter path" in said) == (1, True)
    assert not folder.exists()


def test_a_strangers_folder_is_refused_and_never_deleted(tmp_path: Path) -> None:
    (tmp_path / "thesis.odt").touch()
    for options in ((), ("--fresh", "--yes")):
        status, said = outcome(tmp_path, *options)
        assert (status, "is not a data folder of this service: it holds thesis.odt" in said) == (1, True)
    assert (tmp_path / "thesis.odt").exists()


def test_a_place_that_cannot_be_written_is_a_sentence() -> None:
    status, said = outcome(Path("/proc/spine-ra"))
    assert (status, "The service cannot start." in said, "Traceback" in said) == (1, True, False)


def test_two_starts_on_one_folder(first_start: Service) -> None:
    with running_service(first_start.folder, first_start.port_offset):
        status, said = outcome(first_start.folder, port_offset=first_start.port_offset)
        assert (status, "The service already runs on" in said) == (1, True)


@pytest.mark.parametrize(
    "part", ["spine.db", "ca/ca.db", "ca/pin", "web/tokens", "secrets/people.json", "desk/cards"]
)
def test_a_partly_deleted_folder_says_what_is_missing(first_start: Service, part: str) -> None:
    kept = first_start.folder.parent / "kept"
    (first_start.folder / part).rename(kept)
    try:
        status, said = outcome(first_start.folder, port_offset=first_start.port_offset)
        assert status == 1
        assert "is not whole. Missing: " in said
        assert part in said
        assert "Restore the whole folder from one backup, or begin again: ./run --data '" in said
    finally:
        if (first_start.folder / part).is_dir():
            shutil.rmtree(first_start.folder / part)
        kept.rename(first_start.folder / part)


def test_a_damaged_database_is_a_sentence(first_start: Service, tmp_path: Path) -> None:
    database = first_start.folder / "spine.db"
    shutil.copy(database, tmp_path / "kept")
    database.write_bytes(b"this is not a database, and never was one" * 100)
    try:
        status, said = outcome(first_start.folder, port_offset=first_start.port_offset)
        assert (status, "Traceback" in said) == (1, False), said
    finally:
        shutil.copy(tmp_path / "kept", database)


def test_a_setting_that_cannot_be_used_is_named(first_start: Service) -> None:
    before = first_start.settings.read_text()
    first_start.settings.write_text(before + "\n[sesion]\nidle_minutes = 5\n")
    try:
        status, said = outcome(first_start.folder, port_offset=first_start.port_offset)
        assert (status, "sesion" in said, "Traceback" in said) == (1, True, False)
    finally:
        first_start.settings.write_text(before)


def half_made(folder: Path) -> Path:
    """A folder whose first start was stopped early."""
    process = begin_start(folder, PORT_OFFSET)
    said_until(process, lambda line: "Database tables" in line)
    stop(process)
    return folder


def answered(folder: Path, answer: str) -> str:
    """What ``--fresh`` says on a terminal to this answer; the start is stopped after its first step."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "app.service", "--data", str(folder), "--fresh"],
        cwd=ROOT,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'pkcs11'}"},
    )
    os.write(ours, f"{answer}\n".encode())
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "Database tables" in line:
            said += stop(process)
            break
    process.wait(60)
    process.stdout.close()
    os.close(ours)
    os.close(theirs)
    return said


def test_fresh_asks_and_only_yes_deletes(tmp_path: Path) -> None:
    folder = half_made(tmp_path / "var")
    marker = folder / "log" / "marker"
    marker.touch()
    for answer in ("no", "", "y"):
        said = answered(folder, answer)
        assert "Nothing was deleted" in said
        assert "cannot start" not in said
        assert marker.exists()
    said = answered(folder, "yes")
    assert "people, cards, certificates, audit, keys" in said
    assert "Deleting what is in" in said
    assert "First start" in said
    assert not marker.exists()
    assert folder.exists()


def test_fresh_without_a_terminal_refuses_unless_told_to_be_sure(tmp_path: Path) -> None:
    folder = half_made(tmp_path / "var")
    status, said = outcome(folder, "--fresh")
    assert (status, "Add --yes to delete" in said) == (1, True)
    assert (folder / "spine.db").exists()
    marker = folder / "log" / "marker"
    marker.touch()
    process = begin_start(folder, PORT_OFFSET, "--fresh", "--yes")
    said_until(process, lambda line: "Database tables" in line)
    stop(process)
    assert not marker.exists()


def test_a_deletion_that_was_interrupted_is_finished_by_fresh(tmp_path: Path) -> None:
    folder = half_made(tmp_path / "var")
    record = folder / "service.json"
    record.write_text(record.read_text().replace('"new"', '"being deleted"'))
    status, said = outcome(folder)
    assert (status, "was being deleted, and that was interrupted" in said) == (1, True)
    assert "--fresh" in said


def test_help_is_in_plain_words() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app.service", "--help"],
        cwd=ROOT,
        text=True,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'pkcs11'}"},
    )
    for word in ("usage: ./run", "Ctrl-C", "--fresh", "--data FOLDER", "--database-url URL", "127.0.0.1"):
        assert word in done.stdout
