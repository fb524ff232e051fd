"""The certificate authority as other processes see it: the same calls, over its socket."""

from __future__ import annotations

import socket
import weakref
from base64 import b64decode
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from app.adapters.ca_messages import (
    MAXIMUM_REPLY_BYTES,
    Message,
    card_order_message,
    encoded,
    receive_message,
    release_order_message,
    send_message,
)
from app.adapters.ca_status_messages import answers_of, answers_wanted_message, crl_of, feed_of
from app.ca.refusals import RequestMalformed, refusal_of
from app.ca.status_values import AnswersAhead, AnswersWanted, PublishedCrl, StatusFeed
from app.domain.certificate_order import CardCertificateOrder, CardCertificates, CertificatePurpose
from app.domain.provenance import provenance_of_text
from app.domain.so_pin_release import SoPinReleaseOrder
from app.errors import Unavailable

TIMEOUT_SECONDS = 20


class CaClient:
    """Speaks to the certificate authority's process, over connections that it keeps. Thread-safe.

    A call that the process did not answer because it ended may be made twice: each has the same effect again.
    """

    def __init__(self, path: Path, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._path = path
        self._timeout_seconds = timeout_seconds
        # Each is used by one call at a time. A new one costs both sides more than many a call.
        self._kept: deque[socket.socket] = deque()
        weakref.finalize(self, _close, self._kept)

    def issue_card_certificates(self, order: CardCertificateOrder) -> CardCertificates:
        """Order both certificates of a card; the same order again gives the same ones.

        Raises:
            CertificateRefused, ApprovalNotValid: with the code and sentence of the certificate authority.
            Unavailable: it did not answer; send the order again.
        """
        result = self._call("issue_card_certificates", order=card_order_message(order))
        return CardCertificates(
            b64decode(result["authentication"]),
            b64decode(result["content_commitment"]),
            tuple(b64decode(each) for each in result["chain"]),
            {
                CertificatePurpose(purpose): provenance_of_text(text)
                for purpose, text in result["provenance"].items()
            },
        )

    def release_so_pin(self, order: SoPinReleaseOrder) -> tuple[bytes, ...]:
        """The card's SO PINs, the likeliest first, each wrapped to the order's key (RSA-OAEP, SHA-256).

        Raises:
            CertificateRefused, ApprovalNotValid, Unavailable
        """
        result = self._call("release_so_pin", order=release_order_message(order))
        return tuple(b64decode(each) for each in result["so_pins"])

    def revoke(self, serial_number: str, reason: str, revoked_at: datetime) -> None:
        """Revoke for good; OCSP and CRL tell it when this returns. Again changes nothing.

        Raises:
            CertificateUnknown, ReasonUnknown, Unavailable
        """
        self._call("revoke", serial_number=serial_number, reason=reason, revoked_at=revoked_at.isoformat())

    def withdraw(self, order_id: str, reason: str, revoked_at: datetime) -> None:
        """Close an order that was undone: whatever was or is being signed for it is revoked.

        Raises:
            ReasonUnknown, Unavailable
        """
        self._call("withdraw", order_id=order_id, reason=reason, revoked_at=revoked_at.isoformat())

    def crl(self, issuing_ca: str) -> PublishedCrl:
        """The current CRL of a CA. Raises IssuingCaUnknown, Unavailable."""
        return crl_of(issuing_ca, self._call("crl", issuing_ca=issuing_ca))

    def delta_crl(self, issuing_ca: str) -> PublishedCrl:
        """The current delta CRL of an issuing CA. Raises IssuingCaUnknown, Unavailable."""
        return crl_of(issuing_ca, self._call("delta_crl", issuing_ca=issuing_ca))

    def status_changes(self, after: int) -> StatusFeed:
        """Certificates whose status changed after a position, and the CRLs there are. Raises Unavailable."""
        return feed_of(self._call("status_changes", after=after))

    def ocsp_ahead(self, wanted: Sequence[AnswersWanted]) -> list[AnswersAhead]:
        """OCSP answers made ahead, at most 1000 in all. Raises CertificateRefused, Unavailable."""
        made = self._call("ocsp_ahead", **answers_wanted_message(wanted))["made"]
        return [answers_of(each, message) for each, message in zip(wanted, made, strict=True)]

    def renew_ocsp_signers(self) -> Sequence[str]:
        """Have OCSP responders that end soon made anew; the names of the new keys. Raises Unavailable."""
        renewed: Sequence[str] = self._call("renew_ocsp_signers")["renewed"]
        return renewed

    def ocsp(self, request: bytes) -> bytes:
        """The signed answer to an OCSP request, DER to DER. Raises Unavailable."""
        return b64decode(self._call("ocsp", request=encoded(request))["der"])

    def receipt(self, serial_number: str) -> bytes:
        """The receipt of the order that a certificate belongs to. Raises CertificateUnknown, Unavailable."""
        return b64decode(self._call("receipt", serial_number=serial_number)["document"])

    def certificates(self) -> Mapping[str, bytes]:
        """The certificates of the root and the issuing CAs by name, DER. Raises Unavailable."""
        found: Mapping[str, str] = self._call("certificates")["certificates"]
        return {name: b64decode(der) for name, der in found.items()}

    def escrow_public_key(self) -> bytes:
        """The RSA public key, PEM, to which SO PINs are wrapped. Raises Unavailable."""
        return str(self._call("escrow_public_key")["pem"]).encode()

    def seal_audit_head(self) -> int:
        """Have the newest audit event sealed; its number. Raises AuditChainBroken, Unavailable."""
        return int(self._call("seal_audit_head")["seq"])

    def audit_waits_seconds(self) -> float:
        """How long the oldest order that it recorded waits for its audit, or 0. Raises Unavailable."""
        return float(self._call("audit_waits")["seconds"])

    def health(self) -> None:
        """Return when it is ready. Raises Unavailable."""
        self._call("health")

    def _call(self, operation: str, **fields: object) -> Message:
        try:
            reply = self._exchange({"operation": operation, **fields})
        except (OSError, RequestMalformed) as fault:
            raise _unavailable() from fault
        return _result_of(reply)

    def _exchange(self, request: Message) -> Message | None:
        reply = None
        with suppress(IndexError, ConnectionError):  # none is kept, or the process ended or closed it
            reply = self._asked(self._kept.pop(), request)
        return self._asked(self._connected(), request) if reply is None else reply

    def _connected(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(self._timeout_seconds)
            connection.connect(str(self._path))
        except OSError:
            connection.close()
            raise
        return connection

    def _asked(self, connection: socket.socket, request: Message) -> Message | None:
        """The reply; None when there is none, because the other side closed the connection."""
        reply = None
        try:
            send_message(connection, request)
            reply = receive_message(connection, MAXIMUM_REPLY_BYTES)
        finally:
            if reply is None:
                connection.close()
        if reply is not None:
            self._kept.append(connection)
        return reply


def _close(connections: deque[socket.socket]) -> None:
    for connection in connections:
        connection.close()


def _result_of(reply: Message | None) -> Mapping[str, Any]:
    if reply is None or "fault" in reply:
        raise _unavailable()
    if "refused" in reply:
        raise refusal_of(str(reply["refused"]["code"]), str(reply["refused"]["message"]))
    if "unavailable" in reply:
        raise Unavailable(str(reply["unavailable"]["dependency"]), str(reply["unavailable"]["message"]))
    result: Mapping[str, Any] = reply["result"]
    return result


def _unavailable() -> Unavailable:
    return Unavailable(
        "certificate authority",
        "The certificate authority does not answer just now. Nothing is lost: try again in a few minutes.",
    )
