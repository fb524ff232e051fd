"""Messages to and from the certificate authority's process: JSON behind a length of four octets.

A request is an object with ``operation`` and the operation's fields. A reply is an object with exactly one of
``result``, ``refused`` (code, message), ``unavailable`` (dependency, message) and ``fault`` (a reference).
Octets travel as base64.
"""

from __future__ import annotations

import binascii
import json
import socket
import struct
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.ca.refusals import RequestMalformed
from app.domain.certificate_order import (
    CardCertificateOrder,
    CertificatePurpose,
    FoundingApproval,
    OrderApproval,
    RenewalApproval,
    SignedApproval,
)
from app.domain.certificate_profile import PEOPLE
from app.domain.json_value import JsonValue
from app.domain.provenance import KeyEvidence, evidence_from_untrusted, evidence_message
from app.domain.so_pin_release import ReleaseBasis, SoPinReleaseOrder
from app.errors import InvalidInput

MAXIMUM_REQUEST_BYTES = 128 * 1024
MOST_SIGNATURES = 2
MAXIMUM_REPLY_BYTES = 64 * 1024 * 1024
_LENGTH = struct.Struct(">I")

Message = Mapping[str, Any]


def send_message(connection: socket.socket, message: Message) -> None:
    """Write one message."""
    body = json.dumps(message, separators=(",", ":")).encode()
    connection.sendall(_LENGTH.pack(len(body)) + body)


def receive_message(connection: socket.socket, maximum: int) -> Message | None:
    """Read one message; None when the other side closed before it began one.

    Raises:
        RequestMalformed: too large, cut short, or no JSON object.
    """
    header = _receive(connection, _LENGTH.size)
    if not header:
        return None
    if len(header) < _LENGTH.size:
        raise RequestMalformed("The message was cut short.")
    (length,) = _LENGTH.unpack(header)
    if length > maximum:
        raise RequestMalformed(f"The message is longer than {maximum} octets.")
    return _object(_receive(connection, length), length)


def _receive(connection: socket.socket, count: int) -> bytes:
    """``count`` octets, or fewer when the other side closed."""
    parts = bytearray()
    while len(parts) < count:
        part = connection.recv(min(count - len(parts), 65536))
        if not part:
            break
        parts += part
    return bytes(parts)


def _object(body: bytes, length: int) -> Message:
    if len(body) < length:
        raise RequestMalformed("The message was cut short.")
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise RequestMalformed("The message is not JSON.") from None
    if not isinstance(message, dict):
        raise RequestMalformed("The message is not a JSON object.")
    return message


def encoded(octets: bytes) -> str:
    """Octets as they travel."""
    return b64encode(octets).decode()


class Fields:
    """The fields of a message from outside; each is taken with its type. Raises RequestMalformed."""

    def __init__(self, message: object) -> None:
        if not isinstance(message, dict):
            raise RequestMalformed("A part of the message is not an object.")
        self._message = message

    def text(self, name: str) -> str:
        """A text of at most 1000 characters."""
        value = self._message.get(name)
        if not isinstance(value, str) or len(value) > 1000 or "\0" in value:
            raise RequestMalformed(f"The field {name} must be a short text.")
        return value

    def texts(self, name: str) -> list[str]:
        """A list of at most 1000 short texts."""
        values = self._message.get(name)
        if not isinstance(values, list) or len(values) > 1000:
            raise RequestMalformed(f"The field {name} must be a list.")
        return [Fields({name: value}).text(name) for value in values]

    def number(self, name: str) -> int:
        """A whole number from 0."""
        value = self._message.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
            raise RequestMalformed(f"The field {name} must be a whole number.")
        return value

    def octets(self, name: str) -> bytes:
        """Octets in base64."""
        value = self._message.get(name)
        if not isinstance(value, str):
            raise RequestMalformed(f"The field {name} must be base64.")
        try:
            return b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise RequestMalformed(f"The field {name} must be base64.") from None

    def instant(self, name: str) -> datetime:
        """An aware instant in ISO 8601."""
        try:
            value = datetime.fromisoformat(self.text(name))
        except ValueError:
            raise RequestMalformed(f"The field {name} must be a time.") from None
        if value.tzinfo is None:
            raise RequestMalformed(f"The field {name} must have a time zone.")
        return value

    def part(self, name: str) -> Fields:
        """An object within."""
        return Fields(self._message.get(name))

    def parts(self, name: str, most: int) -> list[Fields]:
        """A list of objects within."""
        value = self._message.get(name)
        if not isinstance(value, list) or len(value) > most:
            raise RequestMalformed(f"The field {name} must be a list of at most {most} objects.")
        return [Fields(each) for each in value]

    def value(self, name: str) -> JsonValue:
        """Any value, which the caller takes apart."""
        value: JsonValue = self._message.get(name)
        return value

    def has(self, name: str) -> bool:
        """Whether the field is there."""
        return name in self._message


