"""Drills: a server is lost while changes are made, and afterwards all servers hold the same."""

from __future__ import annotations

import re
import signal
import threading
from contextlib import closing, contextmanager

import pytest

from directory import serving
from directory.comparing import Kind, compare
from directory.connection import open_session
from directory.csn import state_of
from directory.errors import DirectoryUnavailable, SlapdFailed
from directory.names import person_dn
from directory.node import demand_seeding, read_node
from directory.node_comparing import divergences, repair
from directory.nodes import FIRST, NewReplica, Nodes, make_replica, seed_again
from directory.people import PersonEntry
from directory.promoting import promote
from directory.publishing import Publisher
from directory.rebuilding import rebuild
from directory.replication import ask_for_refresh
from directory.seeding import seed, take_snapshot
from directory.serving import Serving, write_serving
from directory.unix_socket import ldapi_url
from tests.support.replicas import country, holds, kill, wait_until
from tests.support.slapd import free_port


@pytest.fixture
def servers(tmp_path):
    with country(tmp_path) as made:
        yield made


@pytest.fixture
def provider(servers, samples):
    slapd = servers.provider()
    with closing(servers.publisher(slapd)) as publisher:
        publisher.publish(*samples())
    return slapd


@pytest.fixture
def people(make_person):
    """As many people as asked for, each with a place and a role."""

    def made(count: int, first: int = 0) -> list[PersonEntry]:
        return [
            make_person(uid=f"{556_000_000_000 + number:012}", sn=f"Number {number}")
            for number in range(first, first + count)
        ]

    return made


def found_between(provider, replica, patience=2.0):
    with open_session(provider.ldapi_url) as one, open_session(replica.ldapi_url) as other:
        return divergences(one, other, patience)


def caught_up(provider, replica) -> bool:
    with open_session(provider.ldapi_url) as one, open_session(replica.ldapi_url) as other:
        return state_of(one) == state_of(other)


def make_equal(provider, replica) -> None:
    """What an operator does after a crash: compare the servers, and repair until they are the same."""

    def refresh() -> None:
        with open_session(replica.ldapi_url) as session:
            ask_for_refresh(replica.folder, state_of(session))
        replica.stop()
        replica.start()

    def repaired() -> bool:
        found = found_between(provider, replica)
        if found:
            with open_session(provider.ldapi_url) as session:
                repair(session, found, refresh)
        return not found

    wait_until(repaired, "the servers hold the same")


@contextmanager
def being_published(publisher, entries):
    """Entries are published one after the other meanwhile, and all of them at the end."""
    done, failed = threading.Event(), []

    def publish() -> None:
        try:
            for entry in entries:
                publisher.publish(entry)
                done.set()
        except DirectoryUnavailable as error:
            failed.append(error)

    writer = threading.Thread(target=publish)
    writer.start()
    assert done.wait(60)
    try:
        yield failed
    finally:
        writer.join()


def test_a_replica_killed_amid_changes_rejoins_and_holds_the_same(servers, provider, people):
    replica = servers.replica("east", provider)
    with (
        closing(servers.publisher(provider)) as publisher,
        being_published(publisher, people(60)) as failed,
    ):
        for _ in range(3):
            kill(replica)
            replica.start()
    assert not failed
    wait_until(lambda: caught_up(provider, replica), "it has caught up")
    make_equal(provider, replica)
    assert holds(replica, person_dn("556000000059"))


def test_a_replica_far_behind_catches_up_with_changes_and_deletions(servers, provider, people):
    replica = servers.replica("east", provider)
    replica.stop()
    with closing(servers.publisher(provider)) as publisher:
        for entry in people(150):
            publisher.publish(entry)
        publisher.remove_person("556000000003")
        # Its record of deletions ends with the process: the replica is sent what is still there.
        kill(provider)
        provider.start()
        publisher.remove_person("556000000004")
    replica.start()
    wait_until(lambda: caught_up(provider, replica), "it has caught up")
    make_equal(provider, replica)
    assert holds(replica, person_dn("556000000149"))
    assert not holds(replica, person_dn("556000000003")) + holds(replica, person_dn("556000000004"))


