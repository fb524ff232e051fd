"""What the status service gives out: CRLs, OCSP answers and CA certificates, from memory and its own store.

A follower beside it keeps the store equal to what the certificate authority would say, twice a second. While
it follows, everything comes from memory or the store, but for OCSP requests with a nonce and those whose
answer nobody made ahead: the authority answers them at once. When the follower cannot follow, the authority
is asked first. When the authority is down, the last document is given out for as long as it says of itself
that it holds (next update); after that nothing is: relying parties must notice.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from threading import Lock

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import DuplicateExtension, OCSPNonce, load_der_x509_certificate, ocsp

from app.ca.ocsp_form import HASHES, issuer_hashes
from app.ca.status_values import AnswerKey
from app.clock import Clock, utc_now
from app.domain.certificate_order import serial_number_text
from app.errors import Unavailable
from app.web.status_documents import NothingKept, StatusDocument, StatusKeeping, StatusSource, Timed

FRESH_FOR = timedelta(seconds=1)
"""How long a document of the authority is given out again without asking; and it is left alone when down."""

FOLLOWED_WITHIN = timedelta(seconds=2)
"""After so long without news the follower's store is not believed to be new."""

READ_AGAIN_AFTER = timedelta(seconds=30)
"""How long an answer of the store is given out from memory while nothing changes."""

MAXIMUM_KEPT = 10_000
MAXIMUM_ASKED = 100_000

_Key = tuple[str, bytes]


