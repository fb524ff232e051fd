"""The composition root: the only file that names every adapter. It makes what programs run of settings."""

from __future__ import annotations

import threading
import tomllib
import warnings
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask

from app import monitoring
from app.adapters.back_channel import HttpBackChannel
from app.adapters.ca_client import CaClient
from app.adapters.ca_outbox import ca_outbox_handlers, renew_crls, tell_directory_of_revocations
from app.adapters.directory_comparing import ContinualComparing
from app.adapters.directory_publishing import DirectoryPublishing
from app.adapters.locking_out import LockingOutSystems
from app.adapters.openid_keys import OpenIDKeys, TokenPlace
from app.adapters.photo import PillowPhotos
from app.adapters.public_files import public_material
from app.ca_files import PUBLIC_FOLDER
from app.card_bootstrap import (
    code_handlers,
    collecting,
    desk_policy,
    expiring,
    following,
    renewals,
    unlockings,
)
from app.clock import utc_now
from app.data import shipped
from app.domain.certificate_order import CertificatePurpose
from app.oidc.logging_out import TellingRelyingParties
from app.oidc.provider import OpenIDProvider
from app.oidc.relying_party import RelyingParty, parse
from app.oidc.signing import SigningKeys
from app.periodic_tasks import (
    authority_tasks,
    card_tasks,
    clearing_tasks,
    comparing_tasks,
    directory_tasks,
)
from app.permissions_bootstrap import permissions
from app.ra.agreeing_to_last_tries import AgreeingToLastTries
from app.ra.applying_loads import ApplyingLoads
from app.ra.auditing import Auditing
from app.ra.batching import Batching
from app.ra.carrying_loads import CarryingLoads
from app.ra.clearing import Clearing
from app.ra.closing_organisations import ClosingOrganisations
from app.ra.deciding import Deciding
from app.ra.desk_jobs import DeskJobs
from app.ra.finding import Finding
from app.ra.founding import FoundingCeremony
from app.ra.importing_formats import ReadingOrganisations
from app.ra.issuing import Issuing
from app.ra.limiting import Limiting
from app.ra.loading_organisations import LoadingOrganisations
from app.ra.looking_up import LookingUpOrganisations, LookingUpRoles
from app.ra.moving_cards import MovingCards
from app.ra.operating import Operating
from app.ra.organisation_scope import OrganisationScope
from app.ra.positioning import Positioning
from app.ra.previewing_loads import PreviewingLoads
from app.ra.reading_receipts import ReadingReceipts
from app.ra.registering import Registering
from app.ra.reporting_workstations import ReportingWorkstations
from app.ra.requesting import Requesting
from app.services import Services
from app.settings import InsecureDevelopmentWarning, Settings
from app.signature_bootstrap import signature_service
from app.signin.browser_sessions import BrowserSessions
from app.signin.session import SessionLimits
from app.signin.smartcard import SmartcardSignIn
from app.status_following import StatusFollower
from app.stock_bootstrap import printing_cards, stock_abilities
from app.storage.database import Database
from app.storage.status_store import StatusStore
from app.system_bootstrap import system_abilities
from app.validation_bootstrap import path_validator
from app.web.application import create_app
from app.web.status_answers import StatusAnswers
from app.web.status_pages import create_status_app
from app.worker import Handler, Lane, OneByOne, PeriodicTask, Worker
from directory.connection import open_session
from directory.node import WRITER
from directory.nodes import Nodes
from directory.publishing import Publisher
from directory.revocation import RevocationLists
from directory.server_tls import ServerTls
from directory.slapd import Slapd
from directory.unix_socket import ldapi_url

CONFIG = Path(__file__).resolve().parents[1] / "config"
LDAPS_PORT = 636
STATUS_TIMEOUT_SECONDS = 3
STATUS_FILE = "answers.db"


def open_database(settings: Settings) -> Database:
    """The system of record."""
    return Database(settings.database.url)


def founding_ceremony(database: Database) -> FoundingCeremony:
    """The ceremony that makes the first two people, once."""
    return FoundingCeremony(database, PillowPhotos(), permissions())


