"""Messages of card agents, taken apart: every call of the desk API reads them in this way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from flask import Response, make_response, request

from app.domain.certificate_order import SignedApproval
from app.errors import InvalidInput
from app.web import context
from app.web.forms.json_message import JsonMessage

LARGEST_BINARY = 8 * 1024
#: Refused ones of one address, which a whole hospital may share.
_MOST_CLAIMS, _CLAIMS_WINDOW = 60, timedelta(minutes=1)
APPROVAL = ("statement", "signature", "certificate")
_PURPOSES = ("authentication", "content_commitment")


def desk_message(*expected: str) -> JsonMessage:
    """The JSON object of the request, with exactly these members.

    Raises:
        InvalidInput
    """
    if request.mimetype != "application/json":
        raise InvalidInput({"body": "Send JSON, with the content type application/json."})
    return JsonMessage.from_untrusted(request.get_data(), frozenset(expected))


def job_token() -> str:
    """The job token that the agent carries; empty without one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def signed_statement() -> SignedApproval:
    """The request's statement as a card signed it.

    Raises:
        InvalidInput
    """
    return approval_of(desk_message(*APPROVAL))


def approval_of(message: JsonMessage) -> SignedApproval:
    """What a card signed, with signature and certificate."""
    return SignedApproval(
        statement=message.base64_bytes("statement", LARGEST_BINARY),
        signature=message.base64_bytes("signature", 512),
        certificate=message.base64_bytes("certificate", LARGEST_BINARY),
    )


@contextmanager
def claimed_ticket() -> Iterator[str]:
    """The one-time ticket with which a desk claims a job or a batch in the block.

    Of an address only so many a minute are refused; then the next one is not even looked at.

    Raises:
        TooManyTries, InvalidInput
    """
    limiting, address = context.services().limiting, context.client_address()
    with limiting.failures("desk.claim", address, _MOST_CLAIMS, _CLAIMS_WINDOW):
        yield desk_message("ticket").text("ticket", 200)


def read_back_of(message: JsonMessage) -> dict[str, str]:
    """The SHA-256 of each certificate that the card gave back."""
    read_back = message.inner("read_back", frozenset(_PURPOSES))
    return {name: read_back.hexadecimal(name, 64) for name in _PURPOSES}


def done() -> Response:
    """The answer to a step that has nothing to tell."""
    return make_response("", 204)