LOST = "uniqueIdentifier=T1431,ou=Organisations,o=nhs"
OUTDATED = "uniqueIdentifier=A81001,ou=Organisations,o=nhs"
EXTRA = "uniqueIdentifier=A20047,ou=Organisations,o=nhs"


def damaged(entries: list[str]) -> list[str]:
    """A snapshot as lost changes would leave it: an entry missing, one too many, one of before a change."""
    changed = []
    for entry in entries:
        dn = entry.partition("\n")[0].removeprefix("dn: ")
        if dn == OUTDATED:
            entry = re.sub("l: STOCKTON-ON-TEES", "l: ELSEWHERE", entry)
            entry = re.sub("entryCSN: 20", "entryCSN: 19", entry)
        if dn == EXTRA:
            other = re.sub("A20047", "A20048", entry)
            changed.append(re.sub("entryUUID: ........", "entryUUID: 01234567", other))
        if dn != LOST:
            changed.append(entry)
    return changed


def test_equal_states_do_not_hide_what_differs_and_repair_mends_it(servers, provider, tmp_path):
    replica = servers.replica("east", provider)
    wait_until(lambda: caught_up(provider, replica), "it has caught up")
    replica.stop()
    take_snapshot(replica, tmp_path / "snapshot")
    entries = tmp_path / "snapshot" / "database-1.ldif"
    entries.write_text("\n\n".join(damaged(entries.read_text().split("\n\n"))))
    seed(replica, tmp_path / "snapshot")
    replica.start()
    assert caught_up(provider, replica)
    assert {(each.kind, each.dn) for each in found_between(provider, replica, patience=1.0)} == {
        (Kind.MISSING, LOST),
        (Kind.DIFFERENT, OUTDATED),
        (Kind.UNEXPECTED, EXTRA.replace("A20047", "A20048")),
    }
    make_equal(provider, replica)
    assert holds(replica, LOST)
    assert holds(replica, OUTDATED, "l") == ("STOCKTON-ON-TEES",)
    assert not holds(replica, EXTRA.replace("A20047", "A20048"))


def test_a_change_under_way_is_no_difference(servers, provider, people):
    replica = servers.replica("east", provider)
    wait_until(lambda: caught_up(provider, replica), "it follows")
    with closing(servers.publisher(provider)) as publisher, being_published(publisher, people(40)):
        assert found_between(provider, replica, patience=30.0) == []


class Site:
    """A provider and replicas as ``spine-ra directory replica`` makes them, each a process of its own."""

    def __init__(self, servers) -> None:
        self._servers = servers
        port = free_port()
        folder = servers.folder / FIRST
        self.nodes = Nodes(folder, f"ldaps://127.0.0.1:{port}", servers.folder / "replicas")
        folder.mkdir()
        write_serving(folder, self._serving(port))
        serving.start(folder)
        # The way of the worker: through the link that a promotion changes.
        self.publisher = Publisher(
            ldapi_url(folder / "writer" / "run" / "ldapi"), folder / "writer" / "publishing.lock"
        )

    def _serving(self, port: int) -> Serving:
        tls = self._servers.server_tls
        return Serving(port, str(tls.certificate), str(tls.key), str(tls.client_authority))

    def add(self, name: str, **changes) -> None:
        port = free_port()
        following = self._servers.following_tls(name)
        addresses = (f"ldaps://127.0.0.1:{port}", self.nodes.url(self.nodes.provider()))
        new = NewReplica(name, *addresses, self._serving(port), following, **changes)
        serving.start(make_replica(self.nodes, new, None))

    def slapd(self, name):
        return self.nodes.slapd(name)

    def kill(self, name: str) -> None:
        """As a machine that is switched off: slapd and what keeps it running."""
        serving.stop(self.nodes.folder(name), signal.SIGKILL)

    def close(self) -> None:
        self.publisher.close()
        for folder in self.nodes.folders().values():
            serving.stop(folder)


