"""The directory of a first start, or of one lost or torn: built whole from the database before it serves."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from app.bootstrap.directory import directory_publishing
from app.bootstrap.validation import ROOT, issuing_cas
from app.clock import utc_now
from app.domain.certificate_order import CertificatePurpose
from app.service.directory_start import being_built
from app.service.files import PUBLIC, write_whole
from app.service.layout import Layout
from app.service.node_certificate import node_certificate
from app.service.programs import system_authorities
from app.service.telling import Terminal
from app.settings import Settings
from app.storage.database import Database
from directory.server_tls import ServerTls
from directory.slapd import Slapd


def write_system_authorities(settings: Settings, layout: Layout) -> None:
    """What slapd trusts of clients, in one PEM file: the CAs of systems, and the replicas' certificate."""
    public = settings.ca.folder / "public"
    names = (*issuing_cas(CertificatePurpose.SYSTEM), ROOT)
    pem = b"".join(_pem(public / f"{name}.cer") for name in names)
    write_whole(system_authorities(layout), pem + node_certificate(layout.systems, utc_now()), PUBLIC)


def _pem(path: Path) -> bytes:
    return x509.load_der_x509_certificate(path.read_bytes()).public_bytes(Encoding.PEM)


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
