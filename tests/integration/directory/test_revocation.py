"""Revoked and expired certificates are refused by the slapd that runs, without a restart."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from directory.errors import DirectoryUnavailable
from directory.revocation import RevocationList, RevokedNow
from directory.server_tls import revoked_file

UID = "uid=555000000017,ou=People,o=nhs"
ASID, OTHER = "918999199203", "200000000149"


@pytest.fixture
def certified(fresh, samples):
    """A directory, two systems' certificates, and what brings the CRL."""
    fresh.publisher.publish(*samples())
    return fresh, RevocationList(fresh.slapd.folder)


def may_connect(served, tls) -> bool:
    try:
        with served.session(tls) as session:
            return bool(session.search("ou=Organisations,o=nhs", "(uniqueIdentifier=A81001)"))
    except DirectoryUnavailable:
        return False


def test_a_revoked_certificate_is_refused_without_a_restart_and_no_other(certified):
    served, revocations = certified
    revoked, good = served.directory.system(ASID), served.directory.system(OTHER)
    crl = served.directory.authority.crl
    pid = served.slapd.pid
    revocations.renew(RevokedNow(crl()))
    assert may_connect(served, revoked)
    revocations.renew(RevokedNow(crl(revoked.certificate)))
    assert not may_connect(served, revoked)
    assert may_connect(served, good)
    assert served.slapd.pid == pid


def test_an_open_connection_outlives_a_new_list(certified):
    served, revocations = certified
    with served.session(served.directory.system(OTHER)) as session:
        revocations.renew(RevokedNow(served.directory.authority.crl()))
        assert session.search("ou=Organisations,o=nhs", "(uniqueIdentifier=A81001)")


def test_slapd_heeds_the_list_from_its_start(certified):
    served, revocations = certified
    revoked, good = served.directory.system(ASID), served.directory.system(OTHER)
    served.slapd.stop()
    assert not revocations.renew(RevokedNow(served.directory.authority.crl(revoked.certificate)))
    served.slapd.start()
    assert not may_connect(served, revoked)
    assert may_connect(served, good)


def test_slapd_is_told_once_and_again_after_it_was_started_anew(certified):
    served, revocations = certified
    revoked = RevokedNow(served.directory.authority.crl())
    assert [revocations.renew(revoked) for _ in range(3)] == [True, False, False]
    served.slapd.stop()
    served.slapd.start()
    assert [revocations.renew(revoked) for _ in range(2)] == [True, False]


def test_a_list_past_its_next_update_still_refuses_what_it_names(certified):
    """The other certificates are refused as well by a slapd with OpenSSL, not by one with GnuTLS."""
    served, revocations = certified
    revoked, good = served.directory.system(ASID), served.directory.system(OTHER)
    crl = served.directory.authority.crl
    revocations.renew(RevokedNow(crl(revoked.certificate, valid_for=-timedelta(minutes=30))))
    assert not may_connect(served, revoked)
    revocations.renew(RevokedNow(crl(revoked.certificate)))
    assert not may_connect(served, revoked)
    assert may_connect(served, good)


def test_an_expired_certificate_is_refused(certified):
    served, revocations = certified
    revocations.renew(RevokedNow(served.directory.authority.crl()))
    expired = served.directory.authority.system(OTHER, valid_for=-timedelta(minutes=1))
    assert not may_connect(served, served.directory.client(expired))


def test_the_list_is_for_slapd_alone(certified):
    served, revocations = certified
    revocations.renew(RevokedNow(served.directory.authority.crl()))
    written: Path = revoked_file(served.slapd.folder / "tls")
    assert written.stat().st_mode & 0o077 == 0
