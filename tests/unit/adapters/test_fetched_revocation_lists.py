"""Fetching revocation lists: bounded in size, time and age; what was believed is kept while it counts."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp

from app.adapters.asked_ocsp import AskedByOcsp
from app.adapters.bounded_fetch import fetched
from app.adapters.fetched_revocation_lists import FetchedRevocationLists, ListPlace
from app.validation.refusals import StatusUnknown
from app.validation.revocation_list import StatusLimits
from app.validation.status import FirstThatTells, Revoked
from tests.support.defective_certificates import NOW
from tests.unit.validation.test_revocation_documents import HOLDER, HOUR, ISSUER, answer, crl

MINUTE = timedelta(minutes=1)
PLACE = ListPlace("http://status.example/crl/a.crl", StatusLimits(), 1)


class Status:
    """A status service that answers with what the test puts there; None when it is down."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers, self.asked = list(answers), 0
        self.lists = FetchedRevocationLists({ISSUER.subject: PLACE}, self.fetch)

    def fetch(self, place: ListPlace) -> bytes:
        self.asked += 1
        answer = self.answers.pop(0)
        if answer is None:
            raise StatusUnknown("down")
        return answer

    def is_revoked(self, after: timedelta = timedelta()) -> bool:
        return self.lists.revocation(HOLDER, ISSUER, NOW + after) is not None


REVOKED = crl(revoked=HOLDER.serial_number)


def test_a_list_is_asked_for_again_after_a_minute() -> None:
    status = Status(crl(), REVOKED)
    assert not status.is_revoked()
    assert not status.is_revoked(MINUTE / 2)
    assert status.asked == 1
    assert status.is_revoked(MINUTE)


@pytest.mark.parametrize("bad", [None, b"no list", crl(signer="stranger")])
def test_what_was_believed_counts_on_while_no_better_one_comes_and_it_is_in_force(bad: bytes | None) -> None:
    status = Status(REVOKED, bad, bad)
    assert status.is_revoked()
    assert status.is_revoked(MINUTE)
    with pytest.raises(StatusUnknown):
        status.is_revoked(HOUR + MINUTE)


def test_without_a_list_nothing_is_told() -> None:
    with pytest.raises(StatusUnknown):
        Status(None).is_revoked()


def test_there_is_no_list_of_another_ca() -> None:
    with pytest.raises(StatusUnknown, match="no list"):
        Status(crl()).lists.revocation(HOLDER, HOLDER, NOW)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/small")
            self.end_headers()
            return
        self.send_response(404 if self.path == "/missing" else 200)
        self.end_headers()
        for _ in range(30 if self.path in ("/slow", "/large") else 1):
            try:
                self.wfile.write(b"x" * 1000)
            except OSError:  # the client has had enough
                return
            time.sleep(0.1 if self.path == "/slow" else 0)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def served() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("path", ["/large", "/slow", "/missing", "/moved"])
def test_what_is_too_large_too_slow_or_elsewhere_is_no_list(path: str) -> None:
    with served() as origin:
        assert fetched(f"{origin}/small", largest_bytes=10_000, within_seconds=5) == b"x" * 1000
        begun = time.monotonic()
        with pytest.raises(StatusUnknown):
            fetched(f"{origin}{path}", largest_bytes=10_000, within_seconds=0.5)
        assert time.monotonic() - begun < 10


def test_a_status_service_that_is_down_is_no_list() -> None:
    with pytest.raises(StatusUnknown, match="does not answer"):
        fetched("http://127.0.0.1:9/crl", largest_bytes=10_000, within_seconds=1)


def test_ocsp_tells_when_no_list_does_and_only_then() -> None:
    asked: list[bytes] = []

    def responder(request: bytes) -> bytes:
        asked.append(request)
        return answer(ocsp.OCSPCertStatus.REVOKED, algorithm=hashes.SHA256())

    by_ocsp = AskedByOcsp("http://status.example/ocsp", StatusLimits(), 1, responder)
    told = FirstThatTells(Status(crl(), None).lists, by_ocsp)
    assert told.revocation(HOLDER, ISSUER, NOW) is None
    assert asked == []
    told = FirstThatTells(Status(None).lists, by_ocsp)
    assert told.revocation(HOLDER, ISSUER, NOW) == Revoked("superseded", NOW - HOUR)
    assert ocsp.load_der_ocsp_request(asked[0]).serial_number == HOLDER.serial_number


def test_when_neither_tells_nothing_is_told() -> None:
    by_ocsp = AskedByOcsp("http://127.0.0.1:9/ocsp", StatusLimits(), 1)
    with pytest.raises(StatusUnknown, match="down"):
        FirstThatTells(Status(None).lists, by_ocsp).revocation(HOLDER, ISSUER, NOW)