def release_order_message(order: SoPinReleaseOrder) -> Message:
    """An order to release an SO PIN as it travels."""
    return {
        "job_id": order.job_id,
        "holder_uid": order.holder_uid,
        "card_serial": order.card_serial,
        "basis": order.basis.value,
        "recipient_key": encoded(order.recipient_key),
        "approvals": [_signed_message(each) for each in order.approvals],
        "reason": order.reason,
    }


def release_order_from_untrusted(fields: Fields) -> SoPinReleaseOrder:
    """The release order in a message. Raises RequestMalformed."""
    try:
        basis = ReleaseBasis(fields.text("basis"))
    except ValueError:
        raise RequestMalformed("There is no such basis of a release.") from None
    return SoPinReleaseOrder(
        job_id=fields.text("job_id"),
        holder_uid=fields.text("holder_uid"),
        card_serial=fields.text("card_serial"),
        basis=basis,
        recipient_key=fields.octets("recipient_key"),
        approvals=tuple(_signed(each) for each in fields.parts("approvals", MOST_SIGNATURES)),
        reason=fields.text("reason"),
    )


def card_order_message(order: CardCertificateOrder) -> Message:
    """A card order as it travels."""
    return {
        "issuance_id": order.issuance_id,
        "holder_uid": order.holder_uid,
        "given_name": order.given_name,
        "family_name": order.family_name,
        "card_serial": order.card_serial,
        "authentication_csr": encoded(order.authentication_csr),
        "content_commitment_csr": encoded(order.content_commitment_csr),
        "approval": _approval_message(order.approval),
        "keys_signature": encoded(order.keys_signature),
        "evidence": {purpose.value: evidence_message(each) for purpose, each in order.evidence.items()},
        **({"temporary_hours": order.temporary_hours} if order.temporary_hours is not None else {}),
    }


def _approval_message(approval: OrderApproval) -> Message:
    match approval:
        case SignedApproval():
            return {"signed": _signed_message(approval)}
        case RenewalApproval(signatures):
            return {"renewal": [_signed_message(each) for each in signatures]}
        case FoundingApproval(founding_digest):
            return {"founding": {"founding_digest": founding_digest}}


def _signed_message(approval: SignedApproval) -> Message:
    return {name: encoded(getattr(approval, name)) for name in SignedApproval.__dataclass_fields__}


def card_order_from_untrusted(fields: Fields) -> CardCertificateOrder:
    """The card order in a message. Raises RequestMalformed."""
    return CardCertificateOrder(
        issuance_id=fields.text("issuance_id"),
        holder_uid=fields.text("holder_uid"),
        given_name=fields.text("given_name"),
        family_name=fields.text("family_name"),
        card_serial=fields.text("card_serial"),
        authentication_csr=fields.octets("authentication_csr"),
        content_commitment_csr=fields.octets("content_commitment_csr"),
        approval=_approval(fields.part("approval")),
        keys_signature=fields.octets("keys_signature"),
        evidence=_evidence(fields.part("evidence")),
        temporary_hours=fields.number("temporary_hours") if fields.has("temporary_hours") else None,
    )


def _evidence(fields: Fields) -> dict[CertificatePurpose, KeyEvidence]:
    try:
        return {
            purpose: evidence_from_untrusted(fields.value(purpose.value))
            for purpose in PEOPLE
            if fields.has(purpose.value)
        }
    except InvalidInput as error:
        raise RequestMalformed(str(error)) from None


def _approval(fields: Fields) -> OrderApproval:
    if fields.has("founding"):
        return FoundingApproval(fields.part("founding").text("founding_digest"))
    if fields.has("renewal"):
        return RenewalApproval(tuple(_signed(each) for each in fields.parts("renewal", MOST_SIGNATURES)))
    return _signed(fields.part("signed"))


def _signed(fields: Fields) -> SignedApproval:
    return SignedApproval(
        fields.octets("statement"), fields.octets("signature"), fields.octets("certificate")
    )
