"""The public status service: CRLs, OCSP and CA certificates over plain HTTP. It has no session and no secret.

The addresses are in every certificate: ``/crl/<ca>.crl``, ``/delta-crl/<ca>.crl`` and
``/certificates/<ca>.cer`` (RFC 2585), and ``/ocsp`` (``ocsp_endpoint``). All are signed, so HTTP is enough.
"""

from __future__ import annotations

import re
from datetime import datetime
from hashlib import sha256

from flask import Blueprint, Flask, Response, abort, current_app, make_response, request

from app.errors import Refusal, Unavailable
from app.web.ocsp_endpoint import (
    HARDENING,
    MAXIMUM_REQUEST_BYTES,
    RETRY_AFTER_SECONDS,
    SHARED_FOR_SECONDS,
    OcspEndpoint,
)
from app.web.status_answers import StatusAnswers
from app.web.status_documents import StatusDocument

CERTIFICATE_SHARED_FOR_SECONDS = 86_400
_NAME = re.compile(r"[a-z0-9-]{1,60}")
_EXTENSION = "spine_ra_status_answers"

pages = Blueprint("status", __name__)


def create_status_app(answers: StatusAnswers) -> Flask:
    """The status service that gives out ``answers``."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAXIMUM_REQUEST_BYTES
    app.extensions[_EXTENSION] = answers
    app.wsgi_app = OcspEndpoint(answers, app.wsgi_app)  # type: ignore[method-assign,assignment]
    app.register_blueprint(pages)
    app.register_error_handler(Refusal, lambda refusal: _plain("There is no such document.", 404))
    app.register_error_handler(Unavailable, _unavailable)
    app.after_request(_harden)
    return app


@pages.get("/crl/<name>.crl")
def crl(name: str) -> Response:
    """The CRL of a CA, DER."""
    document = _answers().crl(_known_form(name))
    return _document(document, "application/pkix-crl")


@pages.get("/delta-crl/<name>.crl")
def delta_crl(name: str) -> Response:
    """The delta CRL of a CA, DER."""
    return _document(_answers().delta_crl(_known_form(name)), "application/pkix-crl")


@pages.get("/certificates/<name>.cer")
def certificate(name: str) -> Response:
    """The certificate of a CA, DER."""
    der = _answers().certificate(_known_form(name))
    if der is None:
        abort(404)
    response = _octets(der, "application/pkix-cert")
    response.headers["Cache-Control"] = f"public, max-age={CERTIFICATE_SHARED_FOR_SECONDS}"
    return response


@pages.get("/health")
def health() -> Response:
    """Whether the service runs; it does not ask the certificate authority."""
    return _plain("ready", 200)


def _answers() -> StatusAnswers:
    answers: StatusAnswers = current_app.extensions[_EXTENSION]
    return answers


def _known_form(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        abort(404)
    return name


def _document(document: StatusDocument, content_type: str) -> Response:
    """The document with the caching headers of RFC 5019 section 6.2."""
    response = _octets(document.der, content_type)
    if document.this_update is None or document.next_update is None or not document.may_be_kept:
        response.headers["Cache-Control"] = "no-store"
        return response
    response.headers["Cache-Control"] = f"public, no-transform, must-revalidate, max-age={SHARED_FOR_SECONDS}"
    _set_times(response, document.this_update, document.next_update)
    response.make_conditional(request)
    return response


def _set_times(response: Response, this_update: datetime, next_update: datetime) -> None:
    response.last_modified = this_update
    response.expires = next_update


def _octets(der: bytes, content_type: str) -> Response:
    response = make_response(der)
    response.headers["Content-Type"] = content_type
    response.set_etag(sha256(der).hexdigest())
    return response


def _plain(sentence: str, status: int) -> Response:
    response = make_response(sentence + "\n", status)
    response.headers["Content-Type"] = "text/plain; charset=utf-8"
    return response


def _unavailable(outage: Unavailable) -> Response:
    response = _plain("The certificate authority does not answer. Try again shortly.", 503)
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _harden(response: Response) -> Response:
    for name, value in HARDENING:
        response.headers[name] = value
    return response
