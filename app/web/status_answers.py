"""What the status service keeps in memory: CRLs, OCSP answers and CA certificates, each until it is stale.

A CRL or answer is asked of the certificate authority again after seconds, so that a revocation shows at once.
When the certificate authority is down, the last one is given out for as long as it says of itself that it
holds (next update); after that nothing is: relying parties must notice.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Protocol

from cryptography.x509 import OCSPNonce, ocsp

from app.clock import Clock, utc_now
from app.errors import Unavailable

FRESH_FOR = timedelta(seconds=1)
MAXIMUM_KEPT = 10_000


class Crl(Protocol):
    """A CRL with its number and times."""

    @property
    def number(self) -> int:
        """CRL number."""

    @property
    def this_update(self) -> datetime:
        """When it was made."""

    @property
    def next_update(self) -> datetime:
        """Until when it holds."""

    @property
    def der(self) -> bytes:
        """The CRL."""


class StatusSource(Protocol):
    """The certificate authority, as far as the status service needs it."""

    def crl(self, issuing_ca: str) -> Crl:
        """The current CRL. Raises a Refusal for an unknown name, Unavailable."""

    def ocsp(self, request: bytes) -> bytes:
        """The answer to an OCSP request. Raises Unavailable."""

    def certificates(self) -> Mapping[str, bytes]:
        """CA certificates by name, DER. Raises Unavailable."""


@dataclass(frozen=True)
class StatusDocument:
    """A CRL or OCSP answer as it is given out.

    Attributes:
        this_update, next_update: None for an OCSP answer that carries no status, such as ``unauthorized``.
        may_be_kept: whether another request may get the same document; an answer to a nonce may not.
    """

    der: bytes
    this_update: datetime | None
    next_update: datetime | None
    may_be_kept: bool = True


class StatusAnswers:
    """Answers from memory while they are fresh, else from ``source``. Thread-safe."""

    def __init__(
        self,
        source: StatusSource,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._clock = clock
        self._monotonic = monotonic
        self._kept: OrderedDict[tuple[str, bytes], tuple[float, StatusDocument]] = OrderedDict()
        self._certificates: Mapping[str, bytes] = {}
        self._lock = Lock()

    def crl(self, issuing_ca: str) -> StatusDocument:
        """The CRL of a CA. Raises a Refusal for an unknown name, Unavailable when none that holds is kept."""
        return self._answer(("crl", issuing_ca.encode()), lambda: self._crl(issuing_ca))

    def ocsp(self, request_from_untrusted: bytes) -> StatusDocument:
        """The answer to an OCSP request. Raises Unavailable when none that holds is at hand."""
        key = ("ocsp", request_from_untrusted)
        return self._answer(key, lambda: self._ocsp(request_from_untrusted))

    def certificate(self, name: str) -> bytes | None:
        """A CA's certificate, DER. They never change, so they are asked for once. Raises Unavailable."""
        if name not in self._certificates:
            self._certificates = self._source.certificates()
        return self._certificates.get(name)

    def _crl(self, issuing_ca: str) -> StatusDocument:
        crl = self._source.crl(issuing_ca)
        return StatusDocument(crl.der, crl.this_update, crl.next_update)

    def _ocsp(self, request: bytes) -> StatusDocument:
        der = self._source.ocsp(request)
        answer = ocsp.load_der_ocsp_response(der)
        if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return StatusDocument(der, None, None, may_be_kept=False)
        has_nonce = any(isinstance(each.value, OCSPNonce) for each in answer.extensions)
        return StatusDocument(der, answer.this_update_utc, answer.next_update_utc, may_be_kept=not has_nonce)

    def _answer(self, key: tuple[str, bytes], ask: Callable[[], StatusDocument]) -> StatusDocument:
        kept = self._recall(key)
        if kept is not None and self._monotonic() - kept[0] < FRESH_FOR.total_seconds():
            return kept[1]
        try:
            document = ask()
        except Unavailable:
            if kept is None or not self._holds(kept[1]):
                raise
            return kept[1]
        if document.may_be_kept:
            self._keep(key, document)
        return document

    def _holds(self, document: StatusDocument) -> bool:
        return document.next_update is not None and self._clock() < document.next_update

    def _recall(self, key: tuple[str, bytes]) -> tuple[float, StatusDocument] | None:
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
            return kept

    def _keep(self, key: tuple[str, bytes], document: StatusDocument) -> None:
        """Keep it; the one that was asked for longest ago makes room."""
        with self._lock:
            self._kept[key] = (self._monotonic(), document)
            self._kept.move_to_end(key)
            if len(self._kept) > MAXIMUM_KEPT:
                self._kept.popitem(last=False)
