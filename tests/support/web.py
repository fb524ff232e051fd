"""The web application for tests: real pages, use cases and database; a certificate authority in memory.

``site`` is the founded office with its pages. ``site.browser(uid)`` is a browser in which that person is
signed in, by a session put where sign-in puts it; it checks each page shown (``tests.support.web_pages``).
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import TestResponse

from app.bootstrap.loads import carrying_loads, loading_organisations
from app.bootstrap.stock import printing_cards, stock_abilities
from app.bootstrap.systems import system_abilities
from app.ca.refusals import CertificateUnknown
from app.domain.card import CardStatus
from app.domain.certificate import CertificateStatus
from app.domain.organisation_load import LoadKind
from app.domain.person import PersonStatus
from app.domain.receipt_verification import PublicMaterial
from app.domain.renewal import RenewalRules
from app.domain.stock import DESK
from app.fhir.api_keys import ApiKeys, digest_of
from app.ra.agreeing_to_last_tries import AgreeingToLastTries
from app.ra.auditing import Auditing
from app.ra.closing_organisations import ClosingOrganisations
from app.ra.delivering_cards import SerialList
from app.ra.forecasting import Forecasting
from app.ra.limiting import Limiting
from app.ra.loading_organisations import HandedIn
from app.ra.looking_up import LookingUpOrganisations, LookingUpRoles
from app.ra.operating import Operating
from app.ra.organisation_scope import OrganisationScope
from app.ra.reading_receipts import ReadingReceipts
from app.ra.renewals import RenewalAbilities
from app.ra.reporting_workstations import ReportingWorkstations
from app.services import Services, SignatureService
from app.settings import Settings, load
from app.signin.browser_sessions import BrowserSessions
from app.signin.opaque_value import hash_of, new_value
from app.signin.staff import CardHolder
from app.signin.steps import SignInSteps
from app.storage.database import Database
from app.web.application import create_app
from tests.support.registration_authority import POLICY, PRACTICE, RA, Office, another
from tests.support.signed_prescriptions import Office as SigningOffice
from tests.support.web_pages import Page, header_faults

COOKIE = "__Host-spine-ra"
ORIGIN = "https://localhost:8443"
API_KEY = "a key that a system was given"
API_KEYS = ApiKeys({digest_of(API_KEY): "A system"})


class NoReceipts:
    """A certificate authority that keeps no receipts: they are tested with a real one."""

    def receipt(self, serial_number: str) -> bytes:
        raise CertificateUnknown("There is no receipt of a certificate with this serial number.")


def no_public_files() -> PublicMaterial:
    raise AssertionError("nothing is verified without a receipt")


@dataclass
class Browser:
    """A browser that checks what it is shown."""

    client: FlaskClient
    page: Page | None = None

    def get(self, address: str, expect: int = 200) -> Page:
        """Open a page."""
        return self._shown(self.client.get(address, base_url=ORIGIN), expect)

    def send(self, action: str, expect: int = 303, **fields: object) -> TestResponse:
        """Fill in the form of the page that goes to ``action``, and send it; ``__`` in a name is a dot."""
        assert self.page is not None
        filled: MultiDict[str, object] = MultiDict(self.page.form_to(action).fields)
        for name, value in fields.items():
            filled.setlist(name.replace("__", "."), value if isinstance(value, list) else [value])
        return self.post(action, filled, expect)

    def way_to_the_desk(self) -> tuple[str, str]:
        """On the page that goes on to the card agent: where it goes, and the page of the issuance."""
        assert self.page is not None
        desk = next(link for link in self.page.links if link.startswith("http://127.0.0.1:24727/job?"))
        return desk, next(link for link in self.page.links if link.startswith("/issuances/"))

    def post(
        self, action: str, fields: MultiDict[str, object] | dict[str, object], expect: int
    ) -> TestResponse:
        """Send a form as it is given, with no value added."""
        response = self.client.post(action, data=fields, base_url=ORIGIN)
        assert response.status_code == expect, response.get_data(as_text=True)[:3000]
        if response.status_code != 303 and response.mimetype == "text/html":
            self._shown(response, expect)
        return response

    def _shown(self, response: TestResponse, expect: int) -> Page:
        assert response.status_code == expect, response.get_data(as_text=True)[:3000]
        assert header_faults(dict(response.headers)) == []
        self.page = Page(response.get_data(as_text=True))
        assert self.page.faults == []
        return self.page


@dataclass
class Site:
    """The office and its pages."""

    office: Office
    app: Flask
    services: Services
    clinician_position: str
    people: dict[str, str] = field(default_factory=dict)

    def browser(self, uid: str | None = None) -> Browser:
        """A new browser, with this person signed in; with nobody when None."""
        client = self.app.test_client()
        if uid is not None:
            client.set_cookie(COOKIE, self.session_key(uid), domain="localhost", secure=True)
        return Browser(client)

    def as_role(self, role: str) -> Browser:
        """A browser of the person with this role (``ROLES``, ``manager`` or ``sponsor``)."""
        return self.browser(self.uid_of(role))

    def uid_of(self, role: str) -> str:
        """The person with this role, registered and given the position when first asked for."""
        if role not in self.people:
            job_role, *activities = ROLES[role]
            position = self.office.position(f"Position of {role}", job_role, *activities)
            self.people[role] = self.office.person(another(100 + len(self.people)), position).uid
        return self.people[role]

    def load_of(self, *codes: str, content: bytes | None = None) -> str:
        """A file handed in by the manager: practices with these codes, or this content."""
        records = [practice_record(code) for code in codes]
        stream = io.BytesIO(content if content is not None else json.dumps(records).encode())
        handed_in = HandedIn("practices.json", LoadKind.DELTA, "", stream, 10_000_000)
        return self.services.loads.hand_in(self.office.manager, handed_in)

    def carry(self) -> None:
        """Do what the worker does with loads that wait."""
        carrying = carrying_loads(self.office.ra.database)
        while carrying.carry_next() is not None:
            pass

    def previewed_delivery(self, rows: str = "90000001,softhsm,\n", place: str = DESK) -> str:
        """A delivery of cards that waits to be decided; its id."""
        content = f"serial,card_profile,back_number\n{rows}".encode()
        handed_in = SerialList("box.csv", content, "Idemia", place)
        return self.services.stock.delivering.hand_in(self.office.manager, handed_in)

    def previewed_load(self, *codes: str) -> str:
        """A load whose preview is made."""
        load_id = self.load_of(*(codes or ("A81001",)))
        self.carry()
        return load_id

    def closing(self) -> str:
        """The practice closes while a clinician works there; the id of the task."""
        self.office.person(another(99), self.clinician_position)
        record = practice_record(PRACTICE, closed_on="2026-03-31")
        load_id = self.load_of(content=json.dumps(record).encode())
        self.carry()
        self.services.loads.apply(self.office.manager, load_id)
        self.carry()
        return self.services.closings.waiting(self.office.manager)[0].closing.id

    def session_key(self, uid: str) -> str:
        """The cookie of a new session in which this person is signed in, in their newest role."""
        key = new_value()
        actor = self.office.ra.actor(uid)
        with self.office.ra.database.change() as work:
            session_id = work.sessions.sign_in(
                hash_of(new_value()),
                hash_of(key),
                _holder(uid, actor.name),
                datetime.now(UTC) + timedelta(hours=8),
            )
            work.sessions.settle_terms(session_id)
            work.sessions.settle_role(session_id, actor.role_profile_id)
            work.sessions.save(hash_of(key), {"_user_id": session_id})
        return key


def practice_record(code: str, closed_on: str = "") -> dict[str, object]:
    """A practice under 15N as ODS's service tells it; closed since that day."""
    dates = {"Type": "Operational", "Start": "2001-04-01"}
    under = {"id": "RE4", "Status": "Active", "Date": [dates], "Target": {"OrgId": {"extension": RA}}}
    return {
        "OrgId": {"extension": code},
        "Name": f"PRACTICE {code}",
        "Status": "Inactive" if closed_on else "Active",
        "Date": [dates | ({"End": closed_on} if closed_on else {})],
        "Roles": {"Role": [{"id": "RO177", "primaryRole": True}, {"id": "RO76"}]},
        "Rels": {"Rel": [under]},
    }


