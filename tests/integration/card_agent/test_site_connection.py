"""The connection of a job: one for all its calls, another when it broke, and nothing sent twice by itself."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from card_agent.errors import SiteUnavailable
from card_agent.job_client import JobLink
from card_agent.settings import Site
from card_agent.site_connection import SiteConnection
from tests.support.desk_job_site import MemoryAuthority
from tests.support.running_service import wait_until


@dataclass
class Told:
    """What the site has seen, how many of the next requests it reads and then hangs up on, whether it closes
    the connection after the next answer without saying so, and when it answers."""

    connections: set[object] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)
    hang_up_on: int = 0
    closes: bool = False
    closed: int = 0
    answers_when: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.answers_when.set()


class KeepingSite(ThreadingHTTPServer):
    daemon_threads = True
    told: Told

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.told.closed += 1


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: KeepingSite

    def _answer(self) -> None:
        told = self.server.told
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        told.connections.add(self.client_address)
        told.requests.append(f"{self.command} {self.path}")
        told.answers_when.wait(30)
        if told.hang_up_on:
            told.hang_up_on -= 1
            self.close_connection = True
            return
        self.close_connection, told.closes = told.closes, False
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_PUT = do_POST = _answer

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[KeepingSite]:
    certificate, key, _ = MemoryAuthority().server_files(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = KeepingSite(("127.0.0.1", 0), _Handler)
    server.told = Told()
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def link(server: KeepingSite, tmp_path: Path) -> Iterator[JobLink]:
    site = Site(origin=f"https://127.0.0.1:{server.server_port}", name="the RA", ca_file=tmp_path / "ca.pem")
    link = JobLink(SiteConnection(site), "job-1", "token")
    yield link
    link.rest()


def test_the_calls_of_a_job_share_a_connection(server: KeepingSite, link: JobLink) -> None:
    link.fetch()
    link.step("/one", {})
    link.report_failure("two", "why")
    assert len(server.told.requests) == 3
    assert len(server.told.connections) == 1


def test_a_job_that_rests_has_no_connection_and_takes_another(server: KeepingSite, link: JobLink) -> None:
    link.fetch()
    link.rest()
    link.rest()
    link.fetch()
    assert len(server.told.connections) == 2


def test_a_step_whose_kept_connection_ended_goes_by_another(server: KeepingSite, link: JobLink) -> None:
    link.fetch()
    server.told.hang_up_on = 1
    assert link.step("/one", {}) == {}
    assert server.told.requests[1:] == ["PUT /desk/jobs/job-1/one"] * 2
    assert len(server.told.connections) == 2


def test_what_may_have_had_its_effect_is_not_sent_again(server: KeepingSite, link: JobLink) -> None:
    link.fetch()
    server.told.hang_up_on = 1
    with pytest.raises(SiteUnavailable, match="does not answer"):
        link.report_failure("one", "why")
    assert server.told.requests[1:] == ["POST /desk/jobs/job-1/failure"]
    assert link.fetch() is None  # the next call is made on a new connection
    assert len(server.told.connections) == 2


def test_a_connection_that_the_site_closed_meanwhile_is_not_written_to(
    server: KeepingSite, link: JobLink
) -> None:
    server.told.closes = True
    link.fetch()
    wait_until(lambda: server.told.closed, "the site has closed the connection")
    # Not sent again by itself, so it arrives only if the end of the kept connection was seen.
    link.report_failure("one", "why")
    assert server.told.requests[1:] == ["POST /desk/jobs/job-1/failure"]
    assert len(server.told.connections) == 2


def test_a_page_that_asks_during_a_call_waits_for_its_answer(server: KeepingSite, link: JobLink) -> None:
    link.fetch()
    server.told.answers_when.clear()
    results: list[object] = []
    calls = [lambda: link.step("/one", {}), link.fetch, link.rest]
    asking = [threading.Thread(target=lambda call=call: results.append(call())) for call in calls]
    for each in asking:
        each.start()
    wait_until(lambda: len(server.told.requests) > 1, "the first call has arrived")
    server.told.answers_when.set()
    for each in asking:
        each.join(30)
    assert len(results) == 3
    assert len(server.told.requests) == 3