@pytest.fixture
def site(servers, samples):
    with closing(Site(servers)) as made:
        made.publisher.publish(*samples())
        yield made


def test_the_standby_takes_over_from_a_killed_provider(site, samples, people):
    site.add("standby", durable=True)
    site.add("east")
    site.publisher.publish(*people(5))
    site.kill(FIRST)
    with pytest.raises(DirectoryUnavailable):
        site.publisher.publish(*people(1, first=50))

    promote(site.nodes, "standby")

    everybody = people(10)
    assert site.publisher.publish(*everybody) > 0
    wanted = [*samples(), *everybody]
    with open_session(site.slapd("standby").ldapi_url) as session:
        assert list(compare(wanted, session)) == []
    wait_until(lambda: holds(site.slapd("east"), everybody[9].dn), "the other replica follows the new one")

    assert not read_node(site.nodes.folder(FIRST)).is_provider
    serving.start(site.nodes.folder(FIRST))
    first = site.slapd(FIRST)
    wait_until(lambda: caught_up(site.slapd("standby"), first), "the old provider has come back")
    make_equal(site.slapd("standby"), first)
    mistaken = Publisher(first.ldapi_url, first.publishing_lock)
    with closing(mistaken), pytest.raises(DirectoryUnavailable, match="replica"):
        mistaken.publish(*people(1, first=90))


def test_a_provider_at_work_hands_over_and_follows(site, people):
    site.add("standby", durable=True)
    with being_published(site.publisher, people(30)) as failed:
        promote(site.nodes, "standby")
    assert not failed
    wait_until(lambda: caught_up(site.slapd("standby"), site.slapd(FIRST)), "the old one follows")
    assert site.nodes.provider() == "standby"
    assert all(holds(site.slapd("standby"), entry.dn) for entry in people(30))


def test_a_provider_that_was_replaced_does_not_serve_before_it_was_seeded(site, people):
    site.add("standby", durable=True)
    site.kill(FIRST)
    folder = site.nodes.folder(FIRST)
    promote(site.nodes, "standby")
    # As after a promotion on another machine, where nobody could seed it.
    demand_seeding(folder)
    with pytest.raises(SlapdFailed, match="seed it"):
        serving.start(folder)
    seed_again(site.nodes, FIRST, None)
    serving.start(folder)
    wait_until(lambda: caught_up(site.slapd("standby"), site.slapd(FIRST)), "it follows")


def test_a_replica_that_lacks_changes_is_not_promoted_before_one_that_has_them(site, people, monkeypatch):
    site.add("west")
    site.add("east")
    serving.stop(site.nodes.folder("west"))
    site.publisher.publish(*people(2))
    wait_until(lambda: holds(site.slapd("east"), people(2)[1].dn), "one replica has them")
    site.kill(FIRST)
    serving.start(site.nodes.folder("west"))
    monkeypatch.setattr("directory.promoting._CATCH_UP_SECONDS", 0.5)
    with pytest.raises(SlapdFailed, match="east has"):
        promote(site.nodes, "west")
    assert not site.nodes.node("west").is_provider


def test_replicas_that_follow_take_a_rebuild_of_their_provider(servers, provider, samples, people):
    replica = servers.replica("east", provider)
    wait_until(lambda: caught_up(provider, replica), "it follows")
    rebuild(provider, [*samples(), *people(5)])
    wait_until(lambda: holds(replica, people(5)[4].dn), "the new content arrives")
    wait_until(lambda: caught_up(provider, replica), "all of it")
    make_equal(provider, replica)
    with open_session(replica.ldapi_url) as session:
        assert list(compare([*samples(), *people(5)], session)) == []
    with closing(servers.publisher(provider)) as publisher:
        publisher.publish(*people(1, first=70))
    wait_until(lambda: holds(replica, people(1, first=70)[0].dn), "it goes on following")
