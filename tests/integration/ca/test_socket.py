"""The socket of the certificate authority's process: who may speak, and what garbage does."""

from __future__ import annotations

import json
import os
import pwd
import socket
import stat
import struct
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.adapters.ca_client import CaClient
from app.adapters.ca_messages import MAXIMUM_REQUEST_BYTES, Message, receive_message, send_message
from app.adapters.ca_socket import CaSocketServer
from app.ca import refusals
from app.ca_server import permitted_users
from app.errors import InvalidInput, Unavailable
from app.settings import Settings
from tests.support.certificates import CardKeys, RegistrationRecord, ca_process, founding_order, later


@pytest.fixture
def client(ca_settings: Settings, record: RegistrationRecord) -> Iterator[CaClient]:
    with ca_process(ca_settings):
        yield CaClient(ca_settings.ca.socket)


def reply_to(path: Path, octets: bytes) -> Message | None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(path))
        connection.sendall(octets)
        connection.shutdown(socket.SHUT_WR)
        return receive_message(connection, 2**20)


def framed(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


def request(**fields: object) -> bytes:
    return framed(json.dumps(fields).encode())


GARBAGE = [
    b"\0",
    b"GET / HTTP/1.1\r\n\r\n",
    struct.pack(">I", 10) + b"short",
    struct.pack(">I", MAXIMUM_REQUEST_BYTES + 1) + b"x",
    framed(b"no JSON"),
    framed(b"[" * 100_000),
    framed(b"[]"),
    framed(b"\xff\xfe"),
    request(),
    request(operation=7),
    request(operation="no_such_operation"),
    request(operation="__init__"),
    request(operation="issue_card_certificates"),
    request(operation="issue_card_certificates", order="x"),
    request(operation="issue_card_certificates", order={"issuance_id": "\0"}),
    request(operation="issue_card_certificates", order={"issuance_id": "x" * 2000}),
    request(operation="revoke", serial_number="zz", reason="x", revoked_at="never"),
    request(operation="revoke", serial_number="zz", reason="x", revoked_at="2026-01-01T00:00:00"),
    request(operation="crl", issuing_ca="../../etc/passwd"),
    request(operation="ocsp", request="%%%"),
]


def test_garbage_is_refused_and_harms_nobody(client: CaClient, ca_settings: Settings) -> None:
    for octets in GARBAGE:
        reply = reply_to(ca_settings.ca.socket, octets)
        assert reply is not None, octets[:40]
        assert list(reply) == ["refused"], (octets[:40], reply)
    client.health()
    assert "fault" not in (ca_settings.data.folder / "ca.log").read_text()


def test_the_socket_is_for_its_own_user_alone(client: CaClient, ca_settings: Settings) -> None:
    assert stat.S_IMODE(ca_settings.ca.socket.stat().st_mode) == 0o600


def test_a_process_of_another_user_gets_no_answer(tmp_path: Path) -> None:
    path = tmp_path / "ca.sock"
    with CaSocketServer(path, lambda message: {}, os.geteuid() + 1) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(Unavailable):
            CaClient(path).health()
        server.shutdown()


def test_a_fault_shows_a_reference_number_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "ca.sock"

    def broken(message: Message) -> Message:
        raise KeyError("the secret is 1234")

    with CaSocketServer(path, broken, os.geteuid()) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        reply = reply_to(path, request(operation="health"))
        server.shutdown()
    assert reply is not None
    assert list(reply) == ["fault"]
    assert len(str(reply["fault"])) == 8


def test_a_dead_process_is_unavailable(ca_settings: Settings) -> None:
    with pytest.raises(Unavailable, match="try again"):
        CaClient(ca_settings.ca.socket).health()


def test_calls_share_a_connection_until_the_other_side_closes_it(tmp_path: Path) -> None:
    """As a process does that ends between two calls, or that nobody asked anything for a minute."""
    calls: list[int] = []

    def answer_two_calls_a_connection(listening: socket.socket) -> None:
        for number in range(3):
            with listening.accept()[0] as connection:
                for _ in range(2):
                    if receive_message(connection, 1000) is not None:
                        calls.append(number)
                        send_message(connection, {"result": {}})

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "ca.sock"))
        listening.listen()
        threading.Thread(target=answer_two_calls_a_connection, args=[listening], daemon=True).start()
        client = CaClient(tmp_path / "ca.sock")
        for _ in range(5):
            client.health()
    assert calls == [0, 0, 1, 1, 2]