def certificate_authority(settings: Settings) -> CaClient:
    """The certificate authority's process, over its socket."""
    return CaClient(settings.ca.socket)


def openid_token_place(settings: Settings) -> TokenPlace:
    """Where the OpenID provider's signing keys are."""
    openid = settings.openid
    return TokenPlace(openid.module, openid.softhsm_conf, openid.token_label, openid.pin_file)


def relying_parties(settings: Settings) -> Mapping[str, RelyingParty]:
    """The registered relying parties.

    Raises:
        RegistrationNotUsable: naming the relying party and what is wrong.
    """
    file = settings.openid.clients_file
    return parse(tomllib.loads(file.read_text()), lambda name: (file.parent / name).read_bytes())


def web_application(settings: Settings) -> Flask:
    """The web application with everything real behind it. Call it in the process that serves."""
    for sentence in settings.stand_ins:
        warnings.warn(sentence, InsecureDevelopmentWarning, stacklevel=2)
    keys = OpenIDKeys.open(openid_token_place(settings)).signing_keys
    return create_app(settings, services(settings, open_database(settings), keys))


def services(settings: Settings, database: Database, openid_keys: SigningKeys) -> Services:
    """What pages use."""
    scope, policy, limits = OrganisationScope(), permissions(settings), session_limits(settings)
    ca, policy_of_desks = certificate_authority(settings), desk_policy(settings)
    paths = path_validator(settings, CertificatePurpose.AUTHENTICATION)
    desk_jobs = DeskJobs(database, ca, policy_of_desks)
    renewing = renewals(database, ca, settings.service.origin)
    unlocks = unlockings(database, ca, settings, policy)
    return Services(
        finding=Finding(database),
        registering=Registering(database, PillowPhotos()),
        organisations=LookingUpOrganisations(database),
        reference=LookingUpRoles(database),
        positions=Positioning(database, scope),
        requesting=Requesting(database, scope),
        deciding=Deciding(database, scope),
        issuing=Issuing(database),
        desk_jobs=desk_jobs,
        collecting_jobs=collecting(database, desk_jobs, renewing, unlocks, policy_of_desks),
        following_jobs=following(database),
        renewals=renewing,
        unlocks=unlocks,
        last_tries=AgreeingToLastTries(database, settings.service.origin),
        workstations=ReportingWorkstations(database),
        card_moves=MovingCards(database),
        clearing=Clearing(database),
        batching=Batching(database, desk_jobs),
        systems=system_abilities(database, scope),
        auditing=Auditing(database),
        receipts=reading_receipts(settings, database),
        stock=stock_abilities(database, settings.agent.card_profile),
        printing=printing_cards(database),
        operating=Operating(database, CaClient(settings.ca.socket, monitoring.TIMEOUT_SECONDS)),
        limiting=Limiting(database),
        loads=loading_organisations(database),
        closings=ClosingOrganisations(database, scope),
        sign_in=SmartcardSignIn(database, paths, settings.service.origin, session_limits=limits),
        sessions=BrowserSessions(database, policy, limits),
        signatures=signature_service(settings, database),
        openid=OpenIDProvider(database, relying_parties(settings), openid_keys, settings.openid.issuer),
    )


def reading_receipts(settings: Settings, database: Database) -> ReadingReceipts:
    """Receipts of certificates, verified with the public files of the key ceremony."""
    folder = settings.ca.folder / PUBLIC_FOLDER
    return ReadingReceipts(database, CaClient(settings.ca.socket), lambda: public_material(folder))


def session_limits(settings: Settings) -> SessionLimits:
    """How long a sign-in lasts."""
    session = settings.session
    return SessionLimits(timedelta(minutes=session.idle_minutes), timedelta(hours=session.absolute_hours))


