"""A whole registration authority for tests: real database, real rules, a CA and a desk in memory.

``office`` is founded: Margaret (RA manager) and Daniel (sponsor) at 15N hold working cards that came through
the founding ceremony and the desk, and practice L83002 is under 15N.
"""

from __future__ import annotations

import io
import json
import tomllib
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from PIL import Image
from sqlalchemy import insert, select

from app.adapters.photo import PillowPhotos
from app.adapters.unlock_secrets import FileUnlockSecrets
from app.domain.actor import Actor
from app.domain.card_job import JobKind
from app.domain.certificate_order import SignedApproval
from app.domain.evidence import Evidence, EvidenceKind
from app.domain.json_value import JsonValue
from app.domain.permissions_policy import parse
from app.domain.person import Registration
from app.domain.pin_policy import PinPolicy
from app.domain.position import AccessProfile, Approval, NewPosition
from app.domain.renewal import RenewalRules
from app.domain.role_profile import RoleProfile
from app.ra.batching import Batching
from app.ra.changing_names import ChangingNames
from app.ra.changing_so_pins import ChangingSoPins
from app.ra.clearing import Clearing
from app.ra.collecting_jobs import CollectingJobs
from app.ra.deciding import Deciding
from app.ra.desk_jobs import DeskJobs, DeskPolicy
from app.ra.enrolling_authenticators import EnrollingAuthenticators
from app.ra.exporting_so_pins import ExportingSoPins
from app.ra.finding import Finding
from app.ra.following_jobs import FollowingJobs, GivingUp
from app.ra.founding import FoundingCeremony
from app.ra.issuing import FOUNDING, Issuing
from app.ra.limiting import Limiting
from app.ra.moving_cards import MovingCards
from app.ra.organisation_scope import OrganisationScope
from app.ra.ports import CertificateAuthority
from app.ra.positioning import Positioning
from app.ra.registering import Registering
from app.ra.registering_workstations import RegisteringWorkstations
from app.ra.releasing_so_pins import ReleasingSoPins
from app.ra.renewing import Renewing, take_back_renewal, why_renewal_goes_on
from app.ra.renewing_at_desk import RenewingAtDesk
from app.ra.repairing import Repairing
from app.ra.requesting import Requesting
from app.ra.unlock_abilities import UnlockAbilities
from app.ra.unlocking import Unlocking
from app.ra.unlocking_by_code import UnlockingByCode
from app.ra.unlocking_offline import UnlockingOffline
from app.ra.vouching import Vouching
from app.ra.withdrawing import Withdrawing
from app.storage.approval_record import StoredApprovals
from app.storage.database import Database
from app.storage.tables.audit import audit_event
from app.storage.tables.organisations import organisation
from app.storage.tables.outbox import outbox
from app.storage.tables.reference import activity, job_role, rbac_version
from card_agent.desk_key import DeskKey
from card_agent.escrow import escrow_key, wrapped
from card_agent.pin import Pin
from card_agent.ports import Purpose
from card_agent.settings import Site
from tests.fakes.certificate_authority import InMemoryCertificateAuthority

CONFIG = Path(__file__).parents[2] / "config"
ORIGIN = "https://localhost:8443"
REFERENCE_VERSION = 900  # beyond what a sequence gives to tables that are imported later
RA, PRACTICE, ELSEWHERE = "15N", "L83002", "M85001"
POLICY = parse(tomllib.loads((CONFIG / "permissions.toml").read_text()))
FOUNDING_FILE = (CONFIG / "founding.example.toml").read_bytes()
FOUNDING_PHOTOS = {f"founding/{each.name}": each.read_bytes() for each in (CONFIG / "founding").glob("*.jpg")}


def picture(width: int = 480, height: int = 600) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (width, height), (120, 140, 160)).save(written, "JPEG")
    return written.getvalue()


def today() -> date:
    return datetime.now(UTC).date()


