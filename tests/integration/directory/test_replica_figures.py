"""What is told of replicas: whether they answer, and how far they are behind."""

from __future__ import annotations

from contextlib import closing
from functools import partial

import pytest

from app.adapters.monitored_parts import MonitoredParts
from directory.connection import open_session
from directory.credentials import ClientTls
from tests.support.replicas import Country, country, kill, wait_until

ASKING_SYSTEM = "918999199203"


class Answering:
    """An authority that is well."""

    def health(self) -> None:
        """It answers."""

    def audit_waits_seconds(self) -> float:
        """Nothing waits."""
        return 0.0


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
def told(servers: Country, provider):
    """The figures of these replicas by figure and replica, asked as an accredited system."""
    files = servers.authority.system(ASKING_SYSTEM)
    tls = ClientTls(servers.authority.file, files.certificate, files.key)

    def read(**replicas):
        connects = {name: partial(open_session, slapd.ldaps_url, tls) for name, slapd in replicas.items()}
        parts = MonitoredParts(partial(open_session, provider.ldapi_url), Answering(), lambda: connects)
        return {
            (each.name.removeprefix("directory_replica_"), *each.labels): each.value
            for each in parts.figures()
        }

    return read


def change(servers, provider, make_person) -> None:
    with closing(servers.publisher(provider)) as publisher:
        publisher.publish(make_person(sn="Boateng"))


def test_a_replica_that_follows_has_no_lag(servers, provider, told, make_person) -> None:
    east = servers.replica("east", provider)
    change(servers, provider, make_person)
    wait_until(lambda: told(east=east)["lag_seconds", "east"] == 0, "the replica has every change")
    kill(east)
    found = told(east=east)
    assert found["up", "east"] == 0
    assert ("lag_seconds", "east") not in found
    east.start()
    assert told(east=east)["up", "east"] == 1


def test_a_replica_that_cannot_follow_is_told_to_be_behind(servers, provider, told, make_person) -> None:
    cut_off = servers.replica("west", provider, organisation="Spine RA Systems")
    change(servers, provider, make_person)
    found = told(west=cut_off)
    assert found["up", "west"] == 1
    assert found["lag_seconds", "west"] > 0
