"""What slapd trusts of clients: the CAs of systems' certificates, and the certificate of its replicas."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from app.ca_files import PROFILES_FILE, PUBLIC_FOLDER
from app.clock import utc_now
from app.domain.certificate_order import CertificatePurpose
from app.domain.certificate_profile import rules_from_toml
from app.service.files import PUBLIC, write_whole
from app.service.layout import Layout
from app.service.node_certificate import node_certificate
from app.service.preflight import CannotStart
from app.service.programs import system_authorities
from app.settings import Settings


def write_system_authorities(settings: Settings, layout: Layout) -> None:
    """Write them into one PEM file, anew at each start: another CA may have taken over.

    Raises:
        CannotStart: the certificate profiles name a CA that nobody made.
    """
    rules = rules_from_toml(PROFILES_FILE.read_text())
    names = (*rules.profiles[CertificatePurpose.SYSTEM].issuing_cas, "root")
    pem = b"".join(_pem(settings, name) for name in names)
    write_whole(system_authorities(layout), pem + node_certificate(layout.systems, utc_now()), PUBLIC)


def _pem(settings: Settings, name: str) -> bytes:
    file = settings.ca.folder / PUBLIC_FOLDER / f"{name}.cer"
    try:
        der = file.read_bytes()
    except OSError as fault:
        raise CannotStart(
            f"The CA {name!r} of {PROFILES_FILE} has no certificate: {file} cannot be read. Name one that "
            "there is, or make it: spine-ra ca succeed."
        ) from fault
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
