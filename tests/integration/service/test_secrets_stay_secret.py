"""A whole first start with every program logging at DEBUG: no secret is in any log, or in a database."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from cryptoki import load_card_profiles
from tests.support.running_service import running_service

PORT_OFFSET = 3400

# Loaded by every Python program of the service before its own code: logs everything, and writes down what
# Python's own source of secrets gave, and to which module.
LISTENING_IN = """
import json, logging, os, secrets, sys

logging.basicConfig(level=logging.DEBUG)
heard = os.environ["SPINE_RA_TEST_HEARD"]

def heard_of(name):
    real = getattr(secrets, name)
    def call(*arguments):
        value = real(*arguments)
        line = json.dumps([sys._getframe(1).f_globals.get("__name__", ""), name, value, os.getpid()])
        with open(heard, "a") as file:
            file.write(line + "\\n")
        return value
    return call

for name in ("token_urlsafe", "token_hex", "choice"):
    setattr(secrets, name, heard_of(name))
"""
SO_PIN_MAKER = "cryptoki.card_profile"
# Numbers of records and requests come from the same source and are no secrets.
NO_SECRETS = {
    ("app.signin.opaque_value", "token_hex"),
    ("app.web.context", "token_hex"),
    ("app.adapters.ca_socket", "token_hex"),
    ("card_agent.application", "token_hex"),
}


def secrets_heard(file: Path) -> dict[str, str]:
    """Each secret that was made, and by which module."""
    made = [json.loads(line) for line in file.read_text().splitlines()]
    whole = {
        value: module
        for module, name, value, _ in made
        if name != "choice" and (module, name) not in NO_SECRETS
    }
    return whole | dict.fromkeys(so_pins(made), SO_PIN_MAKER)


def so_pins(made: list[list[Any]]) -> Iterator[str]:
    """The SO PINs: made character by character, each by one process at a time."""
    length = load_card_profiles()["softhsm"].so_pin_length
    chosen: dict[int, str] = {}
    for module, name, value, process in made:
        if (module, name) == (SO_PIN_MAKER, "choice"):
            chosen[process] = chosen.get(process, "") + value
    for characters in chosen.values():
        yield from (characters[begin : begin + length] for begin in range(0, len(characters), length))


def dump(database: Path) -> Iterator[str]:
    """The database as text, but for the tables that came from public files."""
    public = ("organisation", "rbac_", "import_", "activity", "job_role", "area_of_work", "baseline_")
    with closing(sqlite3.connect(database)) as connection:
        for line in connection.iterdump():
            if not re.match(rf'INSERT INTO "({"|".join(public)})', line):
                yield line


def places(folder: Path) -> dict[str, str]:
    """Everything that anybody may get to see: the logs, and both databases."""
    logs = {path.name: path.read_text(errors="replace") for path in folder.rglob("*.log")}
    databases = {path.name: "\n".join(dump(path)) for path in folder.rglob("*.db")}
    return logs | databases


def completion_nonces(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return [row[0] for row in connection.execute("SELECT completion_nonce FROM card_issuance")]


def holds(text: str, secret: str) -> bool:
    """Whether the secret stands in the text by itself; six digits are within many longer numbers."""
    return re.search(rf"(?<![0-9A-Za-z]){re.escape(secret)}(?![0-9A-Za-z])", text) is not None


def test_no_secret_is_in_a_log_or_a_database(tmp_path: Path) -> None:
    listening, heard = tmp_path / "listening", tmp_path / "heard"
    listening.mkdir()
    (listening / "sitecustomize.py").write_text(LISTENING_IN)
    environment = {"PYTHONPATH": str(listening), "SPINE_RA_TEST_HEARD": str(heard)}
    with running_service(tmp_path / "var", PORT_OFFSET, environment=environment) as service:
        known = secrets_heard(heard) | {holder.pin: "PIN" for holder in service.people().values()}
    assert {SO_PIN_MAKER, "app.domain.desk_record", "app.signin.opaque_value", "PIN"} <= set(known.values())
    files = [*(tmp_path / "var" / "ca").glob("*pin"), *(tmp_path / "var" / "web").glob("pin")]
    known |= {path.read_text().strip(): str(path) for path in files}
    found = places(tmp_path / "var")
    # Cards sign it, and the site checks that signature: a challenge, worth nothing without the card.
    challenges = {("spine.db", nonce) for nonce in completion_nonces(tmp_path / "var" / "spine.db")}
    assert "DEBUG" in found["web.log"], "the programs do log at DEBUG"
    assert {"spine.db", "ca.db", "web.log", "ca.log", "worker.log", "card-agent.log"} <= set(found)
    leaks = {
        (module, place)
        for secret, module in known.items()
        for place in found
        if holds(found[place], secret) and (place, secret) not in challenges
    }
    assert leaks == set()
