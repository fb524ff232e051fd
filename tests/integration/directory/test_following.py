"""A follower's copy: equal to the directory, whatever is killed, stopped or missed in between."""

from __future__ import annotations

import queue
import threading
from contextlib import closing, contextmanager, suppress

import pytest

from directory.connection import open_session
from directory.credentials import ClientTls
from directory.directory_copy import DirectoryCopy
from directory.errors import DirectoryRefused
from directory.following import CaughtUp, Changed, Follower, Removed
from directory.publishing import Publisher
from directory.rebuilding import rebuild
from tests.support.replicas import country, kill, wait_until, wait_until_following

PERSON = "uid=555000000017,ou=People,o=nhs"


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
def copy(tmp_path):
    with DirectoryCopy(tmp_path / "copy.db") as made:
        yield made


def as_node(servers) -> ClientTls:
    files = servers.following_tls("follower")
    return ClientTls(files.provider_authority, files.certificate, files.key)


class Seen:
    """What a follower in a thread of its own has told."""

    def __init__(self) -> None:
        self.told: queue.Queue = queue.Queue()
        self.all: list = []

    def until(self, wanted):
        """Everything up to the first that ``wanted`` accepts."""
        while True:
            seen = self.told.get(timeout=60)
            if isinstance(seen, Exception):
                raise seen
            self.all.append(seen)
            if wanted(seen):
                return self.all


def is_caught_up(seen) -> bool:
    return isinstance(seen, CaughtUp)


@contextmanager
def following(url, tls, file):
    """A follower with a copy in ``file``, stopped at the end."""
    stop, seen = threading.Event(), Seen()

    def run() -> None:
        with DirectoryCopy(file) as copy:
            try:
                for each in Follower(url, tls, copy).follow(stop):
                    seen.told.put(each)
            except DirectoryRefused as refused:
                seen.told.put(refused)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def content(file) -> dict[str, dict]:
    with DirectoryCopy(file) as copy:
        return {entry.dn.casefold(): dict(entry.attributes) for entry in copy.entries()}


def is_equal(file, slapd) -> bool:
    """Whether the copy holds what the server holds, value by value."""
    with open_session(slapd.ldapi_url) as session:
        held = {
            record.dn.casefold(): {name.lower(): set(values) for name, values in record.attributes.items()}
            for record in session.stream("o=nhs")
        }
    copied = {
        dn: {name: set(values) for name, values in found.items()} for dn, found in content(file).items()
    }
    return copied == held


def publish(slapd, *entries):
    with closing(Publisher(slapd.ldapi_url, slapd.publishing_lock)) as publisher:
        publisher.publish(*entries)


def test_a_follower_reads_everything_then_sees_each_change_as_it_happens(
    servers, provider, make_person, tmp_path
):
    file = tmp_path / "copy.db"
    with following(provider.ldaps_url, as_node(servers), file) as seen:
        seen.until(is_caught_up)
        publish(provider, make_person(sn="Boateng"))
        told = seen.until(
            lambda each: (
                isinstance(each, Changed)
                and each.dn.casefold() == PERSON.casefold()
                and each.entry.values("sn") == ("Boateng",)
            )
        )
        assert told
        with closing(servers.publisher(provider)) as publisher:
            publisher.remove_person("555000000017")
        seen.until(lambda each: isinstance(each, Removed) and each.dn.casefold() == PERSON.casefold())
    assert is_equal(file, provider)


def test_a_follower_that_was_away_is_told_exactly_what_it_missed(servers, provider, make_person, tmp_path):
    file = tmp_path / "copy.db"
    with following(provider.ldaps_url, as_node(servers), file) as seen:
        seen.until(is_caught_up)
        # A change while it follows: its cookie names only what has changed, and must not be kept as it is.
        publish(provider, make_person(sn="Boateng"))
        seen.until(lambda each: isinstance(each, Changed))
    with closing(servers.publisher(provider)) as publisher:
        publisher.publish(make_person(sn="Mensah"))
        publisher.remove_organisation("T1431")
    with following(provider.ldaps_url, as_node(servers), file) as seen:
        told = seen.until(is_caught_up)
    assert {type(each) for each in told} == {Changed, Removed, CaughtUp}
    assert len(told) <= 4
    assert is_equal(file, provider)


def test_deletions_are_seen_when_the_server_has_forgotten_them(servers, provider, tmp_path):
    file = tmp_path / "copy.db"
    with following(provider.ldaps_url, as_node(servers), file) as seen:
        seen.until(is_caught_up)
    with closing(servers.publisher(provider)) as publisher:
        publisher.remove_organisation("T1431")
    provider.stop()  # and with it the record of deletions
    provider.start()
    with following(provider.ldaps_url, as_node(servers), file) as seen:
        told = seen.until(is_caught_up)
    assert any(isinstance(each, Removed) and "T1431" in each.dn for each in told)
    assert is_equal(file, provider)


def test_a_follower_outlives_a_killed_server(servers, provider, make_person, tmp_path):
    file = tmp_path / "copy.db"
    with following(provider.ldaps_url, as_node(servers), file) as seen:
        seen.until(is_caught_up)
        for name in ("Boateng", "Mensah", "Owusu"):
            kill(provider)
            provider.start()
            publish(provider, make_person(sn=name))
            wait_until(lambda: is_equal(file, provider), "the copy is equal")
    assert content(file)[PERSON.casefold()]["sn"] == ("Owusu",)


def test_a_follower_goes_on_at_another_server(servers, provider, make_person, tmp_path):
    file = tmp_path / "copy.db"
    replica = servers.replica("east", provider)
    wait_until_following(provider, replica)
    with following(f"{replica.ldaps_url} {provider.ldaps_url}", as_node(servers), file) as seen:
        seen.until(is_caught_up)
        kill(replica)
        publish(provider, make_person(sn="Boateng"))
        wait_until(lambda: is_equal(file, provider), "the copy is equal")


def test_a_follower_takes_a_rebuild(servers, provider, samples, make_person, tmp_path):
    file = tmp_path / "copy.db"
    with following(provider.ldaps_url, as_node(servers), file) as seen:
        seen.until(is_caught_up)
        rebuild(provider, [each for each in samples() if "T1431" not in each.dn])
        wait_until(lambda: is_equal(file, provider), "the copy is equal")
        publish(provider, make_person(sn="Boateng"))
        wait_until(lambda: is_equal(file, provider), "it goes on")


def test_who_may_not_read_copies_nothing(servers, provider, tmp_path):
    files = servers.authority.system("200000000149")
    tls = ClientTls(servers.authority.file, files.certificate, files.key)
    with following(provider.ldaps_url, tls, tmp_path / "copy.db") as seen, suppress(DirectoryRefused):
        seen.until(is_caught_up)
    assert PERSON.casefold() not in content(tmp_path / "copy.db")


def test_the_copy_is_its_owners_alone(copy, tmp_path):
    assert (tmp_path / "copy.db").stat().st_mode & 0o077 == 0
