"""The systems of each national service: registered by two people, and found with that service's own filters.

The filters are lines of ``data/queries.jsonl``, as real clients send them: letter case, spaces and all. Each
is asked with ldapsearch of a real slapd, which the worker fills from the outbox.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from app.adapters.directory_publishing import DirectoryPublishing
from app.adapters.host_names import ResolvedHostNames
from app.data import shipped
from app.domain.organisation import Organisation, OrganisationStatus
from app.domain.system_details import Endpoint, SystemDetails
from app.ra.deciding_systems import DecidingSystems
from app.ra.looking_up_systems import LookingUpSystems
from app.ra.organisation_scope import OrganisationScope
from app.ra.requesting_systems import RequestingSystems
from app.ra.system_records import SystemRecord
from app.storage.database import Database
from app.storage.tables import metadata
from app.worker import Lane, Worker
from directory.publishing import Publisher
from tests.fakes.certificate_authority import InMemoryCertificateAuthority
from tests.integration.directory.conftest import Answer, Served
from tests.support.killing import wait_until
from tests.support.registration_authority import (
    PRACTICE,
    RA,
    Office,
    RegistrationAuthority,
    add_reference_data,
    founded,
)
from tests.support.slapd import running_slapd

DATA = Path(__file__).parent / "data" / "queries.jsonl"
QUERIES = [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()]
_URN = "urn:nhs:names:services:"
_RELIABLE = {
    "retries": "2",
    "retry_interval": "PT1M",
    "persist_duration": "PT5M",
    "duplicate_elimination": "always",
    "ack_requested": "always",
    "sync_reply_mode": "None",
    "actor": "urn:oasis:names:tc:ebxml-msg:actor:nextMSH",
}


def _system(organisation: str, product: str, *interactions: str, endpoint: str = "") -> SystemDetails:
    reached = ()
    if endpoint:
        url = f"https://mhs.{organisation.lower()}.example/reliable"
        reached = (Endpoint(f"{_URN}{endpoint}", "EBXML", url, _RELIABLE),)
    ids = tuple(f"{_URN}{each}" for each in interactions)
    return SystemDetails(organisation, product, "1.0", product, ids, "YGM01", reached)


SERVICES = {
    "prescriptions": _system(
        *(PRACTICE, "Prescriptions", "mm:PORX_IN020101UK31", "mm:PORX_IN030101UK32"),
        endpoint="mm:MCCI_IN010000UK13",
    ),
    "summary care record": _system(
        "RH8", "Summary care record", "psisquery:QUPC_IN180000UK04", "psisquery:QUPC_IN190000UK04"
    ),
    "referrals": _system("RH8", "Referrals", "ers:READ_PRACTITIONER_ROLE_R4_V001"),
    "demographics": _system(
        *("YEA", "Demographics", "pdsquery:QUPA_IN000008UK02", "pds:PRPA_IN000203UK03"),
        endpoint="pds:PRPA_IN000203UK03",
    ),
    "batch tracing": _system(RA, "Batch tracing", "dbs:DBS_SEND_FILE_UK01", "dbs:DBS_GETFILELIST_INUK01"),
    "GP2GP": _system(
        *("M85019", "GP2GP", "gp2gp:RCMR_IN010000UK05", "gp2gp:RCMR_IN030000UK06"),
        endpoint="gp2gp:RCMR_IN010000UK05",
    ),
}
#: For each service the lines of the file by which its clients find the system, and its endpoint.
SYSTEM_LOOK_UPS = {
    "prescriptions": (36, 6, 18),
    "summary care record": (9, 13, 36),
    "referrals": (2, 36, 20),
    "demographics": (32, 33, 34),
    "batch tracing": (9, 13, 36),
    "GP2GP": (22, 9, 36),
}
ENDPOINT_LOOK_UPS = {"prescriptions": (4, 5, 7, 8), "demographics": (35, 37), "GP2GP": (4, 14, 53)}


@dataclass(frozen=True)
class National:
    """The office, its directory, and the registered systems by service."""

    office: Office
    served: Served
    asking: RequestingSystems
    deciding: DecidingSystems
    looking: LookingUpSystems
    asids: dict[str, str]

    def record(self, service: str) -> SystemRecord:
        return self.looking.system(self.office.manager, self.asids[service])

    def ask(self, line: int, service: str, interaction: str) -> Answer:
        """Send a line of the file as the system of that service."""
        query, record = QUERIES[line], self.record(service)
        values = {
            "ods": record.system.organisation_code,
            "partyKey": record.system.party_key,
            "asid": record.system.asid,
            "interaction": interaction,
            "yyyymmddhhmmss": f"{record.system.approval.approved_at:%Y%m%d%H%M%S}",
            "LoginDN": "ou=Services,o=nhs",
        }
        base, filter_text = query["base"], query["filter"]
        for name, value in values.items():
            base, filter_text = (text.replace(f"{{{name}}}", value) for text in (base, filter_text))
        assert "{" not in base + filter_text
        tls = self.served.directory.system(record.system.asid)
        return self.served.search(base, filter_text, *(query["attrs"] or ()), scope=query["scope"], tls=tls)


@pytest.fixture(scope="module")
def national(tmp_path_factory: pytest.TempPathFactory) -> Iterator[National]:
    """Every service's system registered and approved, and a worker that publishes meanwhile."""
    folder = tmp_path_factory.mktemp("n")
    with (
        closing(Database(f"sqlite:///{folder / 'spine.db'}")) as database,
        running_slapd(folder) as directory,
        closing(Publisher(directory.slapd.ldapi_url, directory.slapd.publishing_lock)) as publisher,
    ):
        metadata.create_all(database.engine)
        add_reference_data(database)
        with database.change() as work:
            work.organisations.save(
                list(map(_organisation, ("RH8", "YEA", "M85019"))), work.now, lambda _: None
            )
        office = founded(RegistrationAuthority(database, InMemoryCertificateAuthority()))
        with _publishing(database, publisher):
            yield _registered(office, Served(directory, publisher))


