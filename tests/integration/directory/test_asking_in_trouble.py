"""What becomes of a question when servers freeze, die, come back, or are not who they should be."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from directory.client import AsyncDirectoryClient, ClientTls, DirectoryClient, PasswordLogin
from directory.errors import (
    DirectoryError,
    DirectoryRefused,
    DirectoryUnavailable,
    InvalidSetting,
    ServerNotTrusted,
)
from directory.publishing import Publisher
from directory.slapd import Slapd
from tests.support.directory_clients import FORMS, directory_client
from tests.support.slapd import ThrowAwayAuthority, free_port

UID = "555000000017"
QUESTION = (UID, "B0420", "A81001")
NOBODY_LISTENS = "ldaps://127.0.0.1:1"


@pytest.fixture(params=FORMS)
def form(request):
    return request.param


@contextlib.contextmanager
def frozen(pid: int) -> Iterator[None]:
    """The server as a machine that hangs: connections are still accepted by its kernel."""
    os.kill(pid, signal.SIGSTOP)
    try:
        while not _stands_still(pid):  # its threads stop when each is next looked at
            time.sleep(0.01)
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _stands_still(pid: int) -> bool:
    threads = Path(f"/proc/{pid}/task").glob("*/stat")
    return all(thread.read_text().rsplit(")", 1)[1].split()[0] == "T" for thread in threads)


@pytest.fixture
def second(fresh, samples, tmp_path_factory):
    """Another server with the same content."""
    slapd = Slapd(tmp_path_factory.mktemp("b") / "d", free_port(), fresh.directory.server_tls)
    slapd.start()
    with contextlib.closing(Publisher(slapd.ldapi_url, slapd.publishing_lock)) as publisher:
        publisher.publish(*samples())
        yield slapd
    slapd.stop()


def until_answered(ask, patience: float = 60.0) -> bool:
    """Ask until somebody answers."""
    end = time.monotonic() + patience
    while True:
        try:
            return ask()
        except DirectoryUnavailable:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def test_a_frozen_server_is_an_error_in_time_and_never_no(form, fresh, samples):
    fresh.publisher.publish(*samples())
    with directory_client(form, fresh.slapd.ldaps_url, fresh.system, timeout=1.0) as client:
        assert client.may(*QUESTION)
        with frozen(fresh.slapd.pid):
            began = time.monotonic()
            with pytest.raises(DirectoryUnavailable):
                client.may(*QUESTION)
            assert time.monotonic() - began < 60  # not for ever; how soon is the machine's affair
        assert until_answered(lambda: client.may(*QUESTION))


def test_a_killed_server_is_an_error_until_it_is_back(form, fresh, samples):
    fresh.publisher.publish(*samples())
    with directory_client(form, fresh.slapd.ldaps_url, fresh.system) as client:
        assert client.may(*QUESTION)
        fresh.kill()
        with pytest.raises(DirectoryUnavailable):
            client.may(*QUESTION)
        fresh.slapd.start()
        assert until_answered(lambda: client.may(*QUESTION))


def test_a_restart_passes_unnoticed(form, fresh, samples):
    fresh.publisher.publish(*samples())
    with directory_client(form, fresh.slapd.ldaps_url, fresh.system, timeout=30.0) as client:
        assert client.may(*QUESTION)
        fresh.slapd.stop()
        fresh.slapd.start()
        assert client.may(*QUESTION)


@pytest.mark.parametrize("trouble", ["killed", "frozen"])
def test_the_second_server_takes_over(form, fresh, samples, second, trouble):
    fresh.publisher.publish(*samples())
    both = f"{fresh.slapd.ldaps_url} {second.ldaps_url}"
    with directory_client(form, both, fresh.system, timeout=8.0) as client, contextlib.ExitStack() as stack:
        assert client.may(*QUESTION)
        if trouble == "killed":
            fresh.kill()
        else:
            stack.enter_context(frozen(fresh.slapd.pid))
        assert client.may(*QUESTION)
        assert client.may(UID, "B9999", "A81001") is False


def test_servers_that_nobody_listens_at_are_passed_over(form, served):
    with directory_client(form, f"{NOBODY_LISTENS} {served.slapd.ldaps_url}", served.system) as client:
        assert client.may(*QUESTION)
    with directory_client(form, NOBODY_LISTENS, served.system) as client, pytest.raises(DirectoryUnavailable):
        client.may(*QUESTION)


def test_in_a_long_outage_questions_fail_at_once_and_nobody_connects(form, served):
    with directory_client(form, NOBODY_LISTENS, served.system, timeout=30.0) as client:
        with pytest.raises(DirectoryUnavailable):
            client.may(*QUESTION)
        began = time.monotonic()
        with pytest.raises(DirectoryUnavailable):
            client.may(*QUESTION)
        assert time.monotonic() - began < 15  # half of what it would wait otherwise


def test_a_server_of_another_authority_is_never_asked(form, served, tmp_path):
    other = ClientTls(
        ThrowAwayAuthority(tmp_path, "Other").file, served.system.certificate, served.system.key
    )
    untrusted = pytest.raises(ServerNotTrusted, match="certificate verify failed")
    with directory_client(form, served.slapd.ldaps_url, other) as client, untrusted:
        client.may(*QUESTION)


def test_a_certificate_of_another_authority_is_refused(form, served, tmp_path):
    stranger = ThrowAwayAuthority(tmp_path, "Other").system("918999199203")
    tls = ClientTls(served.directory.authority.file, stranger.certificate, stranger.key)
    with directory_client(form, served.slapd.ldaps_url, tls) as client, pytest.raises(DirectoryError):
        client.may(*QUESTION)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_server_is_known_by_ip_address_and_by_name(form, served, name):
    with directory_client(form, served.slapd.ldaps_url.replace("127.0.0.1", name), served.system) as client:
        assert client.may(*QUESTION)


def test_a_server_whose_certificate_has_another_ip_address_is_never_asked(form, served, tmp_path):
    slapd = Slapd(tmp_path / "d", free_port(), served.directory.server_tls, listen="127.0.0.2")
    slapd.start()
    try:
        untrusted = pytest.raises(ServerNotTrusted, match="IP address mismatch")
        with directory_client(form, slapd.ldaps_url, served.system) as client, untrusted:
            client.may(*QUESTION)
    finally:
        slapd.stop()


def test_a_server_whose_certificate_has_another_name_is_never_asked(form, served, monkeypatch):
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *more, **named: real("127.0.0.1", *more, **named))
    other = served.slapd.ldaps_url.replace("127.0.0.1", "directory.example")
    untrusted = pytest.raises(ServerNotTrusted, match="Hostname mismatch")
    with directory_client(form, other, served.system) as client, untrusted:
        client.may(*QUESTION)


def test_a_wrong_password_is_a_refusal_and_an_empty_one_is_never_sent(form, served, tmp_path):
    password = tmp_path / "password"
    password.write_text("wrong\n")
    login = PasswordLogin("uniqueIdentifier=918999199203,ou=Services,o=nhs", password)
    with directory_client(form, served.slapd.ldaps_url, served.directory.anonymous(), login) as client:
        with pytest.raises(DirectoryRefused) as refused:
            client.may(*QUESTION)
        assert refused.value.result_code == 49
        password.write_text("\n")
        with pytest.raises(InvalidSetting, match="password"):
            until_answered(lambda: _unless_refused(client))


def _unless_refused(client):
    try:
        return client.may(*QUESTION)
    except DirectoryRefused as still:  # it rests after the last refusal
        raise DirectoryUnavailable(str(still)) from still


@pytest.mark.parametrize(
    "servers", ["", "ldap://a", "ldapi://%2Fx", "a:636", "ldaps://", "ldaps://a:x", "ldaps://a/b"]
)
def test_an_address_that_cannot_be_used_is_named_at_once(served, servers):
    for kind in (DirectoryClient, AsyncDirectoryClient):
        with pytest.raises(InvalidSetting):
            kind(servers, served.system)


def test_a_missing_file_is_named_at_once(served, tmp_path):
    with pytest.raises(InvalidSetting, match=r"nowhere\.pem"):
        DirectoryClient(served.slapd.ldaps_url, ClientTls(tmp_path / "nowhere.pem"))


def test_sixty_four_at_once_are_each_told_their_own(served):
    """Every second question is about a right that is not held, so that a swapped answer shows."""

    async def ask_all() -> list[bool]:
        async with AsyncDirectoryClient(served.slapd.ldaps_url, served.system) as client:
            asked = [client.may(UID, "B9999" if n % 2 else "B0420", "A81001") for n in range(64 * 20)]
            return await asyncio.gather(*asked)

    assert asyncio.run(ask_all()) == [True, False] * (64 * 10)


def test_cancelled_questions_disturb_no_other(served):
    async def ask_and_cancel() -> list[bool]:
        async with AsyncDirectoryClient(served.slapd.ldaps_url, served.system) as client:
            assert await client.may(*QUESTION)
            right = []
            for turn in range(50):
                dropped = [asyncio.create_task(client.may(*QUESTION)) for _ in range(8)]
                await asyncio.sleep(0)
                for task in dropped[turn % 8 :]:
                    task.cancel()
                right.append(await client.may(UID, "B9999", "A81001"))
                await asyncio.gather(*dropped, return_exceptions=True)
            return right

    assert asyncio.run(ask_and_cancel()) == [False] * 50


def test_threads_share_a_client(served):
    wrong: list[object] = []
    with contextlib.closing(DirectoryClient(served.slapd.ldaps_url, served.system, connections=3)) as client:

        def ask(held: bool) -> None:
            for _ in range(60):
                answer = client.may(UID, "B0420" if held else "B9999", "A81001")
                if answer is not held:
                    wrong.append(answer)

        threads = [threading.Thread(target=ask, args=(bool(n % 2),)) for n in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_a_child_process_never_uses_its_parents_connection(served):
    with contextlib.closing(DirectoryClient(served.slapd.ldaps_url, served.system)) as client:
        assert client.may(*QUESTION)
        children = []
        for held in (True, False) * 2:
            child = os.fork()
            if child == 0:
                right = [client.may(UID, "B0420" if held else "B9999", "A81001") is held for _ in range(50)]
                os._exit(0 if all(right) else 1)
            children.append(child)
        assert all(client.may(*QUESTION) for _ in range(50))
        assert [os.waitpid(child, 0)[1] for child in children] == [0] * len(children)


def test_an_asyncio_client_serves_one_loop_after_another(served):
    client = AsyncDirectoryClient(served.slapd.ldaps_url, served.system)

    async def ask() -> bool:
        answer = await client.may(*QUESTION)
        await client.close()
        return answer

    assert asyncio.run(ask())
    assert asyncio.run(ask())


def test_a_withdrawn_system_is_refused_on_its_open_connection(form, fresh, samples):
    fresh.publisher.publish(*samples())
    with directory_client(form, fresh.slapd.ldaps_url, fresh.system) as client:
        assert client.may(*QUESTION)
        fresh.publisher.remove_system("918999199203")
        with pytest.raises(DirectoryRefused):
            client.may(*QUESTION)
