"""What the agent refuses at its own door: other hosts, other sites, replays, floods."""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

import pytest

from card_agent.virtual_cards import VirtualDesk
from tests.integration.card_agent.conftest import (
    OPERATOR,
    OPERATOR_PIN,
    AgentProcess,
    make_card,
    write_config,
)
from tests.support.desk_job_site import DeskJobSite

NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "cross-site"}
OWN_FORM = {
    **NAVIGATION,
    "Sec-Fetch-Site": "same-origin",
    "Origin": "null",
    "Content-Type": "application/x-www-form-urlencoded",
}
NONCE = "n" * 44


class RawClient:
    """Sends exactly the headers it is told to send."""

    def __init__(self, origin: str) -> None:
        self.host = urlsplit(origin).netloc

    def send(
        self, method: str, path: str, headers: dict[str, str], body: str | None = None
    ) -> tuple[http.client.HTTPResponse, str]:
        connection = http.client.HTTPConnection(self.host, timeout=30)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer, answer.read().decode()
        finally:
            connection.close()

    def pin_page(self, site: DeskJobSite) -> tuple[str, str]:
        """Return the form value and the card of a PIN page."""
        _, page = self.send("GET", hop(site.origin), NAVIGATION)
        value = re.search(r'name="form_value" value="([^"]+)"', page)
        card = re.search(r'name="card" value="([^"]+)"', page)
        assert value
        assert card
        return value[1], card[1]


def hop(origin: str, nonce: str = NONCE) -> str:
    return "/card?" + urlencode({"op": origin, "nonce": nonce})


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, site: DeskJobSite) -> Iterator[RawClient]:
    """A raw client of one agent for all attacks, with the operator's card in the left reader."""
    folder = tmp_path_factory.mktemp("attacked")
    desk = VirtualDesk(folder / "desk")
    make_card(desk, folder / "desk", site, "left", OPERATOR, OPERATOR_PIN)
    agent = AgentProcess(write_config(folder, site), folder / "agent.log")
    agent.start().close()
    yield RawClient(agent.origin)
    agent.kill()


def test_a_rebound_host_name_is_refused(client: RawClient, site: DeskJobSite) -> None:
    for host in ("evil.example", f"evil.example:{client.host.rpartition(':')[2]}", "127.0.0.1", ""):
        answer, page = client.send("GET", hop(site.origin), {**NAVIGATION, "Host": host})
        assert answer.status == 421
        assert "form" not in page


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "empty"},
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Mode": "websocket", "Sec-Fetch-Dest": "empty"},
        {**NAVIGATION, "Sec-Purpose": "prefetch"},
    ],
)
@pytest.mark.parametrize("path", ["/", "/card", "/issue", "/issue/x"])
def test_only_a_top_level_navigation_enters(client: RawClient, headers: dict[str, str], path: str) -> None:
    answer, _ = client.send("GET", path, headers)
    assert answer.status == 403
    assert answer.getheader("Access-Control-Allow-Origin") is None


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://localhost",
        "http://localhost:8443",
        "",
        "https://localhost:8443@evil.example",
    ],
)
def test_a_site_that_is_not_listed_gets_no_pin_page(client: RawClient, origin: str) -> None:
    answer, page = client.send("GET", hop(origin), NAVIGATION)
    assert answer.status == 403
    assert "Do not enter your PIN" in page
    assert "<form" not in page


def test_a_listed_origin_with_anything_behind_it_is_another_origin(
    client: RawClient, site: DeskJobSite
) -> None:
    for suffix in ("/", ".evil.example", "#", "?x"):
        assert client.send("GET", hop(site.origin + suffix), NAVIGATION)[0].status == 403


@pytest.mark.parametrize("nonce", ["", "n" * 43, "n" * 129, "n" * 43 + "\n", "n" * 43 + "<"])
def test_a_nonce_that_is_missing_or_too_short_or_too_long_is_refused(
    client: RawClient, site: DeskJobSite, nonce: str
) -> None:
    answer, page = client.send("GET", hop(site.origin, nonce), NAVIGATION)
    assert answer.status == 400
    assert "<form" not in page


def test_a_parameter_given_twice_is_no_parameter(client: RawClient, site: DeskJobSite) -> None:
    answer, _ = client.send("GET", hop(site.origin) + "&op=https://evil.example", NAVIGATION)
    assert answer.status == 403


