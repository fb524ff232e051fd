"""One open transaction, and the repositories that work in it."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

from sqlalchemy import Connection

from app.domain.actor import Actor
from app.storage.audit import AuditLog
from app.storage.card_batches import CardBatches
from app.storage.card_jobs import CardJobs
from app.storage.card_printings import CardPrintings
from app.storage.cards import Cards
from app.storage.certificates import Certificates
from app.storage.comparisons import Comparisons
from app.storage.founding import Founding
from app.storage.import_runs import ImportRuns
from app.storage.issuances import Issuances
from app.storage.migrated import Migrated
from app.storage.monitoring import Monitoring
from app.storage.offline_workstations import OfflineWorkstations
from app.storage.openid import OpenID
from app.storage.organisation_closings import OrganisationClosings
from app.storage.organisation_load_changes import OrganisationLoadChanges
from app.storage.organisation_loads import OrganisationLoads
from app.storage.organisations import Organisations
from app.storage.outbox import Outbox
from app.storage.people import People
from app.storage.positions import Positions
from app.storage.published_people import PublishedPeople
from app.storage.rate_limits import RateLimits
from app.storage.rbac import Rbac
from app.storage.requests import Requests
from app.storage.role_profiles import RoleProfiles
from app.storage.sequences import Sequences
from app.storage.sessions import Sessions
from app.storage.sign_ins import SignIns
from app.storage.stock import Stock
from app.storage.stock_deliveries import StockDeliveries
from app.storage.stock_findings import StockFindings
from app.storage.stock_places import StockPlaces
from app.storage.stock_takes import StockTakes
from app.storage.sweeps import Sweeps
from app.storage.system_certificates import SystemCertificates
from app.storage.system_passwords import SystemPasswords
from app.storage.system_requests import SystemRequests
from app.storage.systems import Systems
from app.storage.unlock_codes import Authenticators, UnlockCodes
from app.storage.workstation_reports import WorkstationReports

_UNATTENDED = Actor.system("unattended")


class Work:
    """One open transaction.

    Attributes:
        connection: the transaction's connection; repositories use it, nobody commits it.
        now: one instant for everything in the transaction; aware, UTC.
        actor: who does it; a program of ours unless ``Database.audited`` was told.
        audit: the audit, written at the transaction's end.
        outbox: announcements, published after the transaction commits.
    """

    def __init__(self, connection: Connection, now: datetime) -> None:
        self.connection = connection
        self.now = now
        self.actor = _UNATTENDED
        self.audit = AuditLog(connection, now)
        self.outbox = Outbox(connection, now)

    def done_by(self, actor: Actor, subject: str) -> None:
        """Name who does what is audited, and to whom, once that is found in the transaction."""
        self.actor = actor
        self.audit.done_by(actor)
        self.audit.about(subject)

    @cached_property
    def sequences(self) -> Sequences:
        """Numbers that are given out once."""
        return Sequences(self.connection)

    @cached_property
    def people(self) -> People:
        """Registered people."""
        return People(self.connection)

    @cached_property
    def published_people(self) -> PublishedPeople:
        """People as the directory needs them."""
        return PublishedPeople(self.connection)

    @cached_property
    def positions(self) -> Positions:
        """Positions and their access profiles."""
        return Positions(self.connection)

    @cached_property
    def requests(self) -> Requests:
        """Requests for positions."""
        return Requests(self.connection)

    @cached_property
    def role_profiles(self) -> RoleProfiles:
        """What people may do, where."""
        return RoleProfiles(self.connection)

    @cached_property
    def cards(self) -> Cards:
        """Cards and the escrow of their SO PINs."""
        return Cards(self.connection, self.stock)

    @cached_property
    def card_printings(self) -> CardPrintings:
        """When and why cards were printed."""
        return CardPrintings(self.connection)

    @cached_property
    def stock(self) -> Stock:
        """The stock ledger: where each card is."""
        return Stock(self.connection, self.now, self.actor)

    @cached_property
    def stock_findings(self) -> StockFindings:
        """Where the stock ledger and what was seen differ."""
        return StockFindings(self.connection, self.now)

    @cached_property
    def card_jobs(self) -> CardJobs:
        """What is done with cards at desks besides issuing them."""
        return CardJobs(self.connection)

    @cached_property
    def stock_places(self) -> StockPlaces:
        """Places for cards."""
        return StockPlaces(self.connection)

    @cached_property
    def stock_deliveries(self) -> StockDeliveries:
        """Deliveries of cards."""
        return StockDeliveries(self.connection)

    @cached_property
    def stock_takes(self) -> StockTakes:
        """Counts of cards."""
        return StockTakes(self.connection)

    @cached_property
    def issuances(self) -> Issuances:
        """Card issuances."""
        return Issuances(self.connection)

    @cached_property
    def card_batches(self) -> CardBatches:
        """Batches of cards."""
        return CardBatches(self.connection)

    @cached_property
    def certificates(self) -> Certificates:
        """Card certificates."""
        return Certificates(self.connection)

    @cached_property
    def founding(self) -> Founding:
        """The founding ceremony."""
        return Founding(self.connection)

    @cached_property
    def organisations(self) -> Organisations:
        """Organisations and their memberships."""
        return Organisations(self.connection)

    @cached_property
    def loads(self) -> OrganisationLoads:
        """Loads of organisations."""
        return OrganisationLoads(self.connection)

    def load_changes(self, load_id: str) -> OrganisationLoadChanges:
        """What one load would change."""
        return OrganisationLoadChanges(self.connection, load_id)

    @cached_property
    def closings(self) -> OrganisationClosings:
        """Organisations that closed, and what becomes of access to them."""
        return OrganisationClosings(self.connection)

    @cached_property
    def rbac(self) -> Rbac:
        """The national role-based access tables."""
        return Rbac(self.connection, self.now)

    @cached_property
    def systems(self) -> Systems:
        """Accredited systems and message handling systems."""
        return Systems(self.connection)

    @cached_property
    def system_requests(self) -> SystemRequests:
        """What is asked for systems."""
        return SystemRequests(self.connection)

    @cached_property
    def system_certificates(self) -> SystemCertificates:
        """Client certificates of systems."""
        return SystemCertificates(self.connection)

    @cached_property
    def migrated(self) -> Migrated:
        """What is taken over from another directory."""
        return Migrated(self.connection, self.now)

    @cached_property
    def system_passwords(self) -> SystemPasswords:
        """Hashes of systems' passwords."""
        return SystemPasswords(self.connection)

    @cached_property
    def import_runs(self) -> ImportRuns:
        """What imports did."""
        return ImportRuns(self.connection)

    @cached_property
    def offline_workstations(self) -> OfflineWorkstations:
        """Computers that unlock cards without network."""
        return OfflineWorkstations(self.connection)

    @cached_property
    def unlock_codes(self) -> UnlockCodes:
        """One-time codes for unlocking."""
        return UnlockCodes(self.connection, self.now)

    @cached_property
    def authenticators(self) -> Authenticators:
        """Authenticator apps."""
        return Authenticators(self.connection, self.now)

    @cached_property
    def rate_limits(self) -> RateLimits:
        """How often something was tried lately."""
        return RateLimits(self.connection, self.now)

    @cached_property
    def monitoring(self) -> Monitoring:
        """Figures that say how the service is."""
        return Monitoring(self.connection)

    @cached_property
    def sessions(self) -> Sessions:
        """Browser sessions."""
        return Sessions(self)

    @cached_property
    def sign_ins(self) -> SignIns:
        """Challenges of sign-ins, terms, and who has which roles."""
        return SignIns(self)

    @cached_property
    def openid(self) -> OpenID:
        """Codes and tokens of the OpenID provider."""
        return OpenID(self)

    @cached_property
    def workstation_reports(self) -> WorkstationReports:
        """What card agents reported of their workstations."""
        return WorkstationReports(self.connection)

    @cached_property
    def comparisons(self) -> Comparisons:
        """What came of comparing the directory with the database."""
        return Comparisons(self.connection, self.now)

    @cached_property
    def sweeps(self) -> Sweeps:
        """What the passing of days has changed."""
        return Sweeps(self.connection, self.now.date())
