"""Who may see and do what: anonymous, known and unknown systems, crafted names, wrong authorities."""

from __future__ import annotations

import contextlib
import socket
import ssl
import warnings
from contextlib import closing
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from directory.access_rules import ANONYMOUS_SIZE_LIMIT, SYSTEM_SIZE_LIMIT
from directory.connection import ClientTls, open_session
from directory.entries import OrganisationEntry
from directory.errors import DirectoryRefused, DirectoryUnavailable
from directory.publishing import Publisher
from directory.server_tls import ServerTls
from directory.services import AccreditedSystemEntry, Approval
from directory.slapd import Slapd
from tests.support.slapd import ThrowAwayAuthority, free_port

PERSON = "uid=555000000017,ou=People,o=nhs"
BRANCHES = [
    "o=nhs",
    "ou=People,o=nhs",
    "ou=Organisations,o=nhs",
    "ou=Services,o=nhs",
    "ou=ReferenceData,o=nhs",
]
SECRET_TREES = ["cn=config", "cn=monitor"]
CONFIDENTIALITY_REQUIRED = 13
ASID = "200000000777"
NOW = datetime(2026, 6, 15, tzinfo=UTC)

UNIQUE_IDENTIFIER = x509.ObjectIdentifier("0.9.2342.19200300.100.1.44")
GID_NUMBER = x509.ObjectIdentifier("1.3.6.1.1.1.1.1")
UID_NUMBER = x509.ObjectIdentifier("1.3.6.1.1.1.1.0")


def subject(*parts: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in parts])


ORGANISATION = (NameOID.ORGANIZATION_NAME, "Spine RA Systems")
CRAFTED = {
    "a system that was never registered": subject(ORGANISATION, (NameOID.COMMON_NAME, "299999999999")),
    "a star": subject(ORGANISATION, (NameOID.COMMON_NAME, "*")),
    "a filter": subject(ORGANISATION, (NameOID.COMMON_NAME, "918999199203)(objectClass=*")),
    "an LDAP URL": subject(ORGANISATION, (NameOID.COMMON_NAME, "918999199203,ou=services,o=nhs??base?(a=*)")),
    "another organisation": subject(
        (NameOID.ORGANIZATION_NAME, "Others"), (NameOID.COMMON_NAME, "918999199203")
    ),
    "one more level": subject(
        ORGANISATION, (NameOID.ORGANIZATIONAL_UNIT_NAME, "x"), (NameOID.COMMON_NAME, "918999199203")
    ),
    "a second name": subject(
        ORGANISATION, (NameOID.COMMON_NAME, "918999199203"), (NameOID.COMMON_NAME, "918999199203")
    ),
    "the entry's own DN": subject(
        (NameOID.ORGANIZATION_NAME, "nhs"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "Services"),
        (UNIQUE_IDENTIFIER, "918999199203"),
    ),
    "the publisher": subject(
        (NameOID.COMMON_NAME, "auth"),
        (NameOID.COMMON_NAME, "external"),
        (NameOID.COMMON_NAME, "peercred"),
        (UID_NUMBER, "0"),
    ),
    "no name at all": subject(),
}


@pytest.fixture(scope="module", params=CRAFTED)
def crafted(request, served):
    name = f"crafted-{list(CRAFTED).index(request.param)}"
    return served.directory.client(served.directory.authority.client(CRAFTED[request.param], name))


def visible(served, tls, base, scope="sub"):
    return served.search(base, "(objectClass=*)", scope=scope, tls=tls).rdns


@pytest.mark.parametrize("base", [*BRANCHES, *SECRET_TREES, PERSON])
def test_a_certificate_that_is_no_standing_systems_reads_nothing(served, crafted, base):
    assert visible(served, crafted, base) == []


def test_a_certificate_that_is_no_standing_systems_writes_nothing(served, crafted):
    with pytest.raises((DirectoryRefused, DirectoryUnavailable)), served.session(crafted) as session:
        session.replace(PERSON, {"sn": ["Changed"]})


@pytest.mark.parametrize("base", [*SECRET_TREES, PERSON, "ou=People,o=nhs", "ou=Organisations,o=nhs"])
def test_anonymous_sees_no_people_organisations_or_configuration(served, base):
    assert visible(served, served.directory.anonymous(), base) == []


