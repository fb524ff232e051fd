"""A real slapd with a few of everything in it, shared by the tests of one file; and the OpenLDAP tools."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from directory.connection import ClientTls, Session, open_session
from directory.entries import Entry, OrganisationEntry
from directory.people import OrgPersonEntry, PersonEntry, RoleEntry
from directory.publishing import Publisher
from directory.reference_data import (
    ActivityEntry,
    AreaOfWorkEntry,
    BaselineEntry,
    CodeInList,
    JobRoleEntry,
    OrganisationTypeEntry,
    WorkGroupEntry,
    WorkGroupTypeEntry,
)
from directory.services import AccreditedSystemEntry, Approval, MessageHandlingSystemEntry
from tests.support.slapd import TestDirectory, running_slapd

UID = "555000000017"
ASKING_SYSTEM = "918999199203"
APPROVED = Approval(datetime(2018, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2018, 2, 3, 4, 5, 6, tzinfo=UTC))
EVERYTHING = ("endpoints", "people", "professional-numbers")
GPC = "urn:nhs:names:services:gpconnect"
METADATA = f"{GPC}:fhir:rest:read:metadata-1"
STRUCTURED = f"{GPC}:structured:fhir:rest:read:metadata-1"


def organisations() -> list[OrganisationEntry]:
    """Practices and others, among them those that real queries name."""
    practice = ("GP Practice", "PR")
    return [
        OrganisationEntry(
            *("A81001", "THE DENSHAM SURGERY", *practice),
            address=("THE HEALTH CENTRE", "", "LAWSON STREET"),
            town="STOCKTON-ON-TEES",
            postcode="TS18 1HU",
            commissioner_code="00K",
            opened_on=date(1974, 4, 1),
        ),
        OrganisationEntry(
            *("A81001001", "DENSHAM BRANCH SURGERY", "GP Practice Site", "PS"),
            is_site=True,
            site_of="A81001",
            parent_code="A81001",
        ),
        OrganisationEntry("A20047", "DR LEGG'S SURGERY", *practice, commissioner_code="00K"),
        OrganisationEntry("T99999", "TEST PRACTICE", *practice, commissioner_code="00K"),
        OrganisationEntry(
            "T1431", "NHS SECURITY MANAGEMENT", "Special Health Authority", "SH", postcode="E14 5EA"
        ),
    ]


def person(**changes: Any) -> PersonEntry:
    """A prescriber at A81001."""
    role = RoleEntry(
        "555000000033",
        "S8000:G8000:R8003",
        '"Clinical":"Clinical Provision":"Health Professional Access Role"',
        "R8003 Health Professional Access Role",
        activities=(("B0420", "Prepare a prescription"), ("B0572", "Manage records")),
        workgroups=(("555000000041", "DAY SHIFT"),),
        resolved_activities=("B0420", "B0278", "B0572", "B0570"),
        opened_on=date(2024, 1, 1),
    )
    place = OrgPersonEntry("555000000025", "A81001", "THE DENSHAM SURGERY", date(2024, 1, 1), None, (role,))
    entry = PersonEntry(
        *(UID, "Osei Amara Dr", "Osei", date(2026, 6, 15)),
        given_name="Amara",
        title="Dr",
        professional_numbers={"nhsGMC": "7654321"},
        org_persons=(place,),
    )
    return dataclasses.replace(entry, **changes)


def systems() -> list[Entry]:
    """Systems that real queries name, and the one that asks."""

    def accredited(asid: str, code: str, party: str, *interactions: str) -> AccreditedSystemEntry:
        rights = EVERYTHING if asid == ASKING_SYSTEM else ("endpoints",)
        return AccreditedSystemEntry(
            asid, code, party, interactions, APPROVED, manufacturer_code="YGM01", reads=rights
        )

    def handling(
        identity: str, code: str, party: str, interaction: str, url: str
    ) -> MessageHandlingSystemEntry:
        host = url.split("/")[2]
        return MessageHandlingSystemEntry(
            identity, code, party, interaction, url, host, APPROVED, retries="2"
        )

    pds = (
        "urn:nhs:names:services:pdsquery:QUPA_IN000008UK02",
        "urn:nhs:names:services:pds:PRPA_IN000203UK03",
    )
    slot = f"{GPC}:fhir:rest:search:slot-1"
    migrants = "urn:nhs:names:services:visitorsandmigrants:fhir:rest:search:observation:1"
    return [
        accredited(ASKING_SYSTEM, "A91342", "A91342-9199203", METADATA, STRUCTURED),
        accredited("200000000149", "M85019", "M85019-1", "urn:nhs:names:services:gp2gp:RCMR_IN010000UK05"),
        accredited("999999999999", "T99999", "T99999-9999999", slot),
        accredited("200000000222", "YEA", "YEA-0000806", *pds),
        handling(
            *("472b35d4641b76454b13", "T99999", "T99999-9999999"),
            f"{GPC}:fhir:operation:gpc.getcarerecord",
            "https://pcs.thirdparty.nhs.uk/T99999/STU3/1",
        ),
        handling("S20001A000182", "YES", "YES-0000806", migrants, "https://migrants.example/fhir"),
        handling("S20001A000183", "YEA", "YEA-0000806", pds[1], "https://pds.example/sync"),
        handling("S20001A000184", "A91342", "A91342-9199203", METADATA, "https://meta.example/fhir"),
        handling("S20001A000185", "A91342", "A91342-9199203", STRUCTURED, "https://meta.example/structured"),
        handling(
            *("S20001A000186", "A12345", "A12345-1234567"),
            f"{GPC}:fhir:rest:create:appointment",
            "https://appointments.example/fhir",
        ),
        handling(
            *("S20001A000187", "A91342", "A91342-9199203"),
            "urn:nhs:names:services:careconnect:fhir:rest:read:slot",
            "https://meta.example/slot",
        ),
    ]


def everything() -> list[Entry]:
    """One of each kind, and more."""
    since = date(2020, 1, 1)
    codes = [JobRoleEntry("R8003", "Health Professional Access Role", "current", since)]
    activities = [ActivityEntry("B0420", "Prepare a prescription", "current", since)]
    pathology = (CodeInList("P0020", "Pathology"), CodeInList("Q0300", "Pathology"))
    role = '"Clinical":"Clinical Provision":"Health Professional Access Role"'
    lists = [
        AreaOfWorkEntry((*pathology, CodeInList("T0640", "Phlebotomy")), "current", since),
        BaselineEntry("R8003", "S8000:G8000:R8003", role, ("B0278", "B0570"), since),
        WorkGroupEntry("A81001", "DAY SHIFT"),
        WorkGroupTypeEntry(),
        OrganisationTypeEntry("PR", "GP Practice"),
    ]
    return [*organisations(), *systems(), person(), *codes, *activities, *lists]


@dataclass(frozen=True)
class Answer:
    """What an OpenLDAP tool said: exit status (the LDAP result code) and the entries, by DN."""

    status: int
    entries: dict[str, dict[str, list[str]]]
    said: str

    @property
    def rdns(self) -> list[str]:
        """The value of each entry's RDN, in the order they came."""
        return [dn.split(",", 1)[0].split("=", 1)[1] for dn in self.entries]