def registration(**changes: object) -> Registration:
    """Amara, a clinician nobody knows yet."""
    amara = Registration(
        title="Dr",
        given_name="Amara",
        middle_names="",
        family_name="Osei",
        card_name="",
        date_of_birth=date(1985, 3, 27),
        email="amara.osei@example.nhs.uk",
        mobile="07700 900199",
        registrations=(),
        evidence=(
            Evidence(EvidenceKind.UK_PASSPORT, "533380006", expires_on=today() + timedelta(days=900)),
            Evidence(EvidenceKind.UTILITY_BILL, "88412231", issued_on=today() - timedelta(days=20)),
            Evidence(EvidenceKind.NATIONAL_INSURANCE_LETTER, "AB123456C"),
        ),
        photo=picture(),
        confirmed_checked=True,
    )
    return replace(amara, **changes)  # type: ignore[arg-type]


def another(number: int) -> Registration:
    """Somebody with other names and documents than anybody else."""
    letters = "".join(chr(ord("A") + int(digit)) for digit in f"{number:04d}")
    return registration(
        given_name=f"Given{letters}",
        family_name=f"Family{letters}",
        date_of_birth=date(1960, 1, 1) + timedelta(days=37 * number),
        email=f"{letters}@example.nhs.uk",
        duplicates_considered=True,
        evidence=(
            Evidence(EvidenceKind.UK_PASSPORT, f"{number:09d}", expires_on=today() + timedelta(days=900)),
            Evidence(EvidenceKind.UTILITY_BILL, "88412231", issued_on=today() - timedelta(days=20)),
            Evidence(EvidenceKind.COUNCIL_TAX_BILL, "7003", issued_on=today() - timedelta(days=20)),
        ),
    )


def new_position(organisation_code: str, name: str, job_role_code: str, *activities: str) -> NewPosition:
    approval = Approval("Practice board", today() - timedelta(days=1), "Minutes 7")
    return NewPosition(organisation_code, name, "", (AccessProfile(job_role_code, activities),), approval)


def add_reference_data(database: Database) -> None:
    """A few organisations and codes, written as the importers write them."""
    now = datetime.now(UTC)
    with database.change() as work:
        for code, name, parent in (
            (RA, "NHS DEVON ICB - 15N", None),
            (PRACTICE, "HONITON SURGERY", RA),
            (ELSEWHERE, "CASTLE VALE PRIMARY CARE CENTRE", "15E"),
        ):
            work.connection.execute(insert(organisation).values(_organisation(code, name, parent, now)))
        # The tables are kept in memory by their digest, so it must differ from that of other tests' tables.
        digest = sha256(b"the tables of this registration authority").hexdigest()
        version = {"name": "test", "effective_from": date(2020, 1, 1), "digest": digest, "imported_at": now}
        work.connection.execute(insert(rbac_version).values(id=REFERENCE_VERSION, **version))
        for code in ("R5080", "R5090", "R8000", "R8008", "R8010"):
            work.connection.execute(insert(job_role).values(_job_role(code, "current")))
        work.connection.execute(insert(job_role).values(_job_role("R0020", "obsolete")))
        for code in ("B0272", "B0274", "B0267", "B1300", "B0420", "B0572"):
            row = {"public_name": f"Activity {code}", "used_for": "", "confidence": "confirmed"}
            work.connection.execute(insert(activity).values(version_id=REFERENCE_VERSION, code=code, **row))


def _organisation(code: str, name: str, parent: str | None, now: datetime) -> dict[str, object]:
    return {
        "code": code,
        "name": name,
        "kind": "GP practice",
        "kind_code": "",
        "status": "active",
        "address": ["", "", "", "", ""],
        "postcode": "",
        "telephone": "",
        "parent_code": parent,
        "joined_on": date(2013, 4, 1) if parent else None,
        "national_grouping": "",
        "health_geography": "",
        "sub_type": "",
        "source": "test",
        "search_text": f" {name.casefold()}",
        "updated_at": now,
    }


def _job_role(code: str, status: str) -> dict[str, object]:
    return {
        "version_id": REFERENCE_VERSION,
        "code": code,
        "name": f"Job role {code}",
        "status": status,
        "staff_group": "",
        "three_part_code": "",
        "three_part_name": "",
    }