def test_anonymous_may_look_up_endpoints_but_not_who_approved_them(served):
    answer = served.search(
        "ou=Services,o=nhs", "(nhsMHSPartyKey=T99999-9999999)", tls=served.directory.anonymous()
    )
    (entry,) = answer.entries.values()
    assert entry["nhsMHSEndPoint"] == ["https://pcs.thirdparty.nhs.uk/T99999/STU3/1"]
    assert not {"nhsApproverURP", "nhsRequestorURP", "nhsDNSApprover"} & set(entry)


@pytest.mark.parametrize(
    "filter_text", ["(objectClass=nhsAs)", "(uniqueIdentifier=918999199203)", "(nhsIDCode=M85019)"]
)
def test_anonymous_learns_nothing_about_accredited_systems(served, filter_text):
    assert served.search("ou=Services,o=nhs", filter_text, tls=served.directory.anonymous()).rdns == []


def test_an_existing_and_a_missing_person_look_the_same_to_anonymous(served):
    answers = [
        served.tool("ldapcompare", f"uid={uid},ou=People,o=nhs", "sn:Osei", tls=served.directory.anonymous())
        for uid in ("555000000017", "555000000099")
    ]
    assert answers[0].status == answers[1].status == 32


@pytest.mark.parametrize("base", ["", "cn=subschema"])
def test_rootdse_and_subschema_are_open_to_all(served, base):
    answer = served.search(base, "(objectClass=*)", "+", scope="base", tls=served.directory.anonymous())
    assert answer.status == 0
    assert "structuralObjectClass: " in answer.said


def test_a_client_certificate_is_the_only_sasl_mechanism_offered(served):
    answer = served.search("", "(objectClass=*)", "supportedSASLMechanisms", scope="base")
    offered = [line.partition(": ")[2] for line in answer.said.splitlines() if "supportedSASL" in line]
    assert offered == ["EXTERNAL"]


def test_the_subschema_names_every_published_attribute(served):
    answer = served.search("cn=subschema", "(objectClass=*)", "attributeTypes", "objectClasses", scope="base")
    assert answer.said.count("( 1.2.826.0.1285.0.") == 130 + 22


def test_a_known_system_reads_people_roles_organisations_systems_and_codes(served):
    found = visible(served, served.system, "o=nhs")
    assert {"555000000017", "555000000033", "A81001", "200000000149", "R8003", "B0420"} <= set(found)


@pytest.mark.parametrize("base", SECRET_TREES)
def test_a_known_system_sees_no_configuration(served, base):
    assert visible(served, served.system, base) == []


@pytest.mark.parametrize(
    "write",
    [
        lambda session: session.replace(PERSON, {"spineAccess": ["A81001:B9999"]}),
        lambda session: session.replace(
            "uniqueIdentifier=918999199203,ou=Services,o=nhs", {"nhsAsClient": ["X"]}
        ),
        lambda session: session.replace("o=nhs", {"description": ["mine"]}),
        lambda session: session.delete(PERSON),
        lambda session: session.add(next(OrganisationEntry("Z99999", "MINE", "x", "x").records())),
        lambda session: session.replace("olcDatabase={1}mdb,cn=config", {"olcSizeLimit": ["unlimited"]}),
    ],
)
def test_no_system_writes(served, write):
    with served.session(served.system) as session, pytest.raises(DirectoryRefused) as refused:
        write(session)
    assert refused.value.result_code == CONFIDENTIALITY_REQUIRED


def test_no_system_acts_as_another(served):
    asked = served.tool("ldapwhoami", "-X", "dn:uniqueIdentifier=200000000149,ou=Services,o=nhs")
    assert asked.status != 0
    proxied = served.tool("ldapsearch", "-e", "!authzid=dn:cn=config", "-b", PERSON)
    assert proxied.status != 0


def test_a_certificate_of_another_authority_ends_the_handshake(served, tmp_path):
    other = ThrowAwayAuthority(tmp_path, "Other authority").system("918999199203")
    with pytest.raises(DirectoryUnavailable), served.session(served.directory.client(other)) as session:
        session.who_am_i()


