"""The program that serves pages, sign-in, OpenID and the desk API."""

from __future__ import annotations

import warnings
from datetime import timedelta

from flask import Flask

from app.adapters.ca_client import CaClient
from app.adapters.openid_keys import OpenIDKeys
from app.adapters.photo import PillowPhotos
from app.adapters.public_files import public_material
from app.bootstrap import monitoring
from app.bootstrap.authority import certificate_authority
from app.bootstrap.cards import (
    collecting,
    desk_policy,
    following,
    renewals,
    unlockings,
)
from app.bootstrap.database import open_database
from app.bootstrap.loads import loading_organisations
from app.bootstrap.openid import openid_token_place, relying_parties
from app.bootstrap.permissions import permissions
from app.bootstrap.signatures import signature_service
from app.bootstrap.stock import printing_cards, stock_abilities
from app.bootstrap.systems import system_abilities
from app.bootstrap.validation import card_paths
from app.ca_files import PUBLIC_FOLDER
from app.oidc.provider import OpenIDProvider
from app.oidc.signing import SigningKeys
from app.ra.agreeing_to_last_tries import AgreeingToLastTries
from app.ra.auditing import Auditing
from app.ra.batching import Batching
from app.ra.clearing import Clearing
from app.ra.closing_organisations import ClosingOrganisations
from app.ra.deciding import Deciding
from app.ra.desk_jobs import DeskJobs
from app.ra.finding import Finding
from app.ra.issuing import Issuing
from app.ra.limiting import Limiting
from app.ra.looking_up import LookingUpOrganisations, LookingUpRoles
from app.ra.moving_cards import MovingCards
from app.ra.operating import Operating
from app.ra.organisation_scope import OrganisationScope
from app.ra.positioning import Positioning
from app.ra.reading_receipts import ReadingReceipts
from app.ra.registering import Registering
from app.ra.reporting_workstations import ReportingWorkstations
from app.ra.requesting import Requesting
from app.ra.withdrawing import Withdrawing
from app.services import Services
from app.settings import InsecureDevelopmentWarning, Settings
from app.signin.browser_sessions import BrowserSessions
from app.signin.session import SessionLimits
from app.signin.smartcard import SmartcardSignIn
from app.storage.database import Database
from app.web.application import create_app


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
    desk_jobs = DeskJobs(database, ca, policy_of_desks)
    origin = settings.service.origin
    renewing = renewals(database, ca, origin)
    unlocks = unlockings(database, ca, settings, policy)
    return Services(
        finding=Finding(database),
        registering=Registering(database, PillowPhotos()),
        organisations=LookingUpOrganisations(database),
        reference=LookingUpRoles(database),
        positions=Positioning(database, scope),
        requesting=Requesting(database, scope),
        deciding=Deciding(database, scope),
        withdrawing=Withdrawing(database, scope),
        issuing=Issuing(database),
        desk_jobs=desk_jobs,
        collecting_jobs=collecting(database, desk_jobs, renewing, unlocks, policy_of_desks),
        following_jobs=following(database),
        renewals=renewing,
        unlocks=unlocks,
        last_tries=AgreeingToLastTries(database, origin),
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
        sign_in=SmartcardSignIn(database, card_paths(settings), origin, session_limits=limits),
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
