"""The program that carries announcements."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from app.adapters.back_channel import HttpBackChannel
from app.adapters.ca_outbox import ca_outbox_handlers, renew_crls, tell_directory_of_revocations
from app.adapters.directory_comparing import ContinualComparing
from app.adapters.locking_out import LockingOutSystems
from app.adapters.openid_keys import OpenIDKeys
from app.bootstrap import monitoring
from app.bootstrap.authority import certificate_authority
from app.bootstrap.cards import (
    code_handlers,
    expiring,
)
from app.bootstrap.database import open_database
from app.bootstrap.directory import directory_nodes, directory_publishing
from app.bootstrap.openid import openid_token_place, relying_parties
from app.bootstrap.validation import cards_distrusted_before, issuing_cas, revoked_by_root, revoked_issuers
from app.domain.certificate_order import CertificatePurpose
from app.oidc.logging_out import TellingRelyingParties
from app.periodic_tasks import (
    authority_tasks,
    card_tasks,
    clearing_tasks,
    comparing_tasks,
    directory_tasks,
    distrusting_tasks,
)
from app.ra.distrusting_systems import DistrustingSystems
from app.settings import Settings
from app.signin.ending_sessions import EndingSessions
from app.storage.database import Database
from app.worker import Handler, Lane, OneByOne, PeriodicTask, Worker
from directory.connection import open_session
from directory.revocation import RevocationLists
from directory.unix_socket import ldapi_url


def worker(settings: Settings) -> Worker:
    """The outbox's carrier with everything that it carries to."""
    database, ca = open_database(settings), certificate_authority(settings)
    publishing, revocations = (
        directory_publishing(settings, database),
        RevocationLists(lambda: directory_nodes(settings).folders().values()),
    )
    to_authority, to_parties = OneByOne(ca_outbox_handlers(ca)), OneByOne(party_handlers(settings, database))
    revoked = PeriodicTask(
        "revoked systems",
        timedelta(seconds=10),
        lambda: tell_directory_of_revocations(
            ca, issuing_cas(CertificatePurpose.SYSTEM), revocations, revoked_by_root(settings)
        ),
    )
    locking = PeriodicTask("locked out systems", timedelta(seconds=20), LockingOutSystems(database).announce)
    asked = [*authority_tasks(database, ca, lambda: renew_crls(ca)), revoked, *card_tasks(expiring(database))]
    return Worker(
        Lane(database, publishing, [*directory_tasks(database, publishing), locking], "directory"),
        Lane(database, OneByOne({}), comparing_tasks(directory_comparing(settings, database)), "comparing"),
        Lane(database, to_authority, asked, "authority"),
        Lane(
            database,
            to_parties,
            [*clearing_tasks(database), *_distrusting(settings, database)],
            "parties",
        ),
        Lane(database, OneByOne(code_handlers(settings)), [], "messages"),
        Lane(database, OneByOne({}), [monitoring.sampling(settings, database)], "monitoring"),
    )


def _distrusting(settings: Settings, database: Database) -> list[PeriodicTask]:
    of_systems = partial(revoked_issuers, settings, CertificatePurpose.SYSTEM)
    return distrusting_tasks(
        EndingSessions(database, partial(cards_distrusted_before, settings)),
        DistrustingSystems(database, of_systems),
    )


def party_handlers(settings: Settings, database: Database) -> Mapping[str, Handler]:
    """What tells relying parties."""
    keys = OpenIDKeys.open(openid_token_place(settings)).signing_keys
    parties, issuer = relying_parties(settings), settings.openid.issuer
    telling = TellingRelyingParties(database, parties, keys, issuer, HttpBackChannel())
    return {"openid.logout": lambda row: telling.tell(row.key)}


def directory_comparing(settings: Settings, database: Database) -> ContinualComparing:
    """What compares the directory with the database all the time."""
    url = ldapi_url(settings.directory.ldapi_socket)
    return ContinualComparing(database, lambda: open_session(url))