class StatusAnswers:
    """Answers from memory, from ``keeping`` while it is followed, else from ``source``. Thread-safe."""

    def __init__(
        self,
        source: StatusSource,
        keeping: StatusKeeping | None = None,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._keeping = keeping or NothingKept()
        self._clock = clock
        self._monotonic = monotonic
        self._memory: OrderedDict[_Key, tuple[float, StatusDocument]] = OrderedDict()
        self._last: OrderedDict[_Key, StatusDocument] = OrderedDict()
        self._asked: set[AnswerKey] = set()
        self._issuers: Mapping[tuple[bytes, bytes], tuple[str, str]] = {}
        self._lock = Lock()
        self._certificates: Mapping[str, bytes] = {}
        self._generation = 0
        self._followed_until = 0.0
        self._down_until = 0.0

    def crl(self, issuing_ca: str) -> StatusDocument:
        """The CRL of a CA. Raises a Refusal for an unknown name, Unavailable when none that holds is kept."""
        return self._crl("crl", issuing_ca, self._source.crl)

    def delta_crl(self, issuing_ca: str) -> StatusDocument:
        """The delta CRL of a CA. Raises as ``crl``."""
        return self._crl("delta-crl", issuing_ca, self._source.delta_crl)

    def ocsp(self, request_from_untrusted: bytes) -> StatusDocument:
        """The answer to an OCSP request. Raises Unavailable when none that holds is at hand."""
        key = ("ocsp", request_from_untrusted)
        remembered = self._remembered(key)
        if remembered is not None:
            return remembered
        wanted = self._answer_id(request_from_untrusted)
        return self._answer(
            key,
            lambda: self._kept_answer(wanted),
            lambda: self._ask(request_from_untrusted, wanted),
        )

    def certificate(self, name: str) -> bytes | None:
        """A CA's certificate, DER. They never change, so they are asked for once. Raises Unavailable."""
        return self._all_certificates().get(name)

    def changed(self) -> None:
        """The store changed: nothing from before is given out any more."""
        with self._lock:
            self._generation += 1
            self._memory.clear()

    def followed(self) -> None:
        """The store is as the authority would answer now."""
        self._followed_until = self._monotonic() + FOLLOWED_WITHIN.total_seconds()

    def take_asked(self) -> Iterable[AnswerKey]:
        """Which answers were asked for since the last time."""
        with self._lock:
            asked, self._asked = self._asked, set()
        return asked

    def _crl(self, kind: str, name: str, ask: Callable[[str], Timed]) -> StatusDocument:
        key = (kind, name.encode())
        return self._remembered(key) or self._answer(
            key, lambda: self._keeping.document(kind, name), lambda: StatusDocument.of(ask(name))
        )

    def _kept_answer(self, wanted: AnswerKey | None) -> Timed | None:
        kept = self._keeping.answer(wanted) if wanted else None
        if wanted and kept:
            self._note(wanted)
        return kept

    def _answer(
        self, key: _Key, kept: Callable[[], Timed | None], ask: Callable[[], StatusDocument]
    ) -> StatusDocument:
        generation = self._generation
        if self._monotonic() < self._followed_until:
            document = self._kept(kept)
            if document is not None:
                return self._remember(key, document, READ_AGAIN_AFTER, generation)
        try:
            document = self._asked_unless_down(ask)
        except Unavailable:
            last = self._kept(kept) or self._holding(self._last.get(key))
            if last is None:
                raise
            return last
        if not document.may_be_kept:
            return document
        return self._remember(key, document, FRESH_FOR, generation)

    def _asked_unless_down(self, ask: Callable[[], StatusDocument]) -> StatusDocument:
        """Ask, unless the authority did not answer just now: one that hangs must not hold up everybody."""
        if self._monotonic() < self._down_until:
            raise Unavailable("certificate authority", "The certificate authority did not answer just now.")
        try:
            return ask()
        except Unavailable:
            self._down_until = self._monotonic() + FRESH_FOR.total_seconds()
            raise

    def _ask(self, request: bytes, wanted: AnswerKey | None) -> StatusDocument:
        der = self._source.ocsp(request)
        answer = ocsp.load_der_ocsp_response(der)
        if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return StatusDocument(der, None, None, may_be_kept=False)
        may_be_kept = wanted is not None
        if wanted is not None and answer.certificate_status is not ocsp.OCSPCertStatus.UNKNOWN:
            self._note(wanted)
        return StatusDocument(der, answer.this_update_utc, answer.next_update_utc, may_be_kept)

    def _answer_id(self, request_from_untrusted: bytes) -> AnswerKey | None:
        """Which answer made ahead fits; None with a nonce, for another CA, or for what cannot be read."""
        try:
            request = ocsp.load_der_ocsp_request(request_from_untrusted)
            if any(isinstance(each.value, OCSPNonce) for each in request.extensions):
                return None
            names = (request.issuer_name_hash, request.issuer_key_hash)
            issuer = self._names_of_issuers().get(names)
        except (ValueError, NotImplementedError, UnsupportedAlgorithm, DuplicateExtension, Unavailable):
            return None
        if issuer is None or request.serial_number <= 0:
            return None
        return AnswerKey(*issuer, serial_number_text(request.serial_number))

    def _names_of_issuers(self) -> Mapping[tuple[bytes, bytes], tuple[str, str]]:
        """The CA and the hash that each pair of hashes in a request stands for."""
        if not self._issuers:
            loaded = {name: load_der_x509_certificate(der) for name, der in self._all_certificates().items()}
            self._issuers = {
                issuer_hashes(issuer, algorithm): (name, algorithm)
                for name, issuer in loaded.items()
                for algorithm in HASHES
            }
        return self._issuers

    def _all_certificates(self) -> Mapping[str, bytes]:
        if not self._certificates:
            kept = {
                name: document.der
                for name in self._keeping.names("certificate")
                if (document := self._keeping.document("certificate", name))
            }
            self._certificates = kept or self._source.certificates()
        return self._certificates

    def _kept(self, kept: Callable[[], Timed | None]) -> StatusDocument | None:
        made = kept()
        return self._holding(StatusDocument.of(made)) if made else None

    def _holding(self, document: StatusDocument | None) -> StatusDocument | None:
        if document is None or document.next_update is None or self._clock() >= document.next_update:
            return None
        return document

    def _note(self, wanted: AnswerKey) -> None:
        with self._lock:
            if len(self._asked) < MAXIMUM_ASKED:
                self._asked.add(wanted)

    def _remembered(self, key: _Key) -> StatusDocument | None:
        with self._lock:
            found = self._memory.get(key)
        if found is None or self._monotonic() >= found[0]:
            return None
        return self._holding(found[1])

    def _remember(
        self, key: _Key, document: StatusDocument, lasting: timedelta, generation: int
    ) -> StatusDocument:
        """Keep it, unless something changed meanwhile; the oldest makes room."""
        with self._lock:
            self._last[key] = document
            if generation == self._generation:
                self._memory[key] = (self._monotonic() + lasting.total_seconds(), document)
            for kept in (self._last, self._memory):
                if len(kept) > MAXIMUM_KEPT:
                    kept.popitem(last=False)
        return document
