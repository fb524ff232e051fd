"""The RA agent of a running service at work: registers people, issues cards at the desk, looks afterwards.

What the operator's page does is done through the use cases on the service's database, so that a test can act
while the web program is down; the desk's part goes the whole way.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlencode

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from app.adapters.photo import PillowPhotos
from app.domain.actor import Actor
from app.domain.card import LIVE
from app.domain.certificate import CardCertificate, CertificateStatus
from app.domain.issuance import IssuanceStatus
from app.domain.permission import Permission
from app.ra.batching import Batching
from app.ra.deciding import Deciding
from app.ra.desk_jobs import DeskJobs, DeskPolicy
from app.ra.issuing import Issuing
from app.ra.organisation_scope import OrganisationScope
from app.ra.registering import Registering
from app.ra.requesting import Requesting
from app.service import known_people
from app.service.layout import Layout
from app.service.visitor import Visitor
from app.settings import load
from app.storage.database import Database
from app.storage.outbox import OutboxProgress
from card_agent import card_operations
from card_agent.card_process import CardOpener, CardProcesses
from card_agent.driver import Driver, DriverRefused
from card_agent.emulated_desk import EmulatedCardOpener
from card_agent.pcsc_cards import PcscCardOpener
from card_agent.pin import Pin
from card_agent.ports import Purpose
from card_agent.virtual_cards import VirtualCardOpener
from tests.fakes.certificate_authority import InMemoryCertificateAuthority
from tests.support.killing import wait_until
from tests.support.registration_authority import another
from tests.support.running_service import Holder, Service

NEW_PIN = "59174028"
_PROOF = b"the card signs this"
_MOVING = threading.Lock()


@dataclass
class Run:
    """One run at the desk, in the background. ``outcome`` is what the person at the desk saw at its end."""

    thread: threading.Thread
    outcome: list[str] = field(default_factory=list)

    def seen(self) -> str:
        """Wait for the end. Empty when every step was done."""
        self.thread.join(120)
        assert not self.thread.is_alive(), "the run at the desk did not end"
        return self.outcome[0]


def in_background(work: Callable[[], str]) -> Run:
    """Begin a run; its outcome is what ``work`` answers."""
    run = Run(threading.Thread(target=lambda: run.outcome.append(work()), daemon=True))
    run.thread.start()
    return run


def _opener(layout: Layout) -> CardOpener:
    """How this process opens a card of the service: one in a reader must lie there."""
    if layout.has_readers:
        return EmulatedCardOpener(layout.desk, PcscCardOpener((layout.card_profile,)))
    return VirtualCardOpener(layout.desk)


class Office:
    """Priya, the RA agent, with her card in reader 1."""

    def __init__(self, service: Service, layout: Layout) -> None:
        self.service, self.layout = service, layout
        self.priya = service.people()["RA agent"]
        self.database = Database(load(service.settings).database.url)
        self.issuing = Issuing(self.database)
        # Only its pages' part: desks ask the running service.
        jobs = DeskJobs(self.database, InMemoryCertificateAuthority(), DeskPolicy(layout.web_origin))
        self.batching = Batching(self.database, jobs)
        self._registering = Registering(self.database, PillowPhotos())
        self._cards = CardProcesses(_opener(layout))
        self._registered = 0
        self.actor = self.actor_of(self.priya)

    @contextmanager
    def desk(self) -> Iterator[Driver]:
        """A person with a browser at the desk."""
        with Driver(self.layout.agent_origin) as driver:
            yield driver

    def register(self) -> str:
        """Somebody new; the user id."""
        self._registered += 1
        return self._registering.register(self.actor, another(self._registered))

    def actor_of(self, holder: Holder) -> Actor:
        """Somebody of the starting staff, with every permission: what they may is not what is tried here."""
        with self.database.read() as work:
            role = work.role_profiles.of(holder.uid)[0]
        return Actor(holder.uid, holder.name, role.id, role.organisation_code, frozenset(Permission))

    def make_manager(self, agent: Holder, manager: Holder, sponsor: Holder) -> None:
        """Give the agent the position of an RA manager: one asks for it, the other grants it."""
        position = known_people.positions_at(self.database, self.actor.organisation_code)["RA manager"]
        request_id = Requesting(self.database, OrganisationScope()).request_position(
            self.actor_of(sponsor), agent.uid, position, datetime.now(UTC).date(), None, "Leads the RA team."
        )
        Deciding(self.database, OrganisationScope()).grant(self.actor_of(manager), request_id, "")

    def lay_out_cards(self, serial: str = "") -> str:
        """Priya's card into reader 1, this or a new blank card into reader 2; the blank card's serial."""
        with self.desk() as desk:
            desk.place("left", self.priya.card_serial)
            if serial:
                desk.place("right", serial)
                return serial
            if desk.readers()["right"]:
                desk.remove("right")
            return desk.take_blank("right")

    def pull(self, *serials: str) -> None:
        """Take the cards out of the readers in which they are, whatever is done with them."""
        with self.desk() as desk:
            lying = [reader for reader, serial in desk.readers().items() if serial in serials]
            assert lying, f"none of {serials} is in a reader"
            for reader in lying:
                desk.remove(reader)

    def put_back(self, serial: str) -> None:
        """Priya's card into reader 1, and this card into reader 2, wherever they are now."""
        # Somebody who is played in the background may put the same card back.
        with _MOVING, self.desk() as desk:
            desk.place("left", self.priya.card_serial)
            desk.place("right", serial)

    def hop(self, issuance_id: str) -> str:
        """A new ticket, as the link that the page shows."""
        query = {"op": self.layout.web_origin, "ticket": self.issuing.ticket(self.actor, issuance_id)}
        return f"{self.layout.agent_origin}/job?{urlencode(query)}"

    def batch_hop(self, batch_id: str) -> str:
        """A new ticket for a batch, as the link that the page shows."""
        query = {"op": self.layout.web_origin, "ticket": self.batching.ticket(self.actor, batch_id)}
        return f"{self.layout.agent_origin}/batch?{urlencode(query)}"

    def issue_in_background(self, hop: str) -> Run:
        """Follow the link and enter the PINs; the run goes on while the test does something else."""
        return in_background(lambda: self.issue(hop))

    def issue(self, hop: str) -> str:
        """Follow the link, enter the PINs and wait; what the person sees in the end, empty for a success."""
        return self.watched(lambda desk: desk.issue(hop, self.priya.pin, NEW_PIN))

    def work_off(self, hop: str, fields: Mapping[str, str]) -> str:
        """The same for a card job with the form's fields."""
        return self.watched(lambda desk: desk.work_off(hop, fields))

    def watched(self, run: Callable[[Driver], Iterator[object]]) -> str:
        """Play a person at the desk to the end; what they see then, empty for a success."""
        try:
            with self.desk() as desk:
                for _ in run(desk):
                    pass
        except (DriverRefused, httpx.TransportError, httpx.HTTPStatusError) as seen:
            return f"{type(seen).__name__}: {seen}"
        return ""

    def open_at_desk(self, hop: str) -> None:
        """Follow the link and enter nothing."""
        headers = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
        answer = httpx.get(hop, headers=headers, follow_redirects=True, trust_env=False)
        assert "New PIN" in answer.raise_for_status().text

    def status(self, issuance_id: str) -> IssuanceStatus:
        """How far the issuance is on record."""
        return self.issuing.issuance(self.actor, issuance_id).status

    def go_on(self, issuance_id: str) -> None:
        """A new ticket and the same card, unless the issuance is over."""
        if self.status(issuance_id) is IssuanceStatus.ACTIVE:
            return
        seen = self.issue(self.hop(issuance_id))
        assert seen == "", seen

    def issue_whole(self, uid: str, blank: str = "") -> str:
        """Begin, and issue without disturbance, this or a new blank card; its serial."""
        serial = self.lay_out_cards(blank)
        issuance_id = self.issuing.begin(self.actor, uid)
        self.go_on(issuance_id)
        return serial

    def sign_in(self, serial: str, pin: str = NEW_PIN) -> str:
        """Sign in with the card; the holder's own page."""
        with self.desk() as desk, Visitor(self.layout, desk) as visitor:
            visitor.sign_in(serial, pin)
            return visitor.open("/my").text

    def throw_away(self, serial: str) -> None:
        """The card leaves the desk for good, so that the drawer stays small."""
        with self.desk() as desk:
            for reader, lying in desk.readers().items():
                if lying == serial:
                    desk.remove(reader)
        shutil.rmtree(self.layout.desk / "cards" / serial)

    def certificates(self, uid: str) -> list[CardCertificate]:
        """Every certificate of the person that the registration authority knows."""
        with self.database.read() as work:
            serials = [card.serial for card in work.cards.of(uid)]
            known = [each for serial in serials for each in work.certificates.of_card(serial)]
        # A card that was cleared had other holders before.
        return [each for each in known if each.uid == uid]

    def wait_until_carried(self) -> None:
        """Wait until the worker has carried every announcement."""
        wait_until(
            lambda: self._progress().waiting == 0, f"every announcement is carried: {self._progress()}"
        )

    def _progress(self) -> OutboxProgress:
        with self.database.read() as work:
            return work.outbox.progress()

    def ledger(self, uid: str) -> dict[str, Entry]:
        """The certificate authority's own record of the person's certificates, by serial number."""
        connection = sqlite3.connect(f"file:{self.layout.folder / 'ca' / 'ca.db'}?mode=ro", uri=True)
        try:
            rows = connection.execute(
                "SELECT c.serial_number, c.purpose, c.spki_sha256, c.der, r.serial_number IS NOT NULL,"
                " r.crl_number IS NOT NULL FROM certificate c"
                " LEFT JOIN revocation r ON r.serial_number = c.serial_number WHERE c.holder = ?",
                [uid],
            ).fetchall()
        finally:
            connection.close()
        return {row[0]: Entry(row[1], row[2], row[3], bool(row[4]), bool(row[5])) for row in rows}

    def require_blank(self, serial: str) -> None:
        """Nothing is on the card, as its own module says."""
        assert self._cards.run(serial, card_operations.contents).certificates == {}

    def require_keys_on_card(self, serial: str, pin: str, ders: dict[str, bytes]) -> None:
        """Have the card sign with each key, and verify with the certificate of that purpose."""
        on_card = self._cards.run(serial, card_operations.contents).certificates
        assert {purpose.value: der for purpose, der in on_card.items()} == ders
        for purpose in Purpose:
            raw = self._cards.run(serial, card_operations.sign, [Pin(pin)], purpose, _PROOF)
            key = x509.load_der_x509_certificate(ders[purpose.value]).public_key()
            assert isinstance(key, ec.EllipticCurvePublicKey)
            signature = utils.encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
            key.verify(signature, _PROOF, ec.ECDSA(hashes.SHA256()))

    def require_live(self, uid: str, serial: str) -> None:
        """One working card; one live certificate a purpose, on record, in the ledger and on the card."""
        self.wait_until_carried()
        active = [each for each in self.certificates(uid) if each.status is CertificateStatus.ACTIVE]
        assert sorted(each.purpose for each in active) == ["authentication", "content-commitment"]
        assert {each.card_serial for each in active} == {serial}
        self._require_agreement(uid, {each.serial_number for each in active})
        with self.database.read() as work:
            cards = {card.serial: card.status.value for card in work.cards.of(uid)}
            assert work.issuances.open_of(uid) is None
        assert cards.pop(serial) == "active"
        assert set(cards.values()) <= {"cancelled"}
        self.require_keys_on_card(serial, NEW_PIN, {each.purpose.value: each.der for each in active})

    def require_nothing_live(self, uid: str) -> None:
        """No working card and no live certificate, on record or in the ledger."""
        self.wait_until_carried()
        self._require_agreement(uid, set())
        with self.database.read() as work:
            assert not {card.status for card in work.cards.of(uid)} & LIVE
            assert work.issuances.open_of(uid) is None

    def _require_agreement(self, uid: str, live: set[str]) -> None:
        """Ledger and record know the same certificates; those that do not live are revoked and told."""
        ledger, record = self.ledger(uid), self.certificates(uid)
        assert all(entry.der for entry in ledger.values()), "something is intended and not signed"
        assert {number for number, entry in ledger.items() if not entry.revoked} == live
        assert all(entry.in_crl for entry in ledger.values() if entry.revoked)
        keys = [entry.spki_sha256 for entry in ledger.values()]
        assert len(keys) == len(set(keys)), "a key has two certificates"
        for each in record:
            assert each.der == ledger[each.serial_number].der
            assert each.status in (CertificateStatus.ACTIVE, CertificateStatus.REVOKED)
        # One that the record does not know can only be one that was withdrawn.
        known = {each.serial_number for each in record}
        assert all(entry.revoked for number, entry in ledger.items() if number not in known)
        wait_until(lambda: len(self._issued_events(uid)) >= len(ledger), "every certificate is audited")
        assert sorted(self._issued_events(uid)) == sorted(ledger), "one event for each certificate"

    def _issued_events(self, uid: str) -> list[str]:
        connection = sqlite3.connect(f"file:{self.layout.folder / 'spine.db'}?mode=ro", uri=True)
        try:
            chosen = (
                "SELECT json_extract(details, '$.serial_number') FROM audit_event"
                " WHERE event = 'certificate.issued' AND outcome = 'allowed' AND subject = ?"
            )
            return [row[0] for row in connection.execute(chosen, [uid])]
        finally:
            connection.close()


@dataclass(frozen=True)
class Entry:
    """A certificate in the certificate authority's ledger; ``der`` is None while it is only intended."""

    purpose: str
    spki_sha256: str
    der: bytes | None
    revoked: bool
    in_crl: bool
