"""Replicas are lost behind a balancer while systems ask all the time, and are answered rightly."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading

import pytest

from directory.client import AsyncDirectoryClient, ClientTls, DirectoryClient
from directory.errors import DirectoryError
from directory.names import person_dn
from directory.seeding import seed_from
from directory.slapd import Slapd
from tests.support.balancer import balancer
from tests.support.replicas import Country, country, holds, kill, wait_until, wait_until_following

UID = "555000000017"
ASKING_SYSTEM = "918999199203"
RIGHT = (UID, "B0420", "A81001")
NO_RIGHT = (UID, "B9999", "A81001")
THREADS = 4
PATIENCE = 15.0  # for a busy machine; a question's own five seconds suffice on another


class Asking:
    """Systems of both kinds that ask without a pause, and what they were told."""

    def __init__(self, url: str, tls: ClientTls) -> None:
        self._url, self._tls = url, tls
        self._stop = threading.Event()
        self._client = DirectoryClient(url, tls, timeout=PATIENCE, connections=THREADS)
        tasks = [self._ask_waiting] * THREADS + [self._ask_asynchronously]
        self._threads = [threading.Thread(target=task) for task in tasks]
        self.answered = 0
        self.wrong: list[str] = []

    def _ask_waiting(self) -> None:
        while not self._stop.wait(0.005):
            try:
                self._told(self._client.may(*RIGHT), self._client.may(*NO_RIGHT))
            except DirectoryError as error:
                self.wrong.append(repr(error))

    def _ask_asynchronously(self) -> None:
        asyncio.run(self._ask_in_a_loop())

    async def _ask_in_a_loop(self) -> None:
        client = AsyncDirectoryClient(self._url, self._tls, timeout=PATIENCE)
        while not self._stop.is_set():
            try:
                self._told(*await asyncio.gather(client.may(*RIGHT), client.may(*NO_RIGHT)))
            except DirectoryError as error:
                self.wrong.append(repr(error))
            await asyncio.sleep(0.005)
        await client.close()

    def _told(self, held: bool, not_held: bool) -> None:
        if (held, not_held) != (True, False):
            self.wrong.append(f"{RIGHT}: {held}, {NO_RIGHT}: {not_held}")
        self.answered += 1

    def go_on(self) -> None:
        """Wait until many more questions were answered."""
        before = self.answered
        wait_until(lambda: self.answered > before + 50, "questions are answered")

    def __enter__(self) -> Asking:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._client.close()


class Site:
    """A provider and two read replicas that follow it, behind the balancer, named as there."""

    def __init__(self, servers: Country, samples) -> None:
        self._servers = servers
        self.provider = servers.provider("provider")
        with contextlib.closing(servers.publisher(self.provider)) as publisher:
            publisher.publish(*samples)
        self.replicas = {name: servers.replica(name, self.provider) for name in ("east-1", "east-2")}
        for replica in self.replicas.values():
            wait_until_following(self.provider, replica)
        files = servers.authority.system(ASKING_SYSTEM)
        self.tls = ClientTls(servers.authority.file, files.certificate, files.key)

    @property
    def behind(self) -> dict[str, Slapd]:
        return {**self.replicas, "provider": self.provider}

    def publish(self, *entries) -> None:
        with contextlib.closing(self._servers.publisher(self.provider)) as publisher:
            publisher.publish(*entries)


@pytest.fixture(scope="module")
def site(tmp_path_factory, samples):
    """Each test leaves all of them running."""
    with country(tmp_path_factory.mktemp("b")) as servers:
        yield Site(servers, samples())


@pytest.fixture(scope="module")
def balanced(tmp_path_factory, site):
    with balancer(tmp_path_factory.mktemp("h"), site.behind) as made:
        yield made


@pytest.fixture
def asking(site, balanced):
    """Systems that ask meanwhile; the test fails when a question is answered wrongly or not at all."""
    with Asking(balanced.url, site.tls) as systems:
        systems.go_on()
        assert all(balanced.connections(name) for name in site.replicas), "both replicas answer"
        yield systems
        systems.go_on()
    assert systems.wrong == []


def test_a_replica_killed_is_taken_out_and_rejoins(site, balanced, asking, make_person):
    kill(site.replicas["east-1"])
    balanced.wait_until_down("east-1")
    asking.go_on()
    site.publish(make_person(sn="Boateng"))
    site.replicas["east-1"].start()
    balanced.wait_until_up("east-1")
    wait_until(
        lambda: holds(site.replicas["east-1"], person_dn(UID), "sn") == ("Boateng",), "it has caught up"
    )
    kill(site.replicas["east-2"])
    balanced.wait_until_down("east-2")
    asking.go_on()
    assert balanced.connections("east-1"), "the one that rejoined answers alone"
    assert not balanced.connections("provider")
    site.replicas["east-2"].start()
    balanced.wait_until_up("east-2")


def test_a_replica_that_hangs_is_taken_out(site, balanced, asking):
    hanging = site.replicas["east-1"].pid
    os.kill(hanging, signal.SIGSTOP)
    try:
        balanced.wait_until_down("east-1")
        asking.go_on()
    finally:
        os.kill(hanging, signal.SIGCONT)
    balanced.wait_until_up("east-1")


def test_the_provider_answers_when_all_replicas_are_lost_and_only_then(site, balanced, asking):
    assert not balanced.connections("provider")
    for replica in site.replicas.values():
        kill(replica)
    wait_until(lambda: balanced.connections("provider"), "the provider answers")
    asking.go_on()
    for name, replica in site.replicas.items():
        replica.start()
        balanced.wait_until_up(name)


def test_a_replica_is_taken_out_for_work_and_seeded_anew(site, balanced, asking):
    replica = site.replicas["east-1"]
    balanced.say("set server replicas/east-1 state maint")
    wait_until(lambda: not balanced.connections("east-1"), "nobody asks it")
    replica.stop()
    seed_from(site.provider, replica)
    replica.start()
    asking.go_on()
    assert not balanced.connections("east-1")
    balanced.say("set server replicas/east-1 state ready")
    balanced.wait_until_up("east-1")
