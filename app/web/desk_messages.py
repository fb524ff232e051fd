"""Messages of card agents, taken apart: every call of the desk API reads them in this way."""

from __future__ import annotations

from flask import Response, make_response, request

from app.errors import InvalidInput
from app.web.forms.json_message import JsonMessage

LARGEST_BINARY = 8 * 1024
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


def read_back_of(message: JsonMessage) -> dict[str, str]:
    """The SHA-256 of each certificate that the card gave back."""
    read_back = message.inner("read_back", frozenset(_PURPOSES))
    return {name: read_back.hexadecimal(name, 64) for name in _PURPOSES}


def done() -> Response:
    """The answer to a step that has nothing to tell."""
    return make_response("", 204)