def test_a_call_that_takes_too_long_leaves_no_answer_for_the_next(tmp_path: Path) -> None:
    released = threading.Event()

    def slow_at_first(message: Message) -> Message:
        if message["operation"] == "health":
            released.wait(30)
        return {"pem": "the key"}

    with CaSocketServer(tmp_path / "ca.sock", slow_at_first, os.geteuid()) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        client = CaClient(tmp_path / "ca.sock", timeout_seconds=0.5)
        assert client.escrow_public_key() == b"the key"
        with pytest.raises(Unavailable):
            client.health()
        released.set()
        assert client.escrow_public_key() == b"the key"
        server.shutdown()


def test_refusals_come_back_as_themselves(client: CaClient) -> None:
    with pytest.raises(refusals.CertificateUnknown):
        client.revoke("ab", "keyCompromise", later())
    with pytest.raises(refusals.IssuingCaUnknown):
        client.crl("nobody")


def test_many_orders_at_once_for_one_issuance_give_one_pair(
    client: CaClient, record: RegistrationRecord
) -> None:
    order, results = founding_order(CardKeys.new()), []

    def run() -> None:
        results.append(client.issue_card_certificates(order))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    assert all(each == results[0] for each in results)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    message=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=40),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["operation", "order", "approval", "signed", "request", "serial_number"])
                | st.text(max_size=8),
                inner,
                max_size=6,
            )
        ),
        max_leaves=12,
    ),
    operation=st.sampled_from(["issue_card_certificates", "revoke", "withdraw", "ocsp", "crl"]),
)
def test_any_message_gets_a_result_or_a_refusal(
    shared_authority: CaSocketServer, message: object, operation: str
) -> None:
    fields = dict(message) if isinstance(message, dict) else {"order": message}
    reply = shared_authority.answer({**fields, "operation": operation})
    assert "fault" not in reply


@pytest.fixture
def shared_authority(
    ca_settings: Settings, record: RegistrationRecord, tmp_path: Path
) -> Iterator[CaSocketServer]:
    from app.ca_server import open_certificate_authority

    with (
        open_certificate_authority(ca_settings) as operations,
        CaSocketServer(tmp_path / "any.sock", operations.handle, os.geteuid()) as server,
    ):
        yield server


def test_told_to_end_it_ends_and_takes_its_socket_away(
    ca_settings: Settings, record: RegistrationRecord
) -> None:
    with ca_process(ca_settings) as process:
        process.terminate()
        assert process.wait(30) == 0
    assert not ca_settings.ca.socket.exists()


def test_what_is_being_answered_is_answered_before_the_end(tmp_path: Path) -> None:
    path, begun, go_on = tmp_path / "ca.sock", threading.Event(), threading.Event()
    replies: list[Message | None] = []

    def slow(message: Message) -> Message:
        begun.set()
        go_on.wait(30)
        return {"answered": True}

    server = CaSocketServer(path, slow, os.geteuid())
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    asking = threading.Thread(target=lambda: replies.append(reply_to(path, request(operation="health"))))
    asking.start()
    assert begun.wait(30)
    server.shutdown()
    closing = threading.Thread(target=server.server_close)
    closing.start()
    closing.join(0.1)
    assert closing.is_alive()
    go_on.set()
    closing.join(30)
    asking.join(30)
    assert replies == [{"result": {"answered": True}}]


ASK_AS_ANOTHER_USER = """
import socket, sys
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect(sys.argv[1])
    connection.sendall(bytes.fromhex(sys.argv[2]))
    print(connection.recv(1000)[4:].decode())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
@pytest.mark.parametrize(("is_listed", "answer"), [(True, '{"result":{"answered":true}}'), (False, "")])
def test_the_users_of_the_settings_are_served_and_no_others(is_listed: bool, answer: str) -> None:
    """So that the web process can run as another user than the one that may read the CA's keys."""
    nobody, somebody = pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("daemon").pw_uid
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "ca.sock"
        listed = nobody if is_listed else somebody
        with CaSocketServer(path, lambda _: {"answered": True}, os.geteuid(), listed) as server:
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            command = ["/usr/bin/python3", "-c", ASK_AS_ANOTHER_USER, str(path), request(operation="x").hex()]
            asked = subprocess.run(command, user=nobody, group=nobody, capture_output=True, text=True)
            server.shutdown()
    assert asked.stdout.strip() == answer


def test_an_unknown_user_in_the_settings_is_named_at_start(ca_settings: Settings) -> None:
    wrong = replace(ca_settings, ca=replace(ca_settings.ca, users="root no-such-user"))
    with pytest.raises(InvalidInput) as refused:
        permitted_users(wrong)
    assert "no-such-user" in str(refused.value.problems)
    assert permitted_users(ca_settings) == {os.geteuid()}
