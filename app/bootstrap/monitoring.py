"""The composition root's part for monitoring: who is asked how the service is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from urllib.parse import urlsplit

from app.adapters.ca_client import CaClient
from app.adapters.monitored_parts import MonitoredParts, RootListFigures
from app.bootstrap.directory_tls import look_ups_tls
from app.bootstrap.validation import issues_until, root_list_says
from app.clock import utc_now
from app.domain.figures import TOPICS
from app.errors import SpineError
from app.metrics import ServiceCollector
from app.sampling import EVERY, Sampling
from app.settings import Settings
from app.storage.database import Database
from app.worker import PeriodicTask
from directory.connection import Session, open_session
from directory.nodes import Nodes
from directory.unix_socket import ldapi_url

TIMEOUT_SECONDS = 3
"""How long a part may take to say how it is."""


def collector(settings: Settings) -> ServiceCollector:
    """What Prometheus is told. Run it as the worker's user: only that may read the directory's monitor."""
    return ServiceCollector(Database(settings.database.url), monitored_parts(settings), TOPICS)


def sampling(settings: Settings, database: Database) -> PeriodicTask:
    """Samples for the operator's page."""
    return PeriodicTask("sample", EVERY, Sampling(database, monitored_parts(settings), TOPICS).take)


def monitored_parts(settings: Settings) -> MonitoredParts:
    """The parts that say how they are."""
    url = ldapi_url(settings.directory.ldapi_socket)
    authority = CaClient(settings.ca.socket, timeout_seconds=TIMEOUT_SECONDS)
    return MonitoredParts(
        partial(open_session, url, timeout=TIMEOUT_SECONDS),
        authority,
        lambda: _watched_replicas(settings),
        lambda: _root_list(settings),
        lambda: _issues_until(settings),
    )


def _root_list(settings: Settings) -> RootListFigures:
    try:
        said = root_list_says(settings, utc_now())
    except SpineError:
        return RootListFigures(None)
    return RootListFigures(said.ends, {name: how is not None for name, how in said.revoked.items()})


def _issues_until(settings: Settings) -> Mapping[str, datetime]:
    try:
        return issues_until(settings)
    except SpineError:
        return {}


def _watched_replicas(settings: Settings) -> Mapping[str, Callable[[], Session]]:
    """Those of this machine over their private sockets, and those of the settings as an accredited system."""
    place = settings.directory
    nodes = Nodes(place.folder, place.ldaps_url, place.replicas)
    here = {
        name: partial(open_session, ldapi_url(folder / "run" / "ldapi"), timeout=TIMEOUT_SECONDS)
        for name, folder in nodes.folders().items()
        if not nodes.node(name).is_provider
    }
    elsewhere = {
        urlsplit(url).netloc: partial(open_session, url, look_ups_tls(settings), TIMEOUT_SECONDS)
        for url in settings.monitoring.replicas.split()
    }
    return here | elsewhere
