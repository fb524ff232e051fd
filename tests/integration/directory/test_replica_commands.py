"""``spine-ra directory replica`` as an operator types it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.bootstrap.directory import directory_nodes
from app.cli import main
from app.settings import load
from directory import serving
from directory.node import read_node
from directory.nodes import FIRST
from directory.publishing import Publisher
from directory.serving import Serving, write_serving
from tests.support.replicas import country, holds
from tests.support.slapd import free_port

PERSON = "uid=555000000017,ou=People,o=nhs"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path: the sockets of replicas lie deep in it, and a socket's path is short."""
    with tempfile.TemporaryDirectory(prefix="spine-") as made:
        yield Path(made)


@pytest.fixture
def data(folder, samples):
    """A data folder as ``./run`` makes it, as far as the directory goes, with a directory that serves."""
    with country(folder) as made:
        tls, node = made.server_tls, made.following_tls("node")
        files = {
            "tls/directory.pem": tls.certificate,
            "tls/directory.key": tls.key,
            "tls/ca.pem": tls.client_authority,
            "systems/authorities.pem": tls.client_authority,
            "systems/node.pem": node.certificate,
            "systems/node.key": node.key,
        }
        for name, source in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copy(source, folder / name)
        port = free_port()
        settings = f'[data]\nfolder = "{folder}"\n[directory]\nldaps_url = "ldaps://localhost:{port}"\n'
        (folder / "settings.toml").write_text(settings)
        first = folder / "directory"
        first.mkdir()
        places = ("tls/directory.pem", "tls/directory.key", "systems/authorities.pem")
        write_serving(first, Serving(port, *(str(folder / place) for place in places)))
        serving.start(first)
        nodes = directory_nodes(load(folder / "settings.toml"))
        with closing(publisher(nodes.first)) as writer:
            writer.publish(*samples())
        yield folder
        for served in nodes.folders().values():
            serving.stop(served)


def publisher(folder):
    """The worker's way to the directory."""
    slapd_folder = folder / "writer"
    return Publisher(
        f"ldapi://{str(slapd_folder / 'run' / 'ldapi').replace('/', '%2F')}", slapd_folder / "publishing.lock"
    )


@pytest.fixture
def spine_ra(data):
    def run(*arguments: str, status: int = 0) -> str:
        command = ["--settings", str(data / "settings.toml"), "directory", "replica", *arguments]
        done = CliRunner().invoke(main, command)
        assert done.exit_code == status, done.output
        return done.output

    return run


def test_one_command_makes_a_replica_that_serves_and_one_promotes_it(data, spine_ra, make_person):
    spine_ra("add", "standby", "--standby", "--ldaps-port", str(free_port()))
    assert holds_of(data, "standby", PERSON)
    spine_ra("compare")
    assert "first: takes changes; runs" in spine_ra("status")
    spine_ra("stop", FIRST)
    assert "does not run" in spine_ra("status")

    assert "standby takes the changes" in spine_ra("promote", "standby")
    with closing(publisher(data / "directory")) as writer:
        writer.publish(make_person(sn="Boateng"))
    assert holds_of(data, "standby", PERSON, "sn") == ("Boateng",)
    spine_ra("start", FIRST)
    spine_ra("compare", "--repair")
    told = spine_ra("status")
    assert "standby: takes changes; runs" in told
    assert "first: follows ldaps://localhost" in told


def test_a_replica_on_another_machine_is_made_from_a_snapshot_and_can_be_removed(data, spine_ra, tmp_path):
    spine_ra("snapshot", str(tmp_path / "snapshot"))
    port = str(free_port())
    made = ("add", "far", "--ldaps-port", port, "--snapshot", str(tmp_path / "snapshot"), "--no-start")
    spine_ra(*made, "--server-id", "7", "--provider", "ldaps://directory.example:636")
    node = read_node(data / "directory-replicas" / "far")
    assert (node.server_id, node.provider) == (7, "ldaps://directory.example:636")
    assert "far: follows ldaps://directory.example:636; does not run" in spine_ra("status")
    assert "is a server 'far' already" in spine_ra(*made, status=2)
    spine_ra("follow", "far", "--provider", "ldaps://other.example:636")
    assert read_node(data / "directory-replicas" / "far").provider == "ldaps://other.example:636"
    spine_ra("remove", "far", "--yes")
    assert "far" not in spine_ra("status")


def test_what_cannot_be_done_is_a_sentence_and_leaves_nothing(data, spine_ra):
    port = str(free_port())
    assert "small letters" in spine_ra("add", "../up", "--ldaps-port", port, status=2)
    assert "no server 'east'" in spine_ra("promote", "east", status=2)
    assert "no server 'east'" in spine_ra("remove", "east", status=2)
    assert "takes the changes already" in spine_ra("promote", FIRST, status=2)
    assert "not a replica that can be removed" in spine_ra("remove", FIRST, "--yes", status=2)
    (data / "systems" / "node.pem").unlink()
    assert "node.pem is not there. Say --node-certificate." in spine_ra(
        "add", "east", "--ldaps-port", port, status=2
    )
    assert not (data / "directory-replicas" / "east").exists()


def holds_of(data, name, dn, attribute="objectClass"):
    nodes = directory_nodes(load(data / "settings.toml"))
    return holds(nodes.slapd(name), dn, attribute)
