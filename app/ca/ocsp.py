"""OCSP (RFC 6960): answers to requests, signed at once, and answers made ahead for those who keep them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from app.ca.ocsp_form import HASHES, CertificateName, Told, hash_name, issuer_hashes, whole_answer
from app.ca.ocsp_gate import LONGEST_NONCE
from app.ca.ocsp_signer import AnswerSigner
from app.ca.ports import CertificateLedger
from app.ca.refusals import IssuingCaUnknown, LintFailed, RequestMalformed
from app.ca.status_values import AnswersAhead, AnswersWanted, CertificateState, PreparedAnswer
from app.clock import Clock
from app.domain.certificate_order import serial_number_text

MAXIMUM_REQUEST_BYTES = 1024
MAXIMUM_AT_ONCE = 1000
"""Answers that are made ahead by one call."""


class OCSPResponder:
    """Answers for every issuing CA.

    Args:
        signers: by name of the issuing CA; one that is renewed is exchanged in it.
        validity: from this update to next update.
    """

    def __init__(
        self,
        signers: Mapping[str, AnswerSigner],
        ledger: CertificateLedger,
        validity: timedelta,
        clock: Clock,
    ) -> None:
        self._signers = signers
        self._ledger = ledger
        self._validity = validity
        self._clock = clock

    def answer(self, request_from_untrusted: bytes) -> bytes:
        """Answer a request, DER to DER. Never raises for what a stranger sent.

        ``malformedRequest`` for what cannot be read, ``unauthorized`` for a CA that is not ours (RFC 5019
        section 2.2.3), ``unknown`` for a serial number that was never issued.
        """
        request = _request(request_from_untrusted)
        if request is None:
            return _unsuccessful(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
        issuing_ca = self._issuing_ca(request)
        if issuing_ca is None:
            return _unsuccessful(ocsp.OCSPResponseStatus.UNAUTHORIZED)
        try:
            return self._signed_now(request, issuing_ca)
        except LintFailed:
            # The only part of an answer that a stranger writes is the serial number, which was none.
            return _unsuccessful(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)

    def answers_ahead(self, wanted: Sequence[AnswersWanted]) -> list[AnswersAhead]:
        """Answers without a nonce, by CA and hash; for certificates that the CA did not issue there is none.

        Raises:
            IssuingCaUnknown, RequestMalformed, LintFailed, Unavailable
        """
        self._require_known(wanted)
        begins = self._now()
        serial_numbers = [number for each in wanted for number in each.serial_numbers]
        states = {state.serial_number: state for state in self._ledger.states(serial_numbers)}
        return [self._made_ahead(each, states, begins) for each in wanted]

    def _require_known(self, wanted: Sequence[AnswersWanted]) -> None:
        for each in wanted:
            if each.issuing_ca not in self._signers:
                raise IssuingCaUnknown(f"There is no issuing CA {each.issuing_ca[:40]!r}.")
        too_many = sum(len(each.serial_numbers) for each in wanted) > MAXIMUM_AT_ONCE
        if too_many or any(each.algorithm not in HASHES for each in wanted):
            known = ", ".join(HASHES)
            raise RequestMalformed(f"Ask for at most {MAXIMUM_AT_ONCE} answers by one of {known}.")

    def _made_ahead(
        self, wanted: AnswersWanted, states: Mapping[str, CertificateState], begins: datetime
    ) -> AnswersAhead:
        signer = self._signers[wanted.issuing_ca]
        found = (states.get(serial_number) for serial_number in dict.fromkeys(wanted.serial_numbers))
        answers = [
            self._ahead(signer, wanted.algorithm, state, begins)
            for state in found
            if state is not None and state.issuing_ca == wanted.issuing_ca
        ]
        return AnswersAhead(signer.certificate, answers)

    def _ahead(
        self, signer: AnswerSigner, algorithm: str, state: CertificateState, begins: datetime
    ) -> PreparedAnswer:
        names = _issuer_hashes(signer.responder.issuer, algorithm)
        name = CertificateName(algorithm, *names, int(state.serial_number, 16))
        ends = begins + self._validity
        signed = signer.sign(Told(name, True, state.revocation, begins, ends))
        return PreparedAnswer(
            state.issuing_ca, algorithm, state.serial_number, begins, ends, state.not_after, signed
        )

    def _now(self) -> datetime:
        return self._clock().replace(microsecond=0)

    def _issuing_ca(self, request: ocsp.OCSPRequest) -> str | None:
        wanted = (request.issuer_name_hash, request.issuer_key_hash)
        for name, signer in self._signers.items():
            if _issuer_hashes(signer.responder.issuer, request.hash_algorithm.name) == wanted:
                return name
        return None

    def _signed_now(self, request: ocsp.OCSPRequest, issuing_ca: str) -> bytes:
        signer, begins = self._signers[issuing_ca], self._now()
        found = self._ledger.states([serial_number_text(request.serial_number)])
        state = next((each for each in found if each.issuing_ca == issuing_ca), None)
        name = CertificateName(
            hash_name(request.hash_algorithm) or "",
            request.issuer_name_hash,
            request.issuer_key_hash,
            request.serial_number,
        )
        revocation = state.revocation if state else None
        told = Told(name, state is not None, revocation, begins, begins + self._validity, _nonce(request))
        return whole_answer(signer.sign(told), signer.certificate)


def _request(der: bytes) -> ocsp.OCSPRequest | None:
    """The request, when it can be read: one certificate, a known hash, a nonce that is not too long."""
    if len(der) > MAXIMUM_REQUEST_BYTES:
        return None
    try:
        request = ocsp.load_der_ocsp_request(der)
        nonces = [each.value.nonce for each in request.extensions if isinstance(each.value, x509.OCSPNonce)]
        known = hash_name(request.hash_algorithm) is not None and request.serial_number >= 0
    except (ValueError, NotImplementedError, UnsupportedAlgorithm, x509.DuplicateExtension):
        return None
    too_long = any(not 0 < len(nonce) <= LONGEST_NONCE for nonce in nonces)
    return request if known and not too_long else None


def _nonce(request: ocsp.OCSPRequest) -> bytes:
    """The request's nonce; empty when it has none."""
    nonces = (each.value.nonce for each in request.extensions if isinstance(each.value, x509.OCSPNonce))
    return next(nonces, b"")


@lru_cache(maxsize=64)
def _issuer_hashes(issuer: x509.Certificate, algorithm: str) -> tuple[bytes, bytes]:
    """``issuer_hashes``, remembered: there are few issuers, and each request needs them."""
    return issuer_hashes(issuer, algorithm)


def _unsuccessful(status: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
