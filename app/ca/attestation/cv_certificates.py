"""Card verifiable certificates: read and verified (BSI TR-03110-3, appendix C and D)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

CV_CERTIFICATE: Final = 0x7F21
AUTHENTICATED_REQUEST: Final = 0x67
SIGNATURE: Final = 0x5F37
AUTHORITY: Final = 0x42
_BODY, _PUBLIC_KEY, _HOLDER = 0x7F4E, 0x7F49, 0x5F20
_ALGORITHM, _PRIME, _POINT, _MODULUS, _EXPONENT = 0x06, 0x81, 0x86, 0x81, 0x82
_RSA_V1_5_SHA_256: Final = bytes.fromhex("04007f00070202020102")
_ECDSA_SHA_256: Final = bytes.fromhex("04007f00070202020203")
_LONG_TAG, _LONG_LENGTH = 0x1F, 0x80

# A curve is told by its field prime; makers of cards use these.
_CURVES: Final[Mapping[int, ec.EllipticCurve]] = {
    2**256 - 2**224 + 2**192 + 2**96 - 1: ec.SECP256R1(),
    2**384 - 2**128 - 2**96 + 2**32 - 1: ec.SECP384R1(),
    0xA9FB57DBA1EEA9BC3E660A909D838D726E3BF623D52620282013481D1F6E5377: ec.BrainpoolP256R1(),
}
CvKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


class NotACvCertificate(ValueError):
    """The octets are no CV certificate of a kind that is read here."""


@dataclass(frozen=True)
class CvCertificate:
    """A CV certificate or request. ``key`` is None as long as its curve is its issuer's to tell."""

    holder: str
    authority: str
    key: CvKey | None
    point: bytes
    body: bytes
    signature: bytes

    def with_curve_of(self, issuer: CvCertificate) -> CvCertificate:
        """The certificate with its key on the issuer's curve, where it names none itself (D.3)."""
        if self.key is not None or not isinstance(issuer.key, ec.EllipticCurvePublicKey):
            return self
        return replace(self, key=_on_curve(issuer.key.curve, self.point))


def read_certificate(octets: bytes) -> CvCertificate:
    """A CV certificate (7F21) and nothing after it.

    Raises:
        NotACvCertificate
    """
    tag, content, whole = one_object(octets)
    if tag != CV_CERTIFICATE or len(whole) != len(octets):
        raise NotACvCertificate("not a CV certificate")
    parts = {tag: (value, whole) for tag, value, whole in objects(content)}
    body, body_whole = _required(parts, _BODY)
    inner = {tag: (value, whole) for tag, value, whole in objects(body)}
    key, point = _read_key(_required(inner, _PUBLIC_KEY)[0])
    return CvCertificate(
        holder=_text(_required(inner, _HOLDER)[0]),
        authority=_text(inner.get(AUTHORITY, (b"", b""))[0]),
        key=key,
        point=point,
        body=body_whole,
        signature=_required(parts, SIGNATURE)[0],
    )


def verify(key: CvKey | None, signature: bytes, data: bytes) -> bool:
    """Whether the signature over the data is the key's: plain ECDSA or RSA PKCS#1 v1.5, with SHA-256."""
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
        elif key is not None:
            half = len(signature) // 2
            r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
            key.verify(utils.encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))
        return key is not None
    except InvalidSignature:
        return False


def objects(octets: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """The data objects that the octets consist of: tag, value, and the whole object."""
    position = 0
    while position < len(octets):
        tag, value, whole = one_object(octets[position:])
        yield tag, value, whole
        position += len(whole)


def one_object(octets: bytes) -> tuple[int, bytes, bytes]:
    """The first data object (X.690, 8.1): tag, value, and the whole object. Raises NotACvCertificate."""
    try:
        tag, position = _tag(octets)
        length, position = _length(octets, position)
    except IndexError:
        raise NotACvCertificate("cut short") from None
    if position + length > len(octets):
        raise NotACvCertificate("cut short")
    return tag, octets[position : position + length], octets[: position + length]


def _tag(octets: bytes) -> tuple[int, int]:
    if octets[0] & _LONG_TAG != _LONG_TAG:
        return octets[0], 1
    return octets[0] << 8 | octets[1], 2


def _length(octets: bytes, position: int) -> tuple[int, int]:
    length = octets[position]
    if length < _LONG_LENGTH:
        return length, position + 1
    count = length - _LONG_LENGTH
    if not 1 <= count <= 2:
        raise NotACvCertificate("too long")
    end = position + 1 + count
    return int.from_bytes(octets[position + 1 : end], "big"), end


def _read_key(octets: bytes) -> tuple[CvKey | None, bytes]:
    parts = {tag: (value, whole) for tag, value, whole in objects(octets)}
    algorithm = _required(parts, _ALGORITHM)[0]
    if algorithm == _RSA_V1_5_SHA_256:
        modulus = int.from_bytes(_required(parts, _MODULUS)[0], "big")
        exponent = int.from_bytes(_required(parts, _EXPONENT)[0], "big")
        return _rsa(exponent, modulus), b""
    if algorithm != _ECDSA_SHA_256:
        raise NotACvCertificate("an algorithm that is not used here")
    point = _required(parts, _POINT)[0]
    if _PRIME not in parts:
        return None, point
    curve = _CURVES.get(int.from_bytes(parts[_PRIME][0], "big"))
    if curve is None:
        raise NotACvCertificate("a curve that is not used here")
    return _on_curve(curve, point), point


def _rsa(exponent: int, modulus: int) -> rsa.RSAPublicKey:
    try:
        return rsa.RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError:
        raise NotACvCertificate("no RSA key") from None


def _on_curve(curve: ec.EllipticCurve, point: bytes) -> ec.EllipticCurvePublicKey:
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(curve, point)
    except ValueError:
        raise NotACvCertificate("a point that is not on its curve") from None


def _required(parts: Mapping[int, tuple[bytes, bytes]], tag: int) -> tuple[bytes, bytes]:
    if tag not in parts:
        raise NotACvCertificate(f"object {tag:x} is missing")
    return parts[tag]


def _text(octets: bytes) -> str:
    return octets.decode("latin-1")
