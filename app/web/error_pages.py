"""The one table from refusals and faults to pages and statuses.

    NotPermitted   403    InvalidInput   422    Unavailable   503 (what is kept)
    NotFound       404    any Refusal    409    anything else 500 (a reference number only)

and a few that HTTP has words of its own for: signed out 401, form expired 400, too many tries 429.

Programs (the desk API) get the same as JSON: ``{"code": ..., "message": ...}``.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from flask import Flask, Response, current_app, jsonify, make_response, request
from werkzeug.exceptions import HTTPException

from app.errors import InvalidInput, NotFound, NotPermitted, Refusal, SpineError, Unavailable
from app.fhir.api_keys import KeyRefused
from app.ra.limiting import TooManyTries
from app.web.access import is_machine_endpoint
from app.web.context import SignInNeeded, has_another_role, request_id
from app.web.csrf import FormExpired
from app.web.kept_answers import can_be_kept, kept_answers_page
from app.web.pages import render_page

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ErrorPage:
    """What a person or program is told: status, heading, stable code, a sentence, the problems of a form."""

    status: int
    heading: str
    code: str
    message: str
    problems: tuple[str, ...] = ()


#: First match wins, so the special cases stand before the general ones.
TABLE: tuple[tuple[type[SpineError], int, str], ...] = (
    (NotPermitted, 403, "You are not allowed to do this"),
    (NotFound, 404, "Page not found"),
    (SignInNeeded, 401, "You have been signed out"),
    (FormExpired, 400, "This form has expired"),
    (KeyRefused, 401, "Send a key that is known"),
    (TooManyTries, 429, "Too many tries"),
    (InvalidInput, 422, "There is a problem with what was sent"),
    (Refusal, 409, "This cannot be done"),
    (Unavailable, 503, "Part of the service is not working"),
)

_HTTP_ERRORS = {
    400: ("This request cannot be read", "Go back and try again."),
    404: ("Page not found", "Check the web address, or go to the start page and search."),
    405: ("This page does not work that way", "Go back and use the buttons on the page."),
    413: (
        "What you sent is too large",
        "Send a smaller file. A photo may have up to 8 MB, a file of organisations 256 MB.",
    ),
    414: ("The web address is too long", "Go back and use the links on the page."),
    415: ("This kind of file or data cannot be used", "Go back and choose another file."),
    429: ("Too many requests", "Wait a minute, then try again."),
}


def status_of(error: SpineError) -> int:
    """The HTTP status of a refusal or a fault, by the table above."""
    return _line_of(error)[0]


def _line_of(error: SpineError) -> tuple[int, str]:
    return next((status, heading) for kind, status, heading in TABLE if isinstance(error, kind))


def page_for_error(error: SpineError) -> ErrorPage:
    """The page for a refusal or a fault, by the table above."""
    status, heading = _line_of(error)
    problems = tuple(error.problems.values()) if isinstance(error, InvalidInput) else ()
    code = error.code if isinstance(error, Refusal) else "unavailable"
    return ErrorPage(status, heading, code, "" if problems else str(error), problems)


def page_for_http_error(error: HTTPException) -> ErrorPage:
    """The page for what Flask itself refuses: no such address, wrong method, too large."""
    status = error.code or 500
    heading, message = _HTTP_ERRORS.get(status, ("This cannot be done", "Go back and try again."))
    return ErrorPage(status, heading, f"http_{status}", message)


def page_for_unknown_error(reference: str) -> ErrorPage:
    """The page for a fault of ours. It says a reference number and nothing about the cause."""
    message = (
        f"Something went wrong on our side. Try again in a few minutes. If it happens again, "
        f"tell your service desk this reference: {reference}."
    )
    return ErrorPage(500, "Sorry, there is a problem with the service", "fault", message)


def respond(page: ErrorPage) -> Response:
    """The response: JSON for a program, a page for a person, plain text when even the page fails."""
    if is_machine_request():
        return _as_json(page)
    try:
        role_helps = page.status == 403 and has_another_role()
        return render_page("error.html", page.heading, status=page.status, error=page, role_helps=role_helps)
    except Exception:
        # An error page that fails must not cause another error page.
        log.exception("the error page failed, reference %s", request_id())
        return make_response(f"{page.heading}\n{page.message}\n", page.status, {"Content-Type": "text/plain"})


def is_machine_request() -> bool:
    """Whether the view asked for is one for programs."""
    return is_machine_endpoint(current_app.view_functions.get(request.endpoint or ""))


def _as_json(page: ErrorPage) -> Response:
    message = page.message or " ".join(page.problems)
    return make_response(jsonify(code=page.code, message=message), page.status)


def install(app: Flask) -> None:
    """Register the handlers: one for our family, one for Flask's own, one for everything else."""

    @app.errorhandler(SpineError)
    def known_error(error: SpineError) -> Response:
        if isinstance(error, Unavailable):
            log.error("%s is not available: %s (reference %s)", error.dependency, error, request_id())
        if isinstance(error, (SignInNeeded, FormExpired)) and can_be_kept():
            return kept_answers_page(status_of(error))
        return respond(page_for_error(error))

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response | HTTPException:
        if error.code is not None and error.code < 400:
            return error
        return respond(page_for_http_error(error))

    @app.errorhandler(Exception)
    def unknown_error(error: Exception) -> Response:
        log.exception("unexpected error, reference %s", request_id())
        return respond(page_for_unknown_error(request_id()))
