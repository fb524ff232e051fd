"""The private slapd as a process: one a folder, gone with its parent, back after a crash."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from directory.account import Account, account_for
from directory.comparing import compare
from directory.configuration import INDEXES
from directory.connection import open_session
from directory.errors import DirectoryUnavailable, SlapdAlreadyRunning, SlapdFailed
from directory.rebuilding import rebuild
from directory.server_tls import ServerTls
from directory.slapd import Slapd
from directory.unix_socket import answers
from tests.support.slapd import ThrowAwayAuthority, free_port

PERSON = "uid=555000000017,ou=People,o=nhs"
PROJECT = Path(__file__).parents[3]


def another(served, **changes) -> Slapd:
    """A second slapd on the folder that is served."""
    return Slapd(changes.get("folder", served.slapd.folder), free_port(), served.directory.server_tls)


def wait_for(condition, patience=20.0):
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def test_content_survives_a_kill_and_a_restart(fresh, samples):
    fresh.publisher.publish(*samples())
    fresh.kill()
    assert not fresh.slapd.is_running()
    fresh.slapd.start()
    with fresh.session() as session:
        assert session.search(PERSON)


def test_a_second_slapd_on_the_same_folder_is_refused(fresh):
    with pytest.raises(SlapdAlreadyRunning, match="Stop it first"):
        another(fresh).start()
    with fresh.session() as session:
        assert session.who_am_i()


def test_a_taken_port_is_a_sentence(fresh, tmp_path):
    port = int(fresh.slapd.ldaps_url.rpartition(":")[2])
    with pytest.raises(SlapdFailed, match="did not start"):
        Slapd(tmp_path / "e", port, fresh.directory.server_tls).start()


def test_a_path_too_long_for_a_socket_is_a_sentence(fresh, tmp_path):
    with pytest.raises(SlapdFailed, match="shorter path"):
        another(fresh, folder=tmp_path / ("x" * 120)).start()


def test_stopping_twice_does_no_harm(fresh):
    fresh.slapd.stop()
    fresh.slapd.stop()
    with pytest.raises(DirectoryUnavailable):
        fresh.session()


def test_the_socket_and_the_keys_are_for_slapds_user_alone(fresh):
    assert (fresh.slapd.folder / "run").stat().st_mode & 0o077 == 0
    assert (fresh.slapd.folder / "tls" / "server.key").stat().st_mode & 0o077 == 0


def test_a_folder_out_of_reach_of_its_user_is_served_by_ours(tmp_path):
    tmp_path.chmod(0o700)
    assert account_for(tmp_path) == Account()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_as_root_slapd_runs_as_its_own_user(reachable, tmp_path):
    authority = ThrowAwayAuthority(tmp_path, "Throw-away authority")
    server = authority.server()
    slapd = Slapd(reachable, free_port(), ServerTls(server.certificate, server.key, authority.file))
    slapd.start()
    try:
        assert Path(f"/proc/{slapd.pid}").stat().st_uid == slapd.account.uid != 0
        with open_session(slapd.ldapi_url) as session:
            assert session.who_am_i().startswith("dn:gidNumber=0+uidNumber=0,")
    finally:
        slapd.stop()


@pytest.fixture
def foreground(tmp_path):
    """A slapd, and the process that serves it in the foreground."""
    authority = ThrowAwayAuthority(tmp_path, "Throw-away authority")
    server = authority.server()
    tls = ServerTls(server.certificate, server.key, authority.file)
    slapd = Slapd(tmp_path / "d", free_port(), tls)
    process = subprocess.Popen(foreground_command(slapd, tls), cwd=PROJECT)
    wait_for(lambda: answers(slapd.socket_path))
    yield slapd, process
    process.kill()
    process.wait()


def foreground_command(slapd: Slapd, tls: ServerTls) -> list[str]:
    command = [sys.executable, "-m", "directory", "--folder", str(slapd.folder)]
    command += ["--ldaps-port", slapd.ldaps_url.rpartition(":")[2]]
    command += ["--tls-certificate", str(tls.certificate), "--tls-key", str(tls.key)]
    return [*command, "--client-authority", str(tls.client_authority)]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)])
def test_run_in_the_foreground_it_ends_when_asked_and_with_its_parent(foreground, number, status):
    _, process = foreground
    (slapd,) = children(process.pid)
    process.send_signal(number)
    assert process.wait(20) == status
    wait_for(lambda: is_gone(slapd))


def test_a_directory_that_another_process_serves_can_be_rebuilt(foreground, samples):
    slapd, process = foreground
    for entries in (samples(), samples()[::-1]):
        rebuild(slapd, entries)
        with open_session(slapd.ldapi_url) as session:
            assert list(compare(entries, session)) == []
    assert process.poll() is None


def test_a_slapd_that_crashes_ends_its_foreground_process(foreground):
    _, process = foreground
    os.kill(children(process.pid)[0], signal.SIGKILL)
    assert process.wait(20) != 0


def test_a_folder_that_is_served_is_a_sentence_and_status_1(fresh):
    command = foreground_command(another(fresh), fresh.directory.server_tls)
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Stop it first" in done.stderr


@pytest.mark.parametrize("attribute", ["spine", "nhsBusinessFunctions", "nhsJobRole", "nhsOrgOpenDate"])
def test_nothing_that_many_people_hold_is_indexed(attribute):
    assert not [index for index in INDEXES if index.startswith(attribute)]


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.fixture
def reachable():
    """A folder that every user can reach; a test's own folder is closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="spine-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
