"""The directory as its writer and its operators reach it."""

from __future__ import annotations

from urllib.parse import urlsplit

from app.adapters.directory_publishing import DirectoryPublishing
from app.settings import Settings
from app.storage.database import Database
from directory.node import WRITER
from directory.nodes import Nodes
from directory.publishing import Publisher
from directory.server_tls import ServerTls
from directory.slapd import Slapd
from directory.unix_socket import ldapi_url

LDAPS_PORT = 636


def directory_publishing(settings: Settings, database: Database) -> DirectoryPublishing:
    """The directory's one writer, over its private socket."""
    place = settings.directory
    publisher = Publisher(ldapi_url(place.ldapi_socket), place.folder / WRITER / "publishing.lock")
    return DirectoryPublishing(database, publisher)


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