def test_a_form_value_works_once(client: RawClient, site: DeskJobSite) -> None:
    value, card = client.pin_page(site)
    body = urlencode({"form_value": value, "card": card, "pin": OPERATOR_PIN})
    assert client.send("POST", "/card", OWN_FORM, body)[0].status == 303
    answer, page = client.send("POST", "/card", OWN_FORM, body)
    assert answer.status == 403
    assert "used already" in page


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Mode": "cors"}, 403),
        ({"Sec-Fetch-Dest": "iframe"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/json"}, 415),
    ],
)
def test_a_form_from_elsewhere_is_refused_even_with_the_right_value(
    client: RawClient, site: DeskJobSite, headers: dict[str, str], status: int
) -> None:
    value, card = client.pin_page(site)
    body = urlencode({"form_value": value, "card": card, "pin": OPERATOR_PIN})
    assert client.send("POST", "/card", {**OWN_FORM, **headers}, body)[0].status == status


@pytest.mark.parametrize(
    "path", ["/card", "/desk/take", "/desk/insert", "/desk/remove", "/issue/x", "/issue/x/go-on"]
)
def test_a_form_without_a_value_the_agent_gave_does_nothing(client: RawClient, path: str) -> None:
    for value in ("", "guess", "A" * 43):
        answer, _ = client.send("POST", path, OWN_FORM, urlencode({"form_value": value, "reader": "right"}))
        assert answer.status == 403


def test_a_form_value_of_one_page_does_not_serve_another(client: RawClient, site: DeskJobSite) -> None:
    value, _ = client.pin_page(site)
    answer, _ = client.send(
        "POST", "/desk/take", OWN_FORM, urlencode({"form_value": value, "reader": "right"})
    )
    assert answer.status == 403


def test_a_body_is_bounded(client: RawClient) -> None:
    assert client.send("POST", "/card", OWN_FORM, "pin=" + "1" * 9000)[0].status == 413
    chunked = {**OWN_FORM, "Transfer-Encoding": "chunked"}
    assert client.send("POST", "/card", chunked)[0].status in (403, 411)


def test_other_methods_are_refused_with_the_same_headers(client: RawClient) -> None:
    for method in ("PUT", "DELETE", "OPTIONS", "PATCH", "HEAD"):
        answer, _ = client.send(method, "/card", NAVIGATION)
        assert answer.status == 501
        assert answer.getheader("Content-Security-Policy")


def test_silent_connections_do_not_stop_the_agent(client: RawClient) -> None:
    port = int(client.host.rpartition(":")[2])
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    try:
        assert client.send("GET", "/", NAVIGATION)[0].status == 200
    finally:
        for connection in silent:
            connection.close()


def test_every_answer_carries_the_headers_that_keep_it_private(client: RawClient, site: DeskJobSite) -> None:
    for path in ("/", hop(site.origin), "/nowhere", "/static/agent.css", "/card"):
        answer, page = client.send("GET", path, {**NAVIGATION, "Sec-Fetch-Site": "same-origin"})
        policy = answer.getheader("Content-Security-Policy") or ""
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.getheader("Referrer-Policy") == "no-referrer"
        assert answer.getheader("Cache-Control") == "no-store"
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
        assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", page)
    answer, _ = client.send("GET", hop(site.origin), NAVIGATION)
    assert f"form-action 'self' {site.origin};" in (answer.getheader("Content-Security-Policy") or "")


def test_pages_of_other_sites_cannot_read_the_steps_or_the_files(client: RawClient) -> None:
    for path in ("/issue/x/steps.json", "/static/agent.css"):
        answer, _ = client.send("GET", path, {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Site": "cross-site"})
        assert answer.status == 403
    for path in ("/static/../settings.py", "/static/%2e%2e/settings.py", "/static/"):
        assert client.send("GET", path, {"Sec-Fetch-Site": "same-origin"})[0].status == 404


def test_what_a_page_shows_is_escaped(client: RawClient) -> None:
    answer, page = client.send("GET", hop("<script>alert(1)</script>"), NAVIGATION)
    assert answer.status == 403
    assert "<script>alert" not in page