@dataclass(frozen=True)
class Served:
    """A running directory with content, and ways to ask it."""

    directory: TestDirectory
    publisher: Publisher
    made: dict[str, ClientTls] = field(default_factory=dict)

    @property
    def slapd(self):
        """The private slapd."""
        return self.directory.slapd

    @property
    def system(self) -> ClientTls:
        """The known system that asks."""
        return self.made.setdefault("system", self.directory.system(ASKING_SYSTEM))

    @property
    def url(self) -> str:
        """LDAPS by name: libldap checks the name in the certificate."""
        return self.slapd.ldaps_url.replace("127.0.0.1", "localhost")

    def session(self, tls: ClientTls | None = None) -> Session:
        """A session as that system, or as the publisher."""
        return open_session(self.slapd.ldaps_url if tls else self.slapd.ldapi_url, tls)

    def kill(self) -> None:
        """End slapd as a crash would, and wait for it to be gone."""
        os.kill(self.slapd.pid, signal.SIGKILL)
        self.slapd.wait()

    def tool(self, command: str, *arguments: str, tls: ClientTls | None = None) -> Answer:
        """Run ldapsearch or another tool over LDAPS, with SASL EXTERNAL when there is a certificate."""
        tls = tls or self.system
        identity = ["-Y", "EXTERNAL", "-Q"] if tls.certificate else ["-x"]
        environment = {"PATH": os.environ["PATH"], "LDAPTLS_CACERT": str(tls.authority)}
        if tls.certificate:
            environment |= {"LDAPTLS_CERT": str(tls.certificate), "LDAPTLS_KEY": str(tls.key)}
        done = subprocess.run(
            [command, "-H", self.url, *identity, *arguments],
            capture_output=True,
            text=True,
            env=environment,
            timeout=60,
            check=False,
        )
        return Answer(done.returncode, _entries(done.stdout), done.stdout + done.stderr)

    def search(self, base: str, filter_text: str, *attributes: str, scope="sub", tls=None) -> Answer:
        """Run ldapsearch."""
        wanted = ("-LLL", "-o", "ldif-wrap=no", "-b", base, "-s", scope, filter_text, *attributes)
        return self.tool("ldapsearch", *wanted, tls=tls)


def _entries(text: str) -> dict[str, dict[str, list[str]]]:
    entries = {}
    for block in text.split("\n\n"):
        pairs = [line.partition(": ")[::2] for line in block.splitlines() if ": " in line]
        if pairs and pairs[0][0].startswith("dn"):
            attributes = entries.setdefault(pairs[0][1], {})
            for name, value in pairs[1:]:
                attributes.setdefault(name.rstrip(":"), []).append(value)
    return entries


@pytest.fixture(scope="session")
def samples() -> Callable[[], list[Entry]]:
    """Everything that the served directory holds, made anew."""
    return everything


@pytest.fixture(scope="session")
def make_person() -> Callable[..., PersonEntry]:
    """Makes the person, with changes."""
    return person


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A directory with content, for tests that only read it or put back what they change."""
    with (
        running_slapd(tmp_path_factory.mktemp("s")) as directory,
        closing(_publisher(directory)) as publisher,
    ):
        publisher.publish(*everything())
        yield Served(directory, publisher)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Served]:
    """An empty directory of the test's own."""
    with running_slapd(tmp_path) as directory, closing(_publisher(directory)) as publisher:
        yield Served(directory, publisher)


def _publisher(directory: TestDirectory) -> Publisher:
    return Publisher(directory.slapd.ldapi_url, directory.slapd.publishing_lock)
