"""The real agent as a process of its own, real SoftHSM cards, and the site of tests.support."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509

from card_agent import card_operations
from card_agent.card_process import CardProcesses
from card_agent.driver import Driver
from card_agent.ports import Purpose
from card_agent.virtual_cards import VirtualCardOpener, VirtualDesk
from tests.support.desk_job_site import DeskJobSite
from tests.support.making_cards import finish, prepare
from tests.support.pcsc_desk import pcsc_desk

__all__ = ["pcsc_desk"]

ROOT = Path(__file__).parents[3]
OPERATOR = {"uid": "555021943108", "name": "Grace Operator"}
HOLDER = {"uid": "555036632106", "name": "Amara Holder"}
OPERATOR_PIN = "83501947"


@dataclass
class AgentProcess:
    """The agent, started and killed as the tests need."""

    config: Path
    log: Path
    process: subprocess.Popen[str] | None = None
    origins: list[str] = field(default_factory=list)

    def start(self) -> Driver:
        """Start the agent and return a person at it."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "card_agent", "--config", str(self.config), "--log-level", "DEBUG"],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=ROOT,
                env={"PYTHONPATH": f"{ROOT / 'pkcs11'}", "PATH": "/usr/bin:/bin"},
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found, f"the agent said {line!r} and {self.log.read_text()}"
        self.origins.append(found[0])
        return Driver(found[0])

    @property
    def origin(self) -> str:
        return self.origins[-1]

    def kill(self) -> None:
        """Kill the agent as a power cut would (SIGKILL)."""
        process = self.process
        assert process is not None
        process.kill()
        _wait_for(process)

    def close(self) -> None:
        """Wait until the process is gone."""
        assert self.process is not None
        _wait_for(self.process)


def _wait_for(process: subprocess.Popen[str]) -> None:
    """A hook of the site kills one process while the test starts the next, so the process is an argument."""
    process.wait(20)
    assert process.stdout is not None
    process.stdout.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskJobSite]:
    """The site; every test has jobs of its own."""
    site = DeskJobSite(tmp_path_factory.mktemp("site"))
    yield site
    site.close()


@pytest.fixture
def desk_folder(tmp_path: Path) -> Path:
    """The folder of an empty desk."""
    return tmp_path / "desk"


@pytest.fixture
def desk(desk_folder: Path) -> VirtualDesk:
    """The desk itself, for what a test prepares without the agent."""
    return VirtualDesk(desk_folder)


def write_config(folder: Path, site: DeskJobSite) -> Path:
    """Write an agent.toml for the site, which names the site's escrow key."""
    config = folder / "agent.toml"
    (folder / "escrow.pem").write_bytes(site.escrow_pem())
    config.write_text(
        "[listen]\nport = 0\n[desk]\nfolder = 'desk'\n"
        f"[[site]]\norigin = '{site.origin}'\nname = 'Test RA'\nca_file = '{site.ca_file}'\n"
        "so_pin_escrow_key_file = 'escrow.pem'\n"
    )
    return config


@pytest.fixture
def agent(tmp_path: Path, site: DeskJobSite) -> Iterator[AgentProcess]:
    """The agent's process, not yet started."""
    agent = AgentProcess(write_config(tmp_path, site), tmp_path / "agent.log")
    yield agent
    if agent.process is not None and agent.process.poll() is None:
        agent.process.terminate()
        agent.close()


@pytest.fixture
def person(agent: AgentProcess) -> Iterator[Driver]:
    """A person at the started agent."""
    with agent.start() as driver:
        yield driver


def make_card(
    desk: VirtualDesk, folder: Path, site: DeskJobSite, reader: str, person: dict[str, str], pin: str
) -> str:
    """Put a working card of the person into the reader and return its serial."""
    serial = desk.take_blank(reader)
    processes = CardProcesses(VirtualCardOpener(folder))
    requests = prepare(processes, serial, "0123456789abcdef", pin, person["uid"])
    common_name = f"{person['uid']}_{person['name'].replace(' ', '_')}"
    certificates = {
        purpose: site.authority.card_certificate(common_name, x509.load_der_x509_csr(der).public_key())  # type: ignore[arg-type]
        for purpose, der in requests.items()
    }
    finish(processes, serial, pin, certificates)
    processes.end()
    return serial


@pytest.fixture
def operator_card(desk: VirtualDesk, desk_folder: Path, site: DeskJobSite) -> str:
    """The operator's working card, in the left reader."""
    return make_card(desk, desk_folder, site, "left", OPERATOR, OPERATOR_PIN)


@pytest.fixture
def operator_certificate(operator_card: str, desk_folder: Path) -> bytes:
    """The operator's content-commitment certificate."""
    read = CardProcesses(VirtualCardOpener(desk_folder)).run(operator_card, card_operations.contents)
    return read.certificates[Purpose.CONTENT_COMMITMENT]
