"""Client certificates for the accredited systems of a first start, ordered by CSR as their owners would."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from app.ca_server import certificate_authority_at_rest
from app.domain.actor import Actor
from app.domain.certificate_order import SystemCertificateOrder
from app.ra.certifying_systems import IssuingSystemCertificates
from app.service.files import PUBLIC, write_whole
from app.settings import Settings
from app.storage.database import Database

FIRST_START = Actor.system("first-start")


def order_system_certificates(settings: Settings, database: Database, folder: Path) -> int:
    """Leave ``<asid>.key`` and ``<asid>.pem`` in ``folder`` for every accredited system. Returns how many.

    The certificate authority's process must not run yet: it takes no such orders.

    Raises:
        Unavailable: the certificate authority cannot be used; again goes on where it was.
    """
    with database.read() as work:
        systems = work.systems.all_accredited_systems()
    with certificate_authority_at_rest(settings) as operations:
        issuing = IssuingSystemCertificates(database, operations.authority.issue_system_certificate)
        for asid in (system.asid for system in systems):
            certificate = folder / f"{asid}.pem"
            if not certificate.exists():
                csr = _csr(_key(folder / f"{asid}.key"), asid)
                issued = issuing.issue(FIRST_START, SystemCertificateOrder(asid, asid, csr), None).der
                pem = x509.load_der_x509_certificate(issued).public_bytes(Encoding.PEM)
                write_whole(certificate, pem, PUBLIC)
    return len(systems)


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The system's key; one that an interrupted start has made already is used, since it may be certified."""
    if path.exists():
        known = load_pem_private_key(path.read_bytes(), None)
        assert isinstance(known, ec.EllipticCurvePrivateKey), f"{path} was made here"
        return known
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_whole(path, pem)
    return key


def _csr(key: ec.EllipticCurvePrivateKey, asid: str) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, asid)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