def _organisation(code: str) -> Organisation:
    return Organisation(
        *(code, f"ORGANISATION {code}", "NHS trust", "TR", OrganisationStatus.ACTIVE),
        *(("", "", "", "", ""), "", ""),
        *(date(1990, 4, 1), None, RA, None, date(2013, 4, 1), None, "", "", "", "test"),
    )


class _publishing:  # used as a block only
    """A worker in a thread, as the worker program runs it."""

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._stop = threading.Event()
        lane = Lane(database, DirectoryPublishing(database, publisher), (), "directory")
        self._thread = threading.Thread(target=Worker(lane).run, args=(self._stop,))

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)


def _registered(office: Office, served: Served) -> National:
    database, scope, interactions = office.ra.database, OrganisationScope(), shipped.interactions()
    asking = RequestingSystems(database, scope, interactions)
    deciding = DecidingSystems(database, scope, interactions, ResolvedHostNames())
    asids = {}
    for service, details in SERVICES.items():
        request = asking.register(office.sponsor, details, f"The practice uses {service}")
        deciding.check_host_names(office.manager, request)
        asids[service] = deciding.approve(office.manager, request, "")
    national = National(office, served, asking, deciding, LookingUpSystems(database, scope), asids)
    _wait_for(national, asids.values(), are_there=True)
    return national


def _wait_for(national: National, identifiers, *, are_there: bool) -> None:
    with national.served.session() as session:
        for each in identifiers:
            dn = f"uniqueIdentifier={each},ou=Services,o=nhs"
            wait_until(lambda dn=dn: _is_there(session, dn) is are_there, f"{dn}: {are_there}")


def _is_there(session, dn) -> bool:
    return bool(session.search(dn, scope="BASE", attributes=("uniqueIdentifier",)))


@pytest.mark.parametrize(
    ("service", "line"), [(service, line) for service, lines in SYSTEM_LOOK_UPS.items() for line in lines]
)
def test_the_system_is_found_as_the_services_clients_look_for_it(national, service, line):
    record = national.record(service)
    answer = national.ask(line, service, record.system.interactions[0])
    assert (answer.status, answer.rdns) == (0, [record.system.asid]), answer.said


@pytest.mark.parametrize(
    ("service", "line"), [(service, line) for service, lines in ENDPOINT_LOOK_UPS.items() for line in lines]
)
def test_the_endpoint_is_found_as_the_services_clients_look_for_it(national, service, line):
    (endpoint,) = national.record(service).endpoints
    answer = national.ask(line, service, endpoint.interaction)
    assert (answer.status, answer.rdns) == (0, [endpoint.id]), answer.said


def test_who_asked_who_approved_and_who_checked_the_name_stand_in_the_entry(national):
    system, (endpoint,) = national.record("GP2GP").system, national.record("GP2GP").endpoints
    entry = f"uniqueIdentifier={endpoint.id},ou=Services,o=nhs"
    tls = national.served.directory.system(system.asid)
    found = national.served.search(entry, "(objectClass=nhsMhs)", tls=tls).entries[entry]
    sponsor, manager = national.office.sponsor, national.office.manager
    for attribute, actor in (
        ("nhsRequestorURP", sponsor),
        ("nhsApproverURP", manager),
        ("nhsDNSApprover", manager),
    ):
        (value,) = found[attribute]
        assert value.startswith(f"uniqueIdentifier={actor.role_profile_id},uniqueIdentifier=")
        assert value.endswith(f",uid={actor.uid},ou=People,o=nhs")
    assert endpoint.dns is not None
    assert found["nhsDateDNSApproved"] == [f"{endpoint.dns.approved_at:%Y%m%d%H%M%S}"]
    assert found["nhsMHSEndPoint"] == ["https://mhs.m85019.example/reliable"]
    assert found["nhsMHSRetries"] == ["2"]


def test_a_suspended_system_is_nobody_until_two_people_let_it_go_on(national):
    record = national.record("referrals")
    asid, tls = record.system.asid, national.served.directory.system(record.system.asid)
    mine = ("ou=Services,o=nhs", f"(uniqueIdentifier={asid})")
    national.asking.suspend(national.office.sponsor, asid, "Its supplier was broken into")
    _wait_for(national, [asid], are_there=False)
    assert national.served.search(*mine, tls=tls).entries == {}
    other = national.ask(36, "summary care record", record.system.interactions[0])
    assert other.entries == {}
    request = national.asking.resume(national.office.sponsor, asid, "Mended")
    national.deciding.approve(national.office.manager, request, "")
    _wait_for(national, [asid], are_there=True)
    assert national.served.search(*mine, tls=tls).rdns == [asid]
    assert national.ask(36, "referrals", record.system.interactions[0]).rdns == [asid]
