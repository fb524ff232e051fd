"""Systems that bind by DN and password: over TLS alone, the hash unread by anybody and not in the log."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from app.domain.system_password import hashed, new_password
from directory.connection import ClientTls
from directory.services import AccreditedSystemEntry, Approval

ASID = "200000000901"
DN = f"uniqueIdentifier={ASID},ou=Services,o=nhs"
PERSON = "uid=555000000017,ou=People,o=nhs"
NOW = datetime(2026, 6, 15, tzinfo=UTC)
INVALID_CREDENTIALS, UNWILLING = 49, 53


def system(password: str, *reads: str) -> AccreditedSystemEntry:
    return AccreditedSystemEntry(
        *(ASID, "A81001", "A81001-9", ("urn:x",), Approval(NOW, NOW)), reads=reads, password=hashed(password)
    )


@pytest.fixture
def known(served):
    """A password, and the directory in which a system has it."""
    password = new_password()
    served.publisher.publish(system(password, "endpoints", "people"))
    return served, password


def bound(served, password, command, *arguments, dn=DN):
    """Run a tool as the system, by password, without a certificate."""
    plain = ClientTls(served.system.authority)
    return served.tool(command, "-D", dn, "-w", password, *arguments, tls=plain)


def test_a_system_binds_by_dn_and_password_over_tls_and_reads_what_it_may(known):
    served, password = known
    assert bound(served, password, "ldapwhoami").said.strip().casefold() == f"dn:{DN}".casefold()
    found = bound(served, password, "ldapsearch", "-LLL", "-b", PERSON)
    assert found.status == 0
    assert "spineAccess" in found.said
    assert "nhsGMC" not in found.said


def test_a_wrong_password_and_an_unknown_system_look_the_same(known):
    served, password = known
    wrong = bound(served, password + "x", "ldapwhoami")
    unknown = bound(served, password, "ldapwhoami", dn=DN.replace(ASID, "299999999999"))
    assert (wrong.status, wrong.said) == (unknown.status, unknown.said)
    assert wrong.status == INVALID_CREDENTIALS


@pytest.mark.parametrize("given", ["", "{SSHA512}", "*"])
def test_nothing_else_passes_for_the_password(known, given):
    served, _ = known
    assert bound(served, given, "ldapwhoami").status in (INVALID_CREDENTIALS, UNWILLING)


def test_the_hash_itself_is_no_password(known):
    served, password = known
    entry = system(password)
    served.publisher.publish(entry)
    assert bound(served, entry.password, "ldapwhoami").status == INVALID_CREDENTIALS


def test_no_system_reads_guesses_or_changes_a_password(known):
    served, password = known
    for tls in (served.system, served.directory.anonymous()):
        found = served.search("ou=Services,o=nhs", f"(uniqueIdentifier={ASID})", tls=tls)
        assert "userPassword" not in found.said
        assert served.search("ou=Services,o=nhs", "(userPassword=*)", tls=tls).rdns == []
    own = bound(served, password, "ldapsearch", "-LLL", "-b", DN, "(objectClass=*)", "*", "+")
    assert "userPassword" not in own.said
    assert "Confidentiality required (13)" in bound(served, password, "ldappasswd", "-s", "another").said


def test_the_change_log_never_has_a_password(known):
    served, _ = known
    with served.session() as session:
        logged = session.search("cn=Changelog,o=nhs", f"(targetDN={DN})")
    assert logged
    assert not [change for change in logged if "assword" in change.attributes.get("changes", ("",))[0]]
    assert not [change for change in logged if "SSHA512" in change.attributes.get("changes", ("",))[0]]


def test_a_password_is_replaced_and_taken_away(known):
    served, first = known
    second = new_password()
    served.publisher.publish(system(second, "endpoints"))
    assert bound(served, first, "ldapwhoami").status == INVALID_CREDENTIALS
    assert bound(served, second, "ldapwhoami").status == 0
    served.publisher.publish(dataclasses.replace(system(second), password=""))
    assert bound(served, second, "ldapwhoami").status == INVALID_CREDENTIALS


def test_wrong_tries_lock_nobody_out(known):
    served, password = known
    for _ in range(8):
        assert bound(served, "guess", "ldapwhoami").status == INVALID_CREDENTIALS
    assert bound(served, password, "ldapwhoami").status == 0


def test_there_is_no_port_on_which_a_password_could_go_in_the_clear(known):
    served, password = known
    port = served.url.rpartition(":")[2]
    asked = served.tool("ldapwhoami", "-H", f"ldap://localhost:{port}", "-x", "-D", DN, "-w", password)
    assert asked.status not in (0, INVALID_CREDENTIALS)


def test_a_password_is_random_and_its_hash_salted():
    assert len(new_password()) == 40
    assert len({new_password() for _ in range(100)}) == 100
    assert hashed("x") != hashed("x")
