"""The directory of a first start, or of one lost or torn: built whole from the database before it serves."""

from __future__ import annotations

from app.bootstrap.directory import directory_publishing
from app.service.directory_start import being_built
from app.service.layout import Layout
from app.service.programs import system_authorities
from app.service.telling import Terminal
from app.settings import Settings
from app.storage.database import Database
from directory.server_tls import ServerTls
from directory.slapd import Slapd


def build_directory(settings: Settings, layout: Layout, database: Database, terminal: Terminal) -> None:
    """Load every entry with slapadd.

    Raises:
        directory.errors.SlapdFailed: slapd is not installed, or refuses an entry.
    """
    tls = ServerTls(layout.tls / "directory.pem", layout.tls / "directory.key", system_authorities(layout))
    slapd = Slapd(layout.directory, layout.ldaps_port, tls, listen=layout.listen)
    layout.directory.mkdir(mode=0o755, exist_ok=True)
    being_built(layout).touch()
    with terminal.step("Directory, built from the database") as advance:
        slapd.prepare()
        publishing = directory_publishing(settings, database)
        entries = publishing.rebuild(slapd, lambda done: advance("entries", done, 0))
    being_built(layout).unlink()
    terminal.say(f"    {entries:,} entries")
