"""A second start keeps everything; what stops, dies or is killed leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import ssl
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from app.fhir import identifiers
from app.service.known_people import has_active_card
from app.service.layout import LOOPBACK, Layout
from app.service.local_tls import make_local_tls
from app.service.visitor import Visitor
from app.storage.database import Database
from card_agent.driver import Driver
from tests.support.running_service import (
    LAST_LINE,
    MARK,
    ROOT,
    Service,
    begin_start,
    processes_of_run,
    running_service,
    said_until,
    stop,
    wait_until,
)

PROGRAMS = ("directory", "ca", "status", "web", "worker", "look-ups", "metrics", "card-agent", "prescribing")
SECOND_START_SECONDS = 10
KEPT = ("person", "card", "certificate", "position")


def layout_of(service: Service) -> Layout:
    return Layout(service.folder, ROOT, service.port_offset)


def rows(service: Service, table: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(service.folder / "spine.db")
    try:
        return connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
    finally:
        connection.close()


def test_everything_is_kept(first_start: Service) -> None:
    """People, cards, the operator's settings, and a session that somebody is in the middle of."""
    settings = first_start.settings.read_text()
    first_start.settings.write_text(settings + "\n[session]\nidle_minutes = 20\n")
    people, manager = first_start.people(), first_start.people()["RA manager"]
    with Driver(first_start.agent) as desk, Visitor(layout_of(first_start), desk) as visitor:
        with running_service(first_start.folder, first_start.port_offset):
            visitor.sign_in(manager.card_serial, manager.pin)
            before = {table: rows(first_start, table) for table in KEPT}
            audited = rows(first_start, "audit_event")
        begun = time.monotonic()
        with running_service(first_start.folder, first_start.port_offset) as again:
            print(f"\nsecond start: {time.monotonic() - begun:.1f} s (to be under {SECOND_START_SECONDS})")
            assert visitor.open("/my").status_code == 200, "still signed in"
            assert {table: rows(again, table) for table in KEPT} == before
            # The programs write events of their own meanwhile.
            assert rows(again, "audit_event")[: len(audited)] == audited
            visitor.send("/", {}, action="/sign-out")
    assert again.people() == people
    assert "idle_minutes = 20" in again.settings.read_text()
    assert "First start" not in again.said


def commands_on(page: str) -> list[str]:
    """The commands on the page of text, as a reader copies them: indented, continued lines together."""
    together = page.replace("\\\n", " ")
    return [
        line.strip() for line in together.splitlines() if re.match(r" {6}(LDAPTLS|curl|\S*spine-ra\b)", line)
    ]


def test_every_command_on_the_page_works_as_printed(started_again: Service, tmp_path: Path) -> None:
    compare, look_up, audit = commands_on(started_again.said)
    done = {
        name: subprocess.run(command, shell=True, cwd=tmp_path, text=True, capture_output=True, timeout=60)
        for name, command in (("compare", compare), ("look-up", look_up), ("audit", audit))
    }
    assert done["compare"].stdout.strip() == "TRUE", done
    found = json.loads(done["look-up"].stdout)["entry"]
    assert [each["resource"]["address"] for each in found] == [
        "https://mhs.l83002.example/reliablemessaging/forwardreliable"
    ]
    assert done["audit"].returncode == 0, done
    assert started_again.spine_ra("directory", "compare").returncode == 0


def test_the_look_ups_answer_who_has_the_key_that_was_made(started_again: Service) -> None:
    key = (started_again.folder / "secrets" / "look-ups.key").read_text()
    parameters = {
        "organization": f"{identifiers.ORGANISATION}|rh8",
        "identifier": f"{identifiers.INTERACTION}|urn:nhs:names:services:pdsquery:QUPA_IN050000UK32",
    }
    trust = ssl.create_default_context(cafile=str(started_again.tls_authority))
    address = f"https://localhost:{8445 + started_again.port_offset}/Device"
    bundle = httpx.get(address, params=parameters, headers={"apikey": key}, verify=trust).json()
    (device,) = (each["resource"] for each in bundle["entry"])
    assert device["owner"]["identifier"]["value"] == "RH8"
    assert bundle["link"][0]["url"].startswith(address)


def test_prometheus_is_told_that_every_part_answers(started_again: Service) -> None:
    address = f"http://127.0.0.1:{9464 + started_again.port_offset}/metrics"
    for part in ("ca", "database", "directory"):
        assert f'spine_ra_part_up{{part="{part}"}} 1.0' in httpx.get(address).text
    seen = "spine_ra_worker_last_sample_timestamp_seconds"
    wait_until(lambda: seen in httpx.get(address).text, "the worker's first sample")
    for port in (9465, 9466):
        servers = f"http://127.0.0.1:{port + started_again.port_offset}/metrics"
        wait_until(lambda at=servers: "granian_requests_handled" in httpx.get(at).text, "the servers' counts")


def test_prometheus_is_told_when_the_roots_list_ends_that_sign_in_asks(started_again: Service) -> None:
    address = f"http://127.0.0.1:{9464 + started_again.port_offset}/metrics"
    root_list = started_again.folder / "ca" / "public" / "root.crl"
    ends = x509.load_der_x509_crl(root_list.read_bytes()).next_update_utc
    assert ends is not None

    def told() -> float:
        (value,) = re.findall(r"^spine_ra_root_revocation_list_ends\S+ (\S+)$", httpx.get(address).text, re.M)
        return float(value)

    assert told() == ends.timestamp()
    assert 'spine_ra_authority_revoked{authority="authentication"} 0.0' in httpx.get(address).text
    hidden = root_list.rename(root_list.with_suffix(".hidden"))
    try:
        assert told() == 0
    finally:
        hidden.rename(root_list)