def test_only_the_authority_of_systems_makes_systems(tmp_path):
    root = ThrowAwayAuthority(tmp_path, "Root")
    systems = ThrowAwayAuthority(tmp_path, "Systems", issuer=root)
    people = ThrowAwayAuthority(tmp_path, "People", issuer=root)
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(systems.file.read_bytes() + root.file.read_bytes())
    server = root.server()
    tls = ServerTls(server.certificate, server.key, trusted)
    card = people.client(subject((NameOID.ORGANIZATION_NAME, "nhs"), (NameOID.COMMON_NAME, ASID)), "card")
    # A client may send the whole chain, and then reaches the root: it connects, and is nobody.
    card.certificate.write_bytes(card.certificate.read_bytes() + people.file.read_bytes())
    system = systems.system(ASID)
    slapd = Slapd(tmp_path / "d", free_port(), tls)
    slapd.start()
    try:
        with closing(Publisher(slapd.ldapi_url, slapd.publishing_lock)) as publisher:
            publisher.publish(
                AccreditedSystemEntry(
                    ASID, "A81001", "A81001-7", ("urn:x",), Approval(NOW, NOW), reads=("endpoints",)
                )
            )
        assert seen_by(slapd, ClientTls(root.file, system.certificate, system.key)) == [ASID]
        assert seen_by(slapd, ClientTls(root.file, card.certificate, card.key)) == []
    finally:
        slapd.stop()


def seen_by(slapd: Slapd, tls: ClientTls) -> list[str]:
    """The accredited systems that a client sees; none when it is not even let in."""
    with contextlib.suppress(DirectoryUnavailable), open_session(slapd.ldaps_url, tls) as session:
        found = session.search("ou=Services,o=nhs", "(objectClass=nhsAs)")
        return [one.attributes["uniqueIdentifier"][0] for one in found]
    return []


def test_a_server_of_another_authority_is_not_talked_to(served, tmp_path):
    ours = served.directory.authority.system("918999199203")
    stranger = ThrowAwayAuthority(tmp_path, "Other authority").file
    with pytest.raises(DirectoryUnavailable):
        served.session(type(served.system)(stranger, ours.certificate, ours.key))


def test_passwords_are_refused_and_a_name_without_a_password_is_nobody(served):
    dn = "uniqueIdentifier=918999199203,ou=Services,o=nhs"
    plain = type(served.system)(served.system.authority)
    assert served.tool("ldapwhoami", "-D", dn, "-w", "secret", tls=plain).status == 49
    assert served.tool("ldapwhoami", "-D", dn, "-w", "", tls=plain).status != 0


def test_a_withdrawn_system_is_cut_off_on_its_open_connection(served):
    approval = Approval(NOW, NOW)
    served.publisher.publish(
        AccreditedSystemEntry(
            "200000000777", "A81001", "A81001-7", ("urn:x",), approval, reads=("endpoints", "people")
        )
    )
    with served.session(served.directory.system("200000000777")) as session:
        assert session.search(PERSON)
        served.publisher.remove_system("200000000777")
        assert session.search(PERSON) == []
        assert session.search("ou=Services,o=nhs") == []
    assert visible(served, served.directory.system("200000000777"), PERSON) == []


def test_whole_branches_are_refused_to_systems_and_look_ups_bounded_for_anonymous(fresh, samples):
    many = [OrganisationEntry(f"X{n:05d}", f"SURGERY {n}", "x", "x") for n in range(SYSTEM_SIZE_LIMIT + 1)]
    fresh.publisher.publish(*samples(), *many)
    answer = fresh.search("ou=Organisations,o=nhs", "(objectClass=*)")
    assert answer.status == 4  # sizeLimitExceeded
    assert fresh.search("o=nhs", "(objectClass=*)").status == 4
    paged = fresh.tool(
        "ldapsearch", "-E", "pr=100/noprompt", "-b", "ou=Organisations,o=nhs", "(objectClass=*)"
    )
    assert paged.status == 4
    assert ANONYMOUS_SIZE_LIMIT < SYSTEM_SIZE_LIMIT


def test_old_tls_versions_are_refused(served):
    context = ssl.create_default_context(cafile=str(served.system.authority))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    port = int(served.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain, server_hostname="localhost")