#: Job role and activities of the people that the permission table speaks of.
ROLES = {
    "agent": ("R5090", "B0274"),
    "advanced agent": ("R5090", "B0272"),
    "ID checker": ("R8010", "B0267"),
    "clinician": ("R8000", "B0420"),
}


def _holder(uid: str, name: str) -> CardHolder:
    return CardHolder(
        b"", CertificateStatus.ACTIVE, "0" * 8, CardStatus.ACTIVE, uid, name, PersonStatus.ACTIVE
    )


def settings_for(folder: Path) -> Settings:
    """Settings whose files lie in this folder."""
    settings = load(None, base=folder)
    key = folder / "web.key"
    key.write_bytes(b"k" * 32)
    return replace(settings, web=replace(settings.web, secret_key_file=key))


def services_of(office: Office) -> Services:
    """The use cases that pages call; sign-in and OpenID have tests of their own."""
    ra = office.ra
    return cast(
        "Services",
        SimpleNamespace(
            finding=ra.finding,
            registering=ra.registering,
            positions=ra.positions,
            requesting=ra.requesting,
            deciding=ra.deciding,
            withdrawing=ra.withdrawing,
            issuing=ra.issuing,
            desk_jobs=ra.desk_jobs,
            collecting_jobs=ra.collecting_jobs,
            last_tries=AgreeingToLastTries(ra.database, ORIGIN),
            workstations=ReportingWorkstations(ra.database),
            following_jobs=ra.following_jobs,
            unlocks=ra.unlocks,
            card_moves=ra.card_moves,
            renewals=RenewalAbilities(
                ra.renewing,
                ra.renewing_at_desk,
                Forecasting(ra.database, RenewalRules()),
                ra.repairing,
                ra.names,
            ),
            clearing=ra.clearing,
            batching=ra.batching,
            systems=system_abilities(ra.database, OrganisationScope()),
            auditing=Auditing(ra.database),
            receipts=ReadingReceipts(ra.database, NoReceipts(), no_public_files),
            stock=stock_abilities(ra.database),
            printing=printing_cards(ra.database),
            operating=Operating(ra.database, ra.certificate_authority),
            limiting=Limiting(ra.database),
            loads=loading_organisations(ra.database),
            closings=ClosingOrganisations(ra.database, OrganisationScope()),
            sessions=BrowserSessions(ra.database, POLICY),
            sign_in=SimpleNamespace(steps=SignInSteps(ra.database)),
            signatures=SignatureService(SigningOffice().verifying, API_KEYS, 10),
            **lookups(ra.database),
        ),
    )


def lookups(database: Database) -> dict[str, object]:
    """Organisations and national roles."""
    return {"organisations": LookingUpOrganisations(database), "reference": LookingUpRoles(database)}


@pytest.fixture
def database(sqlite_database: Database) -> Database:
    """Pages are tested on SQLite; what differs between databases is tested below them."""
    return sqlite_database


@pytest.fixture
def site(office: Office, tmp_path: Path) -> Site:
    """The founded office with its pages."""
    services = services_of(office)
    app = create_app(settings_for(tmp_path), services)
    position = office.position("General practitioner", "R8000", "B0420", at=PRACTICE)
    return Site(
        office, app, services, position, {"manager": office.manager.uid, "sponsor": office.sponsor.uid}
    )


def uploaded(data: bytes, name: str = "photo.jpg") -> FileStorage:
    """A file as a form sends it."""
    return FileStorage(io.BytesIO(data), filename=name, content_type="image/jpeg")
