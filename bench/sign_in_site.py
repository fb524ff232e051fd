"""What ``bench.sign_in`` measures: a whole web service of its own, with people, cards and a relying party.

The web processes are started as ``./run`` starts them; the database is SQLite with durable writes
(``synchronous=FULL``), and the OpenID keys lie in a SoftHSM token.
"""

from __future__ import annotations

import os
import secrets
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPSConnection
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from app.adapters.openid_keys import TokenPlace, create_keys
from app.bootstrap.openid import openid_token_place
from app.ca_files import public_crl
from app.service.local_tls import make_local_tls
from app.settings import Settings, load
from app.signin.terms import TERMS_VERSION
from app.storage.database import Database
from tests.support.relying_party import PartyUnderTest
from tests.support.sign_in import HeldCard, StaffRegister, authority

PROCESSES = 2
_STARTING_SECONDS = 60
_PARTY = """\
[[client]]
client_id = "{party.client_id}"
name = "Bench"
redirect_uris = ["{party.redirect_uri}"]
scopes = ["openid", "profile", "nationalrbacaccess", "selectedrole"]
id_token_algorithm = "ES256"
public_key_files = ["party.pem"]
"""


@dataclass(frozen=True)
class Site:
    """The running service."""

    port: int
    cards: list[HeldCard]
    party: PartyUnderTest
    ca_file: Path
    keys: TokenPlace
    server: int

    @property
    def origin(self) -> str:
        """Its origin, which is also the issuer."""
        return f"https://localhost:{self.port}"

    def server_processes(self) -> list[int]:
        """The server with all its children."""
        return [self.server, *_children(self.server)]


def _children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task")
    found = [int(child) for task in tasks.iterdir() for child in (task / "children").read_text().split()]
    return [each for child in found for each in (child, *_children(child))]


@contextmanager
def running_site(folder: Path, people: int) -> Iterator[Site]:
    """Make the service in an empty folder and run it."""
    port, party = _free_port(), PartyUnderTest("bench")
    settings = _settings(folder, port)
    _write_files(settings, folder, party)
    create_keys(openid_token_place(settings))
    cards = _people(settings, people)
    server = _start(folder, port)
    try:
        _wait_until_ready(server, port, folder / "tls" / "ca.pem")
        yield Site(port, cards, party, folder / "tls" / "ca.pem", openid_token_place(settings), server.pid)
    finally:
        server.terminate()
        server.wait()


def _settings(folder: Path, port: int) -> Settings:
    file = folder / "settings.toml"
    file.write_text(f'[service]\norigin = "https://localhost:{port}"\n[data]\nfolder = "{folder}"\n')
    return load(file)


def _write_files(settings: Settings, folder: Path, party: PartyUnderTest) -> None:
    make_local_tls(folder / "tls", ["web"], datetime.now(UTC))
    for path in (settings.web.secret_key_file, settings.openid.clients_file, folder / "ca" / "public" / "x"):
        path.parent.mkdir(parents=True, exist_ok=True)
    for key_file in (settings.web.secret_key_file, settings.messages.key_file):
        key_file.write_text(secrets.token_hex(32))
    settings.openid.clients_file.write_text(_PARTY.format(party=party))
    (settings.openid.clients_file.parent / "party.pem").write_bytes(party.public_pem)
    # Only cards are believed here, so their CA stands in the places of the others too.
    for name in ("root", "authentication", "content-commitment", "systems"):
        certificate = authority().root if name == "root" else authority().ca
        (folder / "ca" / "public" / f"{name}.cer").write_bytes(certificate.public_bytes(Encoding.DER))
    public_crl(settings.ca.folder, "root").write_bytes(authority().root_list())


def _people(settings: Settings, count: int) -> list[HeldCard]:
    """People who accepted the terms before and have one role each: every sign-in is like an everyday one."""
    database = Database(settings.database.url)
    database.migrate()
    register = StaffRegister(database)
    cards = []
    for _ in range(count):
        uid = register.person()
        register.role(uid)
        cards.append(register.card(uid))
        with database.change() as work:
            work.sign_ins.accept_terms(uid, TERMS_VERSION)
    database.close()
    return cards


def _start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    command = [
        *(sys.executable, "-m", "app.http_server"),
        *("--interface", "wsgi", "--factory", "--host", "127.0.0.1"),
        *("--port", str(port), "--workers", str(PROCESSES), "--blocking-threads", "2", "--no-ws"),
        *("--log-level", "warning", "--ssl-certificate", str(folder / "tls" / "web.pem")),
        *("--ssl-keyfile", str(folder / "tls" / "web.key"), "app.wsgi:web"),
    ]
    environment = os.environ | {"SPINE_RA_SETTINGS": str(folder / "settings.toml")}
    return subprocess.Popen(command, env=environment)


def _wait_until_ready(server: subprocess.Popen[bytes], port: int, ca_file: Path) -> None:
    trust = ssl.create_default_context(cafile=str(ca_file))
    until = time.monotonic() + _STARTING_SECONDS
    while time.monotonic() < until:
        if server.poll() is not None:
            raise SystemExit("The web service ended while starting; what it said is above.")
        connection = HTTPSConnection("localhost", port, timeout=5, context=trust)
        try:
            connection.request("GET", "/.well-known/openid-configuration")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.2)
        finally:
            connection.close()
    raise SystemExit("The web service did not start within a minute.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
