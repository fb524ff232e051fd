"""The one table from what can go wrong with a FHIR look-up to a status and an OperationOutcome."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from werkzeug.exceptions import HTTPException

from app.errors import SpineError, Unavailable
from app.fhir.api_keys import KeyRefused
from app.fhir.looking_up import SourceRefuses, TooManyFound
from app.fhir.pacing import AskedTooOften
from app.fhir.queries import QueryNotUsable

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failure:
    """What is answered: the status, FHIR's code of the issue, and a sentence that says what to do."""

    status: int
    code: str
    diagnostics: str


_KNOWN: tuple[tuple[type[Exception], int, str], ...] = (
    (QueryNotUsable, 400, "invalid"),
    (TooManyFound, 400, "too-costly"),
    (KeyRefused, 401, "login"),
    (AskedTooOften, 429, "throttled"),
)
_OF_HTTP = {
    400: ("invalid", "The request cannot be read."),
    404: ("not-found", "Invalid resource path. There are /Device, /Endpoint, /metadata and /openapi.json."),
    405: ("not-supported", "Method not allowed. Use GET."),
    406: ("not-supported", "Ask for application/fhir+json or application/json."),
    413: ("too-long", "The request is too large."),
    414: ("too-long", "The address is too long."),
}


def failure_of(error: Exception) -> Failure:
    """What is answered for this error; what is not known is logged and says nothing of its cause."""
    for kind, status, code in _KNOWN:
        if isinstance(error, kind):
            return Failure(status, code, str(error))
    if isinstance(error, HTTPException):
        status = error.code or 500
        return Failure(status, *_OF_HTTP.get(status, ("processing", "This cannot be done.")))
    return _fault(error)


def _fault(error: Exception) -> Failure:
    if isinstance(error, Unavailable):
        log.error("%s is not available: %s", error.dependency, error)
        if error.dependency == "directory":
            return Failure(504, "timeout", "The directory did not answer in time. Try again shortly.")
    if isinstance(error, SourceRefuses):
        log.error("the directory gives no usable answer: %s", error)
        return Failure(502, "exception", "The directory gave no usable answer. Try again later.")
    if not isinstance(error, SpineError):
        log.error("unexpected error", exc_info=error)
    return Failure(500, "exception", "Something went wrong on our side. Try again in a few minutes.")
