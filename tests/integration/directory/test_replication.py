"""A provider and its replicas: what arrives where, and who may write."""

from __future__ import annotations

from contextlib import closing

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from directory.connection import ClientTls, open_session
from directory.entries import Record
from directory.errors import DirectoryRefused, DirectoryUnavailable, SlapdFailed
from directory.rebuilding import rebuild
from directory.revocation import RevocationLists, RevokedNow
from tests.support.replicas import country, holds, kill, wait_until, wait_until_following

PERSON = "uid=555000000017,ou=People,o=nhs"
SURNAME = "sn"


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


def rename(servers, slapd, person):
    with closing(servers.publisher(slapd)) as publisher:
        publisher.publish(person)


def test_a_seeded_replica_gets_each_change(servers, provider, make_person):
    replica = servers.replica("east", provider)
    assert holds(replica, PERSON, SURNAME) == ("Osei",)
    wait_until_following(provider, replica)
    rename(servers, provider, make_person(sn="Boateng"))
    wait_until(lambda: holds(replica, PERSON, SURNAME) == ("Boateng",), "the change arrives")


def test_a_replica_that_was_not_seeded_syncs_everything(servers, provider):
    replica = servers.replica("east", provider, seeded=False)
    wait_until(lambda: holds(replica, PERSON), "the person arrives")


def test_a_removed_person_vanishes_from_the_replica(servers, provider):
    replica = servers.replica("east", provider)
    wait_until_following(provider, replica)
    with closing(servers.publisher(provider)) as publisher:
        publisher.remove_person("555000000017")
    wait_until(lambda: not holds(replica, PERSON), "the deletion arrives")


def test_a_replica_takes_no_changes_even_from_the_publisher(servers, provider, make_person):
    replica = servers.replica("east", provider)
    with pytest.raises(DirectoryUnavailable, match="replica"):
        rename(servers, replica, make_person(sn="Boateng"))
    assert holds(replica, PERSON, SURNAME) == ("Osei",)


def test_a_killed_replica_rejoins_and_gets_what_it_missed(servers, provider, make_person):
    replica = servers.replica("east", provider)
    kill(replica)
    rename(servers, provider, make_person(sn="Boateng"))
    replica.start()
    wait_until(lambda: holds(replica, PERSON, SURNAME) == ("Boateng",), "the missed change arrives")


def test_a_replica_is_not_rebuilt_from_the_database(servers, provider):
    replica = servers.replica("east", provider)
    with pytest.raises(SlapdFailed, match="Rebuild there"):
        rebuild(replica, [])


def test_a_replica_that_follows_gets_what_a_rebuild_of_its_provider_made(
    servers, provider, samples, make_person
):
    replica = servers.replica("east", provider)
    wait_until_following(provider, replica)
    process = provider.pid
    kept = [entry for entry in samples() if entry.dn != PERSON]
    rebuild(provider, [*kept, make_person(sn="Boateng")])
    wait_until(lambda: holds(replica, PERSON, SURNAME) == ("Boateng",), "the rebuilt content arrives")
    rename(servers, provider, make_person(sn="Mensah"))
    wait_until(lambda: holds(replica, PERSON, SURNAME) == ("Mensah",), "a change after it arrives")
    assert provider.is_running()
    assert provider.pid == process


def as_node(servers, slapd, name="east"):
    files = servers.following_tls(name)
    return open_session(slapd.ldaps_url, ClientTls(files.provider_authority, files.certificate, files.key))


def test_a_node_reads_everything_without_limits_and_writes_nothing(servers, provider):
    with as_node(servers, provider) as session:
        assert len(session.search("o=nhs")) > 20
        for attempt in (
            lambda: session.replace(PERSON, {"sn": ["Mallory"]}),
            lambda: session.delete(PERSON),
            lambda: session.add(Record("ou=Mine,o=nhs", {"objectClass": ("organizationalUnit",)})),
            lambda: session.replace("cn=config", {"olcIdleTimeout": ["1"]}),
        ):
            with pytest.raises(DirectoryRefused, match="onfidentialityRequired"):
                attempt()


@pytest.mark.parametrize(
    "imitation",
    [
        [("O", "Spine RA Directory Nodes"), ("CN", "*")],
        [("O", "Spine RA Directory Nodes"), ("OU", "east"), ("CN", "east")],
        [("CN", "spine-ra-nodes"), ("CN", "node")],
        [("CN", "spine-ra-nodes"), ("CN", "consumer")],
        [("O", "Spine RA Directory Nodes")],
    ],
)
def test_a_certificate_that_imitates_a_node_reads_nothing(servers, provider, imitation):
    kinds = {
        "O": NameOID.ORGANIZATION_NAME,
        "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
        "CN": NameOID.COMMON_NAME,
    }
    subject = x509.Name([x509.NameAttribute(kinds[kind], value) for kind, value in imitation])
    files = servers.authority.client(subject, "imitation")
    tls = ClientTls(servers.authority.file, files.certificate, files.key)
    with open_session(provider.ldaps_url, tls) as session:
        assert session.search(PERSON) == []


def test_a_replica_without_a_node_certificate_gets_nothing(servers, provider):
    replica = servers.replica("east", provider, seeded=False, organisation="Spine RA Systems")
    with open_session(provider.ldapi_url) as session:
        assert session.search(PERSON)
    # Its consumer has tried and been refused when it is told so; the database stays empty.
    wait_until(lambda: "syncrepl" in replica.log_file.read_text(), "it says why")
    assert not holds(replica, PERSON)


def test_every_server_is_told_of_revoked_certificates(servers, provider):
    replica = servers.replica("east", provider)
    slapds = [provider, replica]
    lists = RevocationLists(lambda: [each.folder for each in slapds])
    asking = servers.authority.system("200000000149")
    tls = ClientTls(servers.authority.file, asking.certificate, asking.key)
    assert lists.renew(RevokedNow(servers.authority.crl()))
    for each in slapds:
        open_session(each.ldaps_url, tls).close()
    assert lists.renew(RevokedNow(servers.authority.crl(asking.certificate)))
    for each in slapds:
        with pytest.raises(DirectoryUnavailable):
            open_session(each.ldaps_url, tls)
