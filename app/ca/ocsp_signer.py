"""The responder that an issuing CA delegated (RFC 6960 section 4.2.2.2), and answers signed with its key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from app.ca import der
from app.ca.lint import Linter
from app.ca.ocsp_form import Told, response_data, whole_answer
from app.ca.ocsp_gate import OcspGate
from app.ca.ports import SigningKey
from app.ca.signing import sign_octets, signature_hash, throw_away_key

_DUMMY_TIME = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Responder:
    """The responder that an issuing CA delegated: the CA's certificate, its own, and its key."""

    issuer: x509.Certificate
    certificate: x509.Certificate
    key: SigningKey


class AnswerSigner:
    """Signs answers for one issuing CA; nothing is signed that the gate does not pass."""

    def __init__(self, responder: Responder, linter: Linter, whole_lint_one_in: int = 1) -> None:
        self.responder = responder
        self.certificate = responder.certificate.public_bytes(Encoding.DER)
        self._gate = OcspGate(linter, whole_lint_one_in)
        self._throw_away_key = throw_away_key(responder.key)
        self._algorithm = _algorithm(self._throw_away_key)
        self._key_hash = x509.SubjectKeyIdentifier.from_public_key(responder.certificate.public_key()).digest

    def sign(self, told: Told) -> bytes:
        """The answer but for the responder's certificate: what is signed, the algorithm, the signature.

        Raises:
            LintFailed
        """
        data = response_data(told, self._key_hash)
        self._gate.require_sound(told.kind, data, lambda: self._linted(data))
        return self._signed(data, self.responder.key)

    def _linted(self, data: bytes) -> bytes:
        return whole_answer(self._signed(data, self._throw_away_key), self.certificate)

    def _signed(self, data: bytes, key: SigningKey) -> bytes:
        return data + self._algorithm + der.bit_string(sign_octets(key, data))


def _algorithm(key: SigningKey) -> bytes:
    """The AlgorithmIdentifier of a key's signatures, as the library writes it into a certificate."""
    name = x509.Name([])
    ends = _DUMMY_TIME + timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, _DUMMY_TIME, ends)
    return der.children(builder.sign(key, signature_hash(key)).public_bytes(Encoding.DER))[1]