def raw_signature(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    """ES256 as raw r||s."""
    parts = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
    return b"".join(part.to_bytes(32, "big") for part in parts)


def csr(key: ec.EllipticCurvePrivateKey) -> bytes:
    builder = x509.CertificateSigningRequestBuilder(x509.Name([]))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


@dataclass
class DeskCard:
    """A card in memory: two keys that never leave it, and room for two certificates."""

    serial: str
    authentication: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    content_commitment: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    certificates: dict[str, bytes] = field(default_factory=dict)
    so_pin: str = field(default_factory=lambda: token_hex(8))

    def read_back(self) -> dict[str, str]:
        return {name: sha256(der).hexdigest() for name, der in self.certificates.items()}


class Desk:
    """Works on one job, one call at a time, as a card agent does."""

    def __init__(self, jobs: DeskJobs, ticket: str) -> None:
        claimed = jobs.claim(ticket)
        self._hold(jobs, claimed.job, claimed.job_token)

    @classmethod
    def holding(cls, jobs: DeskJobs, job: Mapping[str, JsonValue], job_token: str) -> Desk:
        """A desk that has the job already."""
        desk = cls.__new__(cls)
        desk._hold(jobs, job, job_token)
        return desk

    def _hold(self, jobs: DeskJobs, job: Mapping[str, JsonValue], job_token: str) -> None:
        self.jobs, self.job, self.job_token = jobs, job, job_token
        self.id = str(job["id"])
        self.desk_key = DeskKey()

    def statement(self, card: DeskCard, **changes: str) -> bytes:
        holder, operator = self.job["holder"], self.job["operator"]
        assert isinstance(holder, Mapping)
        assert isinstance(operator, Mapping)
        facts = {
            "type": "spine-ra/card-issuance/1",
            "issuance": self.id,
            "holder": holder["uid"],
            "holder_name": holder["name"],
            "card_serial": card.serial,
            "card_profile": self.job["card_profile"],
            "operator": operator["uid"],
            "desk_key": self.desk_key.public,
            "origin": ORIGIN,
            "signed_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            **changes,
        }
        return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    def approval(self, card: DeskCard, operator_card: DeskCard, **changes: str) -> SignedApproval:
        statement = self.statement(card, **changes)
        return SignedApproval(
            statement=statement,
            signature=raw_signature(operator_card.content_commitment, statement),
            certificate=operator_card.certificates["content_commitment"],
        )

    def approve(self, card: DeskCard, operator_card: DeskCard, **changes: str) -> None:
        self.personalise(card, self.approval(card, operator_card, **changes))

    def personalise(self, card: DeskCard, approval: SignedApproval | None = None) -> None:
        self.jobs.personalise(
            self.job_token,
            self.id,
            card_serial=card.serial,
            wrapped_so_pin=wrapped_as_told(
                card.so_pin, card.serial, str(self.job["so_pin_escrow_key"]).encode()
            ),
            approval=approval,
        )

    def certify(self, card: DeskCard) -> str:
        authentication, content_commitment = csr(card.authentication), csr(card.content_commitment)
        message = self.jobs.certify(
            self.job_token,
            self.id,
            authentication_csr=authentication,
            content_commitment_csr=content_commitment,
            keys_signature=self.keys_signature(card, authentication, content_commitment),
            provenance={"authentication": {"CKA_LOCAL": True}},
        )
        return self.write(card, message)

    def keys_signature(self, card: DeskCard, authentication: bytes, content_commitment: bytes) -> bytes:
        """The desk key's, over the keys of both CSRs."""
        requests = {Purpose.AUTHENTICATION: authentication, Purpose.CONTENT_COMMITMENT: content_commitment}
        return self.desk_key.sign_keys(self.id, card.serial, requests)

    def write(self, card: DeskCard, message: Mapping[str, object]) -> str:
        """Write the certificates on the card; answers the completion nonce."""
        for name in ("authentication", "content_commitment"):
            card.certificates[name] = b64decode(str(message[name]))
        return str(message["completion_nonce"])

    def complete(self, card: DeskCard, nonce: str) -> None:
        self.jobs.complete(
            self.job_token,
            self.id,
            read_back=card.read_back(),
            proof=raw_signature(card.authentication, nonce.encode()),
        )

    def found(self, card: DeskCard) -> None:
        """Make the card of a founder, which no operator approves."""
        self.personalise(card)
        self.finish(card)

    def finish(self, card: DeskCard) -> None:
        """From the card that took its SO PIN to the working card."""
        self.complete(card, self.certify(card))


def wrapped_as_told(so_pin: str, card_serial: str, told_key: bytes) -> bytes:
    """An SO PIN encrypted to the escrow key (PEM) that the site told, at a desk whose settings name none."""
    site = Site(ORIGIN, "Spine RA", Path("ca.pem"))
    return wrapped(Pin(so_pin), card_serial, escrow_key(site, told_key))


class RegistrationAuthority:
    """Every use case on one database. ``restarted`` is the same one in a new process."""

    def __init__(
        self,
        database: Database,
        certificate_authority: CertificateAuthority,
        card_profile: str = "softhsm",
    ) -> None:
        scope = OrganisationScope()
        self.database = database
        self.certificate_authority = certificate_authority
        if isinstance(certificate_authority, InMemoryCertificateAuthority):
            certificate_authority.is_open = self._is_open
        self.finding = Finding(database)
        self.registering = Registering(database, PillowPhotos())
        self.positions = Positioning(database, scope)
        self.requesting = Requesting(database, scope)
        self.deciding = Deciding(database, scope)
        self.withdrawing = Withdrawing(database, scope)
        self.issuing = Issuing(database)
        self.desk_jobs = DeskJobs(database, certificate_authority, DeskPolicy(ORIGIN, card_profile))
        self.repairing = Repairing(database)
        self.names = ChangingNames(database)
        self.renewing = Renewing(database, RenewalRules())
        self.renewing_at_desk = RenewingAtDesk(database, certificate_authority, ORIGIN)
        self.unlocking = Unlocking(database)
        secrets = FileUnlockSecrets(bytes(32))
        self.unlocks = UnlockAbilities(
            self.unlocking,
            UnlockingByCode(database, secrets, Limiting(database)),
            Vouching(database),
            EnrollingAuthenticators(database, secrets, "Spine RA"),
            UnlockingOffline(database),
            RegisteringWorkstations(database, certificate_authority),
            ReleasingSoPins(database, certificate_authority, ORIGIN, StoredApprovals(database, POLICY)),
            ExportingSoPins(database),
            ChangingSoPins(database),
        )
        self.clearing = Clearing(database)
        self.batching = Batching(database, self.desk_jobs)
        kinds = {
            JobKind.CLEAR: self.clearing,
            JobKind.REPAIR: self.repairing,
            JobKind.RENEW: self.renewing_at_desk,
            JobKind.UNLOCK: self.unlocking,
            JobKind.EXPORT: self.unlocks.exporting,
            JobKind.CHANGE_SO_PIN: self.unlocks.changing,
        }
        self.collecting_jobs = CollectingJobs(database, self.desk_jobs, kinds, PinPolicy())
        self.following_jobs = FollowingJobs(
            database, {JobKind.RENEW: GivingUp(why_renewal_goes_on, take_back_renewal)}
        )
        self.card_moves = MovingCards(database)
        self.founding = FoundingCeremony(database, PillowPhotos(), POLICY)

    @property
    def ca(self) -> InMemoryCertificateAuthority:
        """The certificate authority in memory, to make it fail."""
        assert isinstance(self.certificate_authority, InMemoryCertificateAuthority)
        return self.certificate_authority

    def _is_open(self, issuance_id: str) -> bool:
        with self.database.read() as work:
            found = work.issuances.get(issuance_id) or work.card_jobs.get(issuance_id)
        return found is not None and found.status.is_open

    def actor(self, uid: str) -> Actor:
        """The person in the newest role profile that counts."""
        with self.database.read() as work:
            person = work.people.get(uid)
            roles = [role for role in work.role_profiles.of(uid) if role.counts_on(work.now.date())]
        assert person is not None
        return _in_role(uid, person.name, roles[-1] if roles else None)

    def audited(self) -> list[tuple[str, str, str]]:
        """(event, outcome, reason) of everything that happened, in order."""
        chosen = select(audit_event).order_by(audit_event.c.seq)
        with self.database.read() as work:
            return [(row.event, row.outcome, row.reason) for row in work.connection.execute(chosen)]

    def details_of(self, event: str) -> list[Mapping[str, object]]:
        """The details of every such event that was allowed, oldest first."""
        chosen = select(audit_event).where(audit_event.c.event == event).order_by(audit_event.c.seq)
        with self.database.read() as work:
            rows = work.connection.execute(chosen.where(audit_event.c.outcome == "allowed"))
            return [row.details for row in rows]

    def announced(self) -> list[tuple[str, str]]:
        """(topic, key) of everything announced, in order."""
        with self.database.read() as work:
            return [
                (row.topic, row.key) for row in work.connection.execute(select(outbox).order_by(outbox.c.id))
            ]


def _in_role(uid: str, name: str, role: RoleProfile | None) -> Actor:
    if role is None:
        return Actor(uid, name)
    permissions = POLICY.permissions_of(role.job_role_code, role.activity_codes)
    return Actor(uid, name, role.id, role.organisation_code, permissions)


@dataclass
class Office:
    """The founded registration authority, with the founders' cards."""

    ra: RegistrationAuthority
    manager: Actor
    sponsor: Actor
    manager_card: DeskCard
    sponsor_card: DeskCard
    blank: Callable[[], DeskCard]

    def position(self, name: str, job_role_code: str, *activities: str, at: str = RA) -> str:
        return self.ra.positions.create(self.manager, new_position(at, name, job_role_code, *activities))

    def person(self, who: Registration, position_id: str | None = None) -> Actor:
        """Register somebody and, the ordinary way, give them a position."""
        uid = self.ra.registering.register(self.manager, who)
        if position_id is not None:
            request_id = self.ra.requesting.request_position(
                self.sponsor, uid, position_id, today(), None, "Needed"
            )
            self.ra.deciding.grant(self.manager, request_id, "")
        return self.ra.actor(uid)

    def begun(self, uid: str) -> Desk:
        """A new issuance by the manager, its job claimed."""
        issuance_id = self.ra.issuing.begin(self.manager, uid)
        return Desk(self.ra.desk_jobs, self.ra.issuing.ticket(self.manager, issuance_id))

    def desk_again(self, issuance_id: str) -> Desk:
        """The desk after a crash: a new ticket, a new claim, everything else from the database."""
        ra = RegistrationAuthority(self.ra.database, self.ra.certificate_authority)
        return Desk(ra.desk_jobs, ra.issuing.ticket(self.manager, issuance_id))

    def card_for(self, uid: str) -> DeskCard:
        """Issue a card to somebody, from beginning to end."""
        desk, card = self.begun(uid), self.blank()
        desk.approve(card, self.manager_card)
        desk.finish(card)
        return card


@pytest.fixture
def unfounded(database: Database) -> RegistrationAuthority:
    add_reference_data(database)
    return RegistrationAuthority(database, InMemoryCertificateAuthority())


@pytest.fixture
def office(unfounded: RegistrationAuthority) -> Office:
    return founded(unfounded)


def founded(ra: RegistrationAuthority) -> Office:
    """Hold the founding ceremony and issue both founders' cards."""
    numbers = iter(range(1, 1000))

    def blank() -> DeskCard:
        return DeskCard(f"{next(numbers):08d}")

    founders = ra.founding.hold(FOUNDING_FILE, FOUNDING_PHOTOS)
    cards = [blank() for _ in founders]
    for founder, card in zip(founders, cards, strict=True):
        Desk(ra.desk_jobs, ra.issuing.ticket(FOUNDING, founder.issuance_id)).found(card)
    manager, sponsor = (ra.actor(founder.person.uid) for founder in founders)
    return Office(ra, manager, sponsor, cards[0], cards[1], blank)
