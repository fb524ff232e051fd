"""OCSP over HTTP (RFC 6960 appendix A.1, RFC 5019 sections 5 and 6), as a WSGI application of its own.

Relying parties ask by the thousand, and the answer is in memory: so this speaks WSGI itself and leaves the
web framework out. Everything that is no OCSP request goes on to the application behind it.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from app.errors import Unavailable
from app.web.status_answers import StatusAnswers
from app.web.status_documents import StatusDocument

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MAXIMUM_REQUEST_BYTES = 1024
SHARED_FOR_SECONDS = 2
"""How long a cache on the way may give a document out: a revocation is told within this time."""

RETRY_AFTER_SECONDS = 30
HARDENING = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
)
_PATH = "/ocsp"
_OK = "200 OK"
_NOT_KEPT = (("Cache-Control", "no-store"),)
_SHARED = (("Cache-Control", f"public, no-transform, must-revalidate, max-age={SHARED_FOR_SECONDS}"),)


class OcspEndpoint:
    """Answers ``/ocsp`` by POST and ``/ocsp/<base64>`` by GET; the rest is for the application ``behind``."""

    def __init__(self, answers: StatusAnswers, behind: WSGIApplication) -> None:
        self._answers = answers
        self._behind = behind

    def __call__(self, environment: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """One request (PEP 3333)."""
        path, method = environment["PATH_INFO"], environment["REQUEST_METHOD"]
        if path == _PATH and method == "POST":
            return self._by_post(environment, start)
        if path.startswith(f"{_PATH}/") and method in ("GET", "HEAD"):
            return self._by_get(path, environment, start)
        return self._behind(environment, start)

    def _by_post(self, environment: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        try:
            length = int(environment.get("CONTENT_LENGTH") or 0)
        except ValueError:
            return _plain(start, HTTPStatus.BAD_REQUEST, "The length cannot be read.")
        if length > MAXIMUM_REQUEST_BYTES:
            return _too_large(start)
        return self._answer(environment["wsgi.input"].read(length), start, None)

    def _by_get(self, path: str, environment: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        try:
            request = b64decode(path[len(_PATH) + 1 :].encode("ascii"), validate=True)
        except (binascii.Error, ValueError):
            return _plain(start, HTTPStatus.BAD_REQUEST, "The request is not base64.")
        if len(request) > MAXIMUM_REQUEST_BYTES:
            return _too_large(start)
        return self._answer(request, start, environment.get("HTTP_IF_NONE_MATCH", ""))

    def _answer(self, request: bytes, start: StartResponse, known: str | None) -> Iterable[bytes]:
        """The answer; ``known`` is the ETag that the client of a GET has, None for a POST."""
        try:
            document = self._answers.ocsp(request)
        except Unavailable:
            retry = (("Retry-After", str(RETRY_AFTER_SECONDS)),)
            sentence = "The certificate authority does not answer. Try again shortly."
            return _plain(start, HTTPStatus.SERVICE_UNAVAILABLE, sentence, retry)
        if known is None or not document.times or not document.may_be_kept:
            return _give(start, document, _NOT_KEPT)
        if known == document.etag:
            headers = [*_SHARED, *document.times, ("ETag", document.etag), *HARDENING]
            start("304 Not Modified", headers)
            return [b""]
        return _give(start, document, (*_SHARED, *document.times))


def _give(
    start: StartResponse, document: StatusDocument, caching: Iterable[tuple[str, str]]
) -> Iterable[bytes]:
    headers = [
        ("Content-Type", "application/ocsp-response"),
        ("Content-Length", str(len(document.der))),
        ("ETag", document.etag),
        *caching,
        *HARDENING,
    ]
    start(_OK, headers)
    return [document.der]


def _too_large(start: StartResponse) -> Iterable[bytes]:
    sentence = f"A request has at most {MAXIMUM_REQUEST_BYTES} octets."
    return _plain(start, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence)


def _plain(
    start: StartResponse,
    status: HTTPStatus,
    sentence: str,
    more: Iterable[tuple[str, str]] = (),
) -> Iterable[bytes]:
    body = f"{sentence}\n".encode()
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        *more,
        *HARDENING,
    ]
    start(f"{status.value} {status.phrase}", headers)
    return [body]