def status_application(settings: Settings) -> Flask:
    """CRL, OCSP and CA certificates."""
    # A hung authority must not hold the few threads that serve what is in memory.
    client = CaClient(settings.ca.socket, timeout_seconds=STATUS_TIMEOUT_SECONDS)
    store = StatusStore(settings.status.folder / STATUS_FILE)
    answers = StatusAnswers(client, store)
    follower = StatusFollower(
        CaClient(settings.ca.socket), store, answers, settings.status.ocsp_ahead, utc_now
    )
    threading.Thread(target=follower.run, args=(threading.Event(),), daemon=True, name="follower").start()
    return create_status_app(answers)


def party_handlers(settings: Settings, database: Database) -> Mapping[str, Handler]:
    """What tells relying parties."""
    keys = OpenIDKeys.open(openid_token_place(settings)).signing_keys
    parties, issuer = relying_parties(settings), settings.openid.issuer
    telling = TellingRelyingParties(database, parties, keys, issuer, HttpBackChannel())
    return {"openid.logout": lambda row: telling.tell(row.key)}


def directory_publishing(settings: Settings, database: Database) -> DirectoryPublishing:
    """The directory's one writer, over its private socket."""
    place = settings.directory
    publisher = Publisher(ldapi_url(place.ldapi_socket), place.folder / WRITER / "publishing.lock")
    return DirectoryPublishing(database, publisher)


def reading_organisations() -> ReadingOrganisations:
    """Reads files of organisations, with the names of roles and reports that travel with the program."""
    return ReadingOrganisations(shipped.role_kinds(), shipped.ods_reports())


def loading_organisations(database: Database) -> LoadingOrganisations:
    """Loads of organisations, as people see them."""
    return LoadingOrganisations(database, reading_organisations())


def carrying_loads(database: Database) -> CarryingLoads:
    """Carries loads of organisations on."""
    previewing = PreviewingLoads(database, reading_organisations())
    return CarryingLoads(database, previewing, ApplyingLoads(database))


def directory_comparing(settings: Settings, database: Database) -> ContinualComparing:
    """What compares the directory with the database all the time."""
    url = ldapi_url(settings.directory.ldapi_socket)
    return ContinualComparing(database, lambda: open_session(url))


def slapd(settings: Settings) -> Slapd:
    """The directory's server as its folder describes it, to rebuild it; ``python -m directory`` serves it."""
    place = settings.directory
    port = urlsplit(place.ldaps_url).port or LDAPS_PORT
    folder = (place.folder / WRITER).resolve() if (place.folder / WRITER).is_symlink() else place.folder
    return Slapd(folder, port, ServerTls.copies_in(folder / "tls"))


def directory_nodes(settings: Settings) -> Nodes:
    """The directory's servers on this machine."""
    place = settings.directory
    return Nodes(place.folder, place.ldaps_url, place.replicas)


def worker(settings: Settings) -> Worker:
    """The outbox's carrier with everything that it carries to."""
    database, ca = open_database(settings), certificate_authority(settings)
    publishing, revocations = (
        directory_publishing(settings, database),
        RevocationLists(lambda: directory_nodes(settings).folders().values()),
    )
    to_authority, to_parties = OneByOne(ca_outbox_handlers(ca)), OneByOne(party_handlers(settings, database))
    revoked = PeriodicTask(
        "revoked systems", timedelta(seconds=10), lambda: tell_directory_of_revocations(ca, revocations)
    )
    locking = PeriodicTask("locked out systems", timedelta(seconds=20), LockingOutSystems(database).announce)
    asked = [*authority_tasks(database, ca, lambda: renew_crls(ca)), revoked, *card_tasks(expiring(database))]
    return Worker(
        Lane(database, publishing, [*directory_tasks(database, publishing), locking], "directory"),
        Lane(database, OneByOne({}), comparing_tasks(directory_comparing(settings, database)), "comparing"),
        Lane(database, to_authority, asked, "authority"),
        Lane(database, to_parties, clearing_tasks(database), "parties"),
        Lane(database, OneByOne(code_handlers(settings)), [], "messages"),
        Lane(database, OneByOne({}), [monitoring.sampling(settings, database)], "monitoring"),
    )
