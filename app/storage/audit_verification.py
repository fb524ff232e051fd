"""What the verification of the audit reads: the database, a file of seals, a file with the public key."""

from __future__ import annotations

import json
from base64 import b64decode
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

from app.domain.audit_chain import Seal
from app.domain.audit_verification import AuditFindings, verify
from app.errors import InvalidInput
from app.storage.database import Database


def verify_audit(
    database: Database, public_key: EllipticCurvePublicKey, seals_file: Path | None
) -> AuditFindings:
    """Verify the whole audit of the database, with the seals that are kept in the file too.

    Raises:
        InvalidInput: the file of seals cannot be read.
        Unavailable
    """
    elsewhere = read_seals(seals_file) if seals_file else []
    with database.read() as work:
        return verify(work.audit.events_after(0), work.audit.seals(), elsewhere, public_key)


def read_public_key(file: Path) -> EllipticCurvePublicKey:
    """The audit key's public half: PEM or DER SubjectPublicKeyInfo, or a certificate in PEM.

    Raises:
        InvalidInput: there is no such key in the file.
    """
    try:
        content = file.read_bytes()
        key = _public_key(content)
    except (OSError, ValueError) as fault:
        raise InvalidInput({"public_key": f"{file} is no public key: {fault}"}) from fault
    if not isinstance(key, EllipticCurvePublicKey):
        raise InvalidInput({"public_key": f"{file} holds no elliptic curve key."})
    return key


def _public_key(content: bytes) -> object:
    if b"-----BEGIN CERTIFICATE-----" in content:
        return load_pem_x509_certificate(content).public_key()
    if content.startswith(b"-----"):
        return load_pem_public_key(content)
    return load_der_public_key(content)


def read_seals(file: Path) -> list[Seal]:
    """The seals of a file with one JSON object a line. A last line that was not written whole is left out.

    Raises:
        InvalidInput: the file is missing, or another line is no seal.
    """
    try:
        lines = file.read_text().split("\n")
        return [_seal(line) for line in lines[:-1]]
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise InvalidInput({"seals": f"{file} is no file of seals: {fault}"}) from fault


def _seal(line: str) -> Seal:
    fields = json.loads(line)
    return Seal(
        int(fields["seq"]),
        str(fields["hash"]),
        datetime.fromisoformat(fields["sealed_at"]),
        str(fields["key_id"]),
        b64decode(fields["signature"], validate=True),
    )
