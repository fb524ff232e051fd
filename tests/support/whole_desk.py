"""A desk with nothing left out: the real authority, the desk API over TLS, the real agent, PC/SC readers.

Cards of one kind lie in the readers. Only beginning a job, which people do on a page, is done by the test.
"""

from __future__ import annotations

import base64
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from cryptography import x509
from sqlalchemy import update
from werkzeug.serving import make_server

from app.domain.actor import Actor
from app.domain.certificate import CertificateStatus
from app.domain.renewal import RenewalRules
from app.ra.expiring import Expiring
from app.ra.issuing import FOUNDING
from app.settings import Settings
from app.signin.signature import NonceHashes, require_signed
from app.signin.token import token_from_untrusted
from app.storage.ca.tables import certificate as ledger_certificate
from app.storage.database import Database
from app.storage.tables.cards import certificate
from app.web.application import create_app
from card_agent.driver import Driver
from tests.support import registration_authority
from tests.support.certificates import authority_in_a_thread
from tests.support.desk_job_site import MemoryAuthority
from tests.support.registration_authority import (
    FOUNDING_FILE,
    FOUNDING_PHOTOS,
    DeskCard,
    Office,
    RegistrationAuthority,
    add_reference_data,
    another,
)
from tests.support.web import services_of, settings_for

FOUNDERS_PIN = "83501947"


@dataclass
class Holder:
    """Somebody with a card in the drawer."""

    actor: Actor
    serial: str
    pin: str


@dataclass
class WholeDesk:
    """The office, its site, and a person at the agent."""

    office: Office
    origin: str
    ca_database: Database
    person: Driver
    founder: Holder | None = None
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(100, 1000)))

    def employ(self, position_id: str, pin: str) -> Holder:
        """Register somebody, give them the position, and issue them a card at this desk."""
        uid = self.office.person(another(next(self.numbers)), position_id).uid
        return Holder(self.office.ra.actor(uid), self.issue(uid, pin), pin)

    def issue(self, uid: str, pin: str, serial: str | None = None) -> str:
        """Issue a blank card, or this one, with the founding manager's card; the card's serial."""
        issuing, manager = self.office.ra.issuing, self.office.manager
        return self._issue(issuing.ticket(manager, issuing.begin(manager, uid)), pin, self.founder, serial)

    def found(self) -> None:
        """Hold the founding ceremony, and issue both founders their cards, which nobody approves."""
        ra = self.office.ra
        for founder in ra.founding.hold(FOUNDING_FILE, FOUNDING_PHOTOS):
            serial = self._issue(ra.issuing.ticket(FOUNDING, founder.issuance_id), FOUNDERS_PIN)
            holder = Holder(ra.actor(founder.person.uid), serial, FOUNDERS_PIN)
            if self.founder is None:
                self.founder, self.office.manager = holder, holder.actor
            else:
                self.office.sponsor = holder.actor

    def _issue(self, ticket: str, pin: str, operator: Holder | None = None, serial: str | None = None) -> str:
        self.put(operator, None)
        if serial is None:
            serial = self.person.take_blank("right")
        else:
            self.person.insert("right", serial)
        list(self.person.issue(self._hop(ticket), operator.pin if operator else "", pin))
        return serial

    def put(self, left: Holder | None, right: Holder | None) -> None:
        """Lay these cards, and no others, in the readers."""
        self.empty()
        for reader, holder in (("left", left), ("right", right)):
            if holder is not None:
                self.person.insert(reader, holder.serial)

    def empty(self) -> None:
        for reader, serial in self.person.readers().items():
            if serial:
                self.person.remove(reader)

    def hop(self, actor: Actor, job_id: str) -> str:
        """The address with which the browser brings a card job to the desk."""
        return self._hop(self.office.ra.following_jobs.ticket(actor, job_id))

    def work_off(self, actor: Actor, job_id: str, fields: Mapping[str, str]) -> list[str]:
        """Bring the job to the desk and fill in its form; the steps that were done."""
        return [step.name for step in self.person.work_off(self.hop(actor, job_id), fields)]

    def require_signs_in(self, holder: Holder, pin: str | None = None) -> None:
        """Sign in with the card: its certificate is one in force, and its key signs for it."""
        self.put(holder, None)
        nonce = "n" * 44
        back = self.person.sign_in(f"/card?op={self.origin}&nonce={nonce}", pin or holder.pin)
        fragment = back.partition("#")[2]
        token = token_from_untrusted(base64.urlsafe_b64decode(fragment + "=" * (-len(fragment) % 4)))
        with self.office.ra.database.read() as work:
            of_card = work.certificates.of_card(holder.serial)
        (known,) = [each for each in of_card if each.der == token.unverified_certificate]
        assert known.status is CertificateStatus.ACTIVE
        key = x509.load_der_x509_certificate(known.der).public_key()
        require_signed(token, key, self.origin, [NonceHashes.of(nonce)])

    def let_end(self, serial: str, days: float) -> None:
        """As if the card's certificates ended in so many days: in the registers of both authorities."""
        at = datetime.now(UTC) + timedelta(days=days)
        for database, table in (
            (self.office.ra.database, certificate),
            (self.ca_database, ledger_certificate),
        ):
            with database.change() as work:
                this = table.c.card_serial == serial
                work.connection.execute(update(table).where(this).values(not_after=at))
        Expiring(self.office.ra.database, RenewalRules()).sweep()

    def audited(self, event: str) -> list[Mapping[str, object]]:
        """The details of every event of that name that was allowed, oldest first."""
        return self.office.ra.details_of(event)

    def _hop(self, ticket: str) -> str:
        return f"/job?{urlencode({'op': self.origin, 'ticket': ticket})}"


