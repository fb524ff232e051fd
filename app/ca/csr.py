"""Certificate signing requests (PKCS#10, RFC 2986): from untrusted bytes to a verified key, and nothing more.

Only the public key is taken from a CSR. Its subject and the extensions it asks for are ignored: what goes
into a certificate is decided by the profile and the approved order.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.ca.key_strength import key_type_of, require_strong
from app.ca.ports import PublicKey
from app.ca.refusals import CsrMalformed, KeyTypeNotAllowed, ProofOfPossessionFailed
from app.domain.certificate_profile import CertificateProfile, KeyType

MAXIMUM_CSR_BYTES = 8192


@dataclass(frozen=True)
class UnverifiedCsr:
    """A CSR as it came: DER bytes that nobody has looked at."""

    der: bytes


@dataclass(frozen=True)
class VerifiedCsr:
    """A public key whose holder proved possession, and that the profile allows. Made by ``verify`` alone.

    Attributes:
        public_key: the key to certify.
        key_type: its kind and size.
        spki_sha256: SHA-256 of its SubjectPublicKeyInfo, lower-case hexadecimal.
    """

    public_key: PublicKey
    key_type: KeyType
    spki_sha256: str

    @property
    def spki(self) -> bytes:
        """The key's SubjectPublicKeyInfo, DER."""
        return self.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def verify(csr: UnverifiedCsr, profile: CertificateProfile) -> VerifiedCsr:
    """Check a CSR in order: form, kind of key, proof of possession, strength.

    Raises:
        CsrMalformed, KeyTypeNotAllowed, ProofOfPossessionFailed, KeyTooWeak
    """
    request = _load(csr)
    key, key_type = _allowed_key(request, profile)
    _require_proof_of_possession(request)
    require_strong(key)
    return VerifiedCsr(public_key=key, key_type=key_type, spki_sha256=spki_sha256(key))


def spki_sha256(key: PublicKey) -> str:
    """SHA-256 of the key's SubjectPublicKeyInfo in DER, lower-case hexadecimal."""
    return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def unproven_spki_sha256(csr: UnverifiedCsr) -> str:
    """``spki_sha256`` of the key that a CSR asks for, whose possession is verified elsewhere.

    Raises:
        CsrMalformed
    """
    try:
        key = _load(csr).public_key()
        return sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CsrMalformed("The CSR's public key cannot be read.") from error


def _load(csr: UnverifiedCsr) -> x509.CertificateSigningRequest:
    if len(csr.der) > MAXIMUM_CSR_BYTES:
        raise CsrMalformed(f"The CSR is larger than {MAXIMUM_CSR_BYTES} bytes.")
    try:
        return x509.load_der_x509_csr(csr.der)
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise CsrMalformed("The CSR cannot be read: it is not a DER encoded PKCS#10 request.") from error


def _allowed_key(
    request: x509.CertificateSigningRequest, profile: CertificateProfile
) -> tuple[PublicKey, KeyType]:
    try:
        key = request.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyTypeNotAllowed("The CSR's public key is of a kind that is not accepted.") from error
    key_type = key_type_of(key)
    if key_type not in profile.key_types or not isinstance(key, PublicKey):
        raise KeyTypeNotAllowed(f"The profile {profile.purpose} does not allow a {key_type} key.")
    return key, key_type


def _require_proof_of_possession(request: x509.CertificateSigningRequest) -> None:
    try:
        proven = request.is_signature_valid and isinstance(
            request.signature_hash_algorithm, hashes.SHA256 | hashes.SHA384 | hashes.SHA512
        )
    except (ValueError, UnsupportedAlgorithm):
        proven = False
    if not proven:
        raise ProofOfPossessionFailed("The CSR is not signed with its own key. Make the request again.")
