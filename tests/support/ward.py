"""A clinician with a browser, the provider, and the prescribing screen, both served over TLS."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
from flask import Flask
from joserfc.jwk import ECKey
from werkzeug.serving import WSGIRequestHandler, make_server

from app.adapters.back_channel import HttpBackChannel
from app.domain.renewal import RenewalRules
from app.oidc.logging_out import TellingRelyingParties
from app.oidc.provider import OpenIDProvider
from app.oidc.relying_party import parse
from app.ra.changing_so_pins import ChangingSoPins
from app.ra.renewing import Renewing
from app.service.local_tls import make_local_tls
from app.services import Services
from app.signin.browser_sessions import BrowserSessions
from app.signin.smartcard import SmartcardSignIn
from app.storage.database import Database
from app.web.application import create_app
from examples.prescribing import application
from examples.prescribing.settings import Settings
from tests.support.openid_provider import signing_keys
from tests.support.registration_authority import POLICY
from tests.support.relying_party import PartyUnderTest
from tests.support.sign_in import HeldCard, StaffRegister, authority
from tests.support.web import settings_for


class _Quiet(WSGIRequestHandler):
    def log(self, *arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def served(app: Flask, port: int, tls: Path) -> Iterator[None]:
    """Serve over TLS in a thread."""
    pair = (str(tls / "web.pem"), str(tls / "web.key"))
    server = make_server("127.0.0.1", port, app, threaded=True, ssl_context=pair, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Ward:
    """A clinician with a browser, the provider, and the prescribing screen."""

    register: StaffRegister
    screen: str
    provider: str
    ca_file: Path
    telling: TellingRelyingParties
    browser: httpx.Client

    def clinician(self, job_role: str = "R8000") -> tuple[str, HeldCard]:
        uid = self.register.person()
        self.register.role(uid, "A81001", job_role)
        return uid, self.register.card(uid)

    def sign_in(self, held: HeldCard) -> httpx.Response:
        """From the screen's first page to the screen, as a browser does it."""
        page = self.browser.get(f"{self.screen}/sign-in")
        nonce = parse_qs(urlsplit(re.findall(r'href="(http://127[^"]+)"', page.text)[0]).query)["amp;nonce"][
            0
        ]
        answer = self.browser.get(f"{self.provider}/sign-in/card")
        token = held.fragment(nonce, origin=self.provider)
        return self._go_on(self._send(answer, "/sign-in/card", token=token))

    def _go_on(self, page: httpx.Response) -> httpx.Response:
        if page.url.path == "/sign-in/terms":
            page = self._send(page, "/sign-in/terms", accepted="yes")
        refresh = re.search(r'content="0; url=([^"]+)"', page.text)
        return self.browser.get(urljoin(str(page.url), refresh[1])) if refresh else page

    def _send(self, page: httpx.Response, action: str, **fields: str) -> httpx.Response:
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        return self.browser.post(urljoin(str(page.url), action), data=hidden | fields)

    def press(self, page: httpx.Response, action: str) -> httpx.Response:
        """Press a button of the screen."""
        return self._go_on(self._send(page, action))

    def session(self) -> str:
        with self.register.database.read() as work:
            rows = work.connection.exec_driver_sql("SELECT id FROM web_session WHERE uid IS NOT NULL")
            session_id: str = rows.scalars().one()
            return session_id


@pytest.fixture
def ward(sqlite_database: Database, tmp_path: Path) -> Iterator[Ward]:
    party, tls = PartyUnderTest("prescribing-screen"), tmp_path / "tls"
    make_local_tls(tls, ["web"], datetime.now(UTC))
    provider_port, screen_port = free_port(), free_port()
    provider, screen = f"https://localhost:{provider_port}", f"https://127.0.0.1:{screen_port}"
    table = party.table(
        redirect_uris=[f"{screen}/signed-in"],
        post_logout_redirect_uris=[f"{screen}/"],
        backchannel_logout_uri=f"{screen}/back-channel-logout",
        backchannel_ca_file=str(tls / "ca.pem"),
        id_token_algorithm="ES256",
    )
    parties = parse({"client": [table]}, lambda name: party.public_pem)
    services = SimpleNamespace(
        sign_in=SmartcardSignIn(sqlite_database, authority().paths, provider),
        sessions=BrowserSessions(sqlite_database, POLICY),
        renewals=SimpleNamespace(beginning=Renewing(sqlite_database, RenewalRules())),
        unlocks=SimpleNamespace(changing=ChangingSoPins(sqlite_database)),
        openid=OpenIDProvider(sqlite_database, parties, signing_keys(), provider),
    )
    settings = settings_for(tmp_path)
    object.__setattr__(settings, "service", _with_origin(settings.service, provider))
    (tmp_path / "private.pem").write_bytes(ECKey.import_key(party.key).as_pem(private=True))
    screen_settings = Settings(
        screen,
        "127.0.0.1",
        screen_port,
        provider,
        party.client_id,
        tmp_path / "private.pem",
        tls / "ca.pem",
        tls / "web.pem",
        tls / "web.key",
        tmp_path / "session.key",
    )
    telling = TellingRelyingParties(sqlite_database, parties, signing_keys(), provider, HttpBackChannel())
    trust = ssl.create_default_context(cafile=str(tls / "ca.pem"))
    with (
        served(create_app(settings, cast("Services", services)), provider_port, tls),
        served(application.create_app(screen_settings), screen_port, tls),
        httpx.Client(verify=trust, follow_redirects=True, trust_env=False) as browser,
    ):
        yield Ward(StaffRegister(sqlite_database), screen, provider, tls / "ca.pem", telling, browser)


def _with_origin(service: Any, origin: str) -> Any:
    return replace(service, origin=origin)
