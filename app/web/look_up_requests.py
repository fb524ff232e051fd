"""What every FHIR look-up sends besides its question: correlation id, wanted format, API key."""

from __future__ import annotations

import re
from typing import Protocol
from uuid import uuid4

from flask import abort, g, request

from app.fhir.api_keys import KeyRefused
from app.fhir.queries import FORMAT, QueryNotUsable

CORRELATION_HEADER = "X-Correlation-Id"
KEY_HEADER = "apikey"
FHIR_JSON = "application/fhir+json"
_ACCEPTED = (FHIR_JSON, "application/json", "text/json")
_FORMATS = frozenset({"json", *_ACCEPTED})
_CORRELATION_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class KeyHolders(Protocol):
    """The API keys that are accepted."""

    def holder_of(self, key_from_untrusted: str) -> str | None:
        """Who holds the key; None when nobody does."""


def read_correlation_id() -> None:
    """Take the caller's id for this request, or make one.

    Raises:
        QueryNotUsable: it is not of a form that can be written back and into a log.
    """
    given = request.headers.get(CORRELATION_HEADER)
    if given is not None and not _CORRELATION_ID.fullmatch(given):
        raise QueryNotUsable(f"{CORRELATION_HEADER} must be a UUID, or other letters, digits and dashes.")
    g.correlation_id = given


def correlation_id() -> str:
    """The id of this request."""
    return g.get("correlation_id") or str(uuid4())


def require_acceptable() -> None:
    """Refuse (406) when the caller takes nothing that we have. ``_format`` goes before the header."""
    wanted = request.args.get(FORMAT)
    if wanted is not None:
        # In an address, the plus sign of "fhir+json" is a space unless it was encoded.
        is_known = wanted.replace(" ", "+").partition(";")[0] in _FORMATS
    else:
        is_known = not request.headers.get("Accept") or _takes_json()
    if not is_known:
        abort(406)


def _takes_json() -> bool:
    """Whether one of the accepted types is ours, whatever its parameters, such as ``fhirVersion``, say."""
    taken = {kind.partition(";")[0] for kind, quality in request.accept_mimetypes if quality > 0}
    return not taken.isdisjoint((*_ACCEPTED, "application/*", "*/*"))


def caller(keys: KeyHolders, needs_key: bool) -> str:
    """Who asks: the holder of the key, or the address of somebody without one.

    Raises:
        KeyRefused: the key is not known, or there is none and one is needed.
    """
    key = request.headers.get(KEY_HEADER)
    if key is None:
        if needs_key:
            raise KeyRefused(f"Send your API key in the header '{KEY_HEADER}'.")
        return f"address {request.remote_addr}"
    holder = keys.holder_of(key)
    if holder is None:
        raise KeyRefused("This API key is not known. Ask the operator of this service for one.")
    return f"key {holder}"
