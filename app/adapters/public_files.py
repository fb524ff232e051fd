"""The public files of a key ceremony, by which anyone verifies what the certificate authority signed."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from app.domain.receipt_verification import PublicMaterial
from app.errors import InvalidInput

AUDIT_KEY_FILE = "audit-seal.pem"
FOUNDING_DIGEST_FILE = "founding.sha256"


def public_material(folder: Path) -> PublicMaterial:
    """The public files of a key ceremony.

    Raises:
        InvalidInput: the folder lacks one of them, or one cannot be read.
    """
    try:
        key = load_pem_public_key((folder / AUDIT_KEY_FILE).read_bytes())
        certificates = {
            path.stem: x509.load_der_x509_certificate(path.read_bytes()) for path in folder.glob("*.cer")
        }
        digest = folder / FOUNDING_DIGEST_FILE
        founding_digest = digest.read_text("ascii").strip().lower() if digest.exists() else ""
    except (OSError, ValueError) as error:
        raise _not_public(folder) from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or "root" not in certificates:
        raise _not_public(folder)
    return PublicMaterial(key, certificates, founding_digest)


def _not_public(folder: Path) -> InvalidInput:
    sentence = (
        f"{folder} does not hold the public files of a key ceremony: {AUDIT_KEY_FILE} and the certificates "
        "root.cer, content-commitment.cer and so on. Give the folder with --public."
    )
    return InvalidInput({"public": sentence})