def test_no_worker_of_a_server_is_a_fork(started_again: Service) -> None:
    """A fork of a program that has threads may wait for a lock for ever, and take connections meanwhile."""
    commands = " ".join(processes_of_run("again").values())
    assert sorted(re.findall(r"app\.wsgi:([a-z_]+)", commands)) == ["look_ups", "status", "web"]
    assert commands.count("multiprocessing.spawn") >= len(("web", "web", "status", "look-ups"))


def test_the_page_names_everybody_and_every_address(started_again: Service) -> None:
    for holder in started_again.people().values():
        for fact in (holder.name, holder.card_serial, holder.pin, holder.uid):
            assert fact in started_again.said
    for address in (started_again.web, started_again.agent, started_again.relying_party):
        assert address in started_again.said
    assert "\x1b" not in started_again.said, "a pipe gets no colours or bars"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_every_child(first_start: Service, number: signal.Signals) -> None:
    mark = f"stopped by {number.name}"
    process = begin_start(first_start.folder, first_start.port_offset, environment={MARK: mark})
    said_until(process, lambda line: line.startswith(LAST_LINE))
    assert len(processes_of_run(mark)) > len(PROGRAMS)
    said = stop(process, number)
    assert "Stopped. What was done is kept" in said
    assert process.returncode == 0
    wait_until(lambda: not processes_of_run(mark), "the end of every child")


def test_a_signal_while_programs_start_stops_those_that_run(first_start: Service) -> None:
    process = begin_start(first_start.folder, first_start.port_offset, environment={MARK: "early"})
    said_until(process, lambda line: "Starting status" in line)
    assert "Stopped. What was done is kept" in stop(process, signal.SIGTERM)
    wait_until(lambda: not processes_of_run("early"), "the end of every child")


def test_a_killed_supervisor_leaves_no_child_and_the_next_start_just_works(first_start: Service) -> None:
    process = begin_start(first_start.folder, first_start.port_offset, environment={MARK: "killed"})
    said_until(process, lambda line: line.startswith(LAST_LINE))
    begun = time.monotonic()
    process.kill()
    process.communicate()
    # Ports that the dying programs still hold are waited for.
    with running_service(first_start.folder, first_start.port_offset):
        wait_until(lambda: not processes_of_run("killed"), "the end of every child")
        print(f"\nno child left and running again after {time.monotonic() - begun:.1f} s")


def main_process(mark: str, program: str) -> int:
    """The process that the supervisor started."""
    words = {
        "directory": "-m directory",
        "ca": "app.ca_server",
        "status": "app.wsgi:status",
        "web": "app.wsgi:web",
        "worker": "app.cli worker",
        "look-ups": "app.wsgi:look_ups",
        "metrics": "app.cli metrics",
        "card-agent": "-m card_agent",
        "prescribing": "examples.prescribing",
    }[program]
    found = [pid for pid, command in processes_of_run(mark).items() if words in command]
    return min(pid for pid in found if os.getsid(pid) == pid)


def test_a_program_that_dies_is_started_again(started_again: Service) -> None:
    assert started_again.process.stdout is not None
    for program in PROGRAMS:
        first = main_process("again", program)
        os.kill(first, signal.SIGKILL)
        said = said_until(started_again.process, lambda line: "serves again" in line)
        assert f"{program} stopped (killed by SIGKILL). Starting it again in 0.5 s" in said
        assert f"{program} serves again" in said
        assert main_process("again", program) != first
    assert started_again.spine_ra("audit", "verify").returncode == 0


def test_servers_certificates_are_renewed_by_a_later_start(first_start: Service) -> None:
    tls = layout_of(first_start).tls
    before = x509.load_pem_x509_certificate((tls / "directory.pem").read_bytes())
    for name in ("web", "directory", "relying-party"):
        (tls / f"{name}.pem").unlink()
    # As if it had been made a year ago: 15 days are left.
    make_local_tls(tls, ["web", "directory", "relying-party"], before.not_valid_before_utc.replace(year=2020))
    with running_service(first_start.folder, first_start.port_offset) as service:
        offered = served_certificate(service.ldaps.removeprefix("ldaps://localhost:"))
        assert offered == x509.load_pem_x509_certificate((tls / "directory.pem").read_bytes())
        assert offered.not_valid_after_utc > before.not_valid_before_utc
        command, *_ = commands_on(service.said)
        assert "TRUE" in subprocess.run(command, shell=True, text=True, capture_output=True).stdout


def served_certificate(port: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(ssl.get_server_certificate((LOOPBACK, int(port))).encode())


def test_a_lost_directory_is_built_again_from_the_database(first_start: Service) -> None:
    (first_start.folder / "directory").rename(first_start.folder.parent / "lost directory")
    with running_service(first_start.folder, first_start.port_offset) as service:
        assert "Directory, built from the database" in service.said
        assert service.spine_ra("directory", "compare").returncode == 0


def test_the_agents_card_is_active(first_start: Service) -> None:
    database = Database(f"sqlite:///{first_start.folder}/spine.db")
    holders = first_start.people().values()
    assert [has_active_card(database, holder.uid) for holder in holders] == [True] * 3
    database.close()