@contextmanager
def whole_desk(
    ca_settings: Settings,
    folder: Path,
    start_agent: Callable[[Path], Driver],
    desk_folder: Path,
    profile: str,
) -> Iterator[WholeDesk]:
    """Everything started, with cards of that profile. ``start_agent`` starts one with that agent.toml."""
    tls = MemoryAuthority().server_files(folder)
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(tls[0], tls[1])
    late: list[Callable[..., object]] = []
    server = make_server(
        "127.0.0.1", 0, lambda *call: late[0](*call), threaded=True, ssl_context=server_context
    )
    origin = f"https://localhost:{server.port}"
    settings = replace(ca_settings, service=replace(ca_settings.service, origin=origin))
    with pytest.MonkeyPatch.context() as patched, authority_in_a_thread(settings) as authority:
        patched.setattr(registration_authority, "ORIGIN", origin)
        database = Database(settings.database.url)
        add_reference_data(database)
        nobody, none = Actor("", ""), DeskCard("")
        ra = RegistrationAuthority(database, authority, profile)
        office = Office(ra, nobody, nobody, none, none, lambda: none)
        web = settings_for(folder)
        late.append(create_app(replace(web, service=settings.service), services_of(office)))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        config = _agent_toml(folder, origin, tls[2], desk_folder, profile)
        ca_database = Database(settings.ca.database_url)
        try:
            with start_agent(config) as person:
                desk = WholeDesk(office, origin, ca_database, person)
                desk.found()
                yield desk
        finally:
            server.shutdown()
            thread.join()
            ca_database.close()
            database.close()


def _agent_toml(folder: Path, origin: str, ca_file: Path, desk_folder: Path, profile: str) -> Path:
    config = folder / "agent.toml"
    config.write_text(
        f"[listen]\nport = 0\n[cards]\nprofiles = ['{profile}']\n[desk]\nfolder = '{desk_folder}'\n"
        f"[[site]]\norigin = '{origin}'\nname = 'Test RA'\nca_file = '{ca_file}'\n"
    )
    return config
