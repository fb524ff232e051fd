"""A relying party has a prescription signed: the real agent, real SoftHSM cards, the screen's own API."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from cryptography import x509
from joserfc.jwk import ECKey

from app.service.local_tls import make_local_tls
from app.signatures.algorithms import SHA256, DigestAlgorithm
from app.signatures.prescription import PrescriptionFragments
from app.signatures.xmldsig import signature_from_untrusted
from card_agent.driver import Driver
from card_agent.page_reading import PageRead, read_page
from examples.prescribing import application
from examples.prescribing.prescription import fragments
from examples.prescribing.settings import Settings
from examples.prescribing.signings import Signings
from examples.prescribing.visits import Role, Visit
from tests.integration.card_agent.conftest import OPERATOR, OPERATOR_PIN, AgentProcess
from tests.support.desk_job_site import DeskJobSite
from tests.support.ward import free_port, served

ROLE = Role("555251764514", "GP", "L83002", "HONITON SURGERY", {})
WRONG_PIN = "26849370"
NAVIGATES = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "cross-site"}


@dataclass
class Screen:
    """The prescribing screen, and the browser's part of a signature."""

    origin: str
    ca_file: Path
    signings: Signings

    def begin(self, uid: str = OPERATOR["uid"], signer: str | None = None, at: datetime | None = None) -> str:
        """A prescription of that person; the link to the agent."""
        now = at or datetime.now(UTC)
        visit = Visit("session", uid, OPERATOR["name"], ROLE, "token", now, now)
        return self.begin_with(fragments(visit, ROLE, now), signer or uid)

    def begin_with(self, document: bytes, signer: str = OPERATOR["uid"]) -> str:
        _, reference = self.signings.begin(signer, ROLE.organisation_code, document)
        return "/sign?" + urlencode({"op": self.origin, "ref": reference})

    def signature(self) -> bytes:
        [signing] = self.signings.signed_at(ROLE.organisation_code)
        read = PrescriptionFragments.from_untrusted(signing.document)
        found = signature_from_untrusted(signing.signature)
        key = x509.load_der_x509_certificate(found.certificate).public_key()
        assert found.digest == read.digest(DigestAlgorithm(SHA256, is_old=False))
        assert found.algorithm.is_signature(found.value, found.signed_info, key)
        return found.certificate


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    tls, port = tmp_path / "tls", free_port()
    make_local_tls(tls, ["web"], datetime.now(UTC))
    (tmp_path / "party.pem").write_bytes(ECKey.generate_key("P-256").as_pem(private=True))
    origin = f"https://127.0.0.1:{port}"
    settings = Settings(
        *(origin, "127.0.0.1", port, "https://localhost:1", "screen", tmp_path / "party.pem"),
        *(tls / "ca.pem", tls / "web.pem", tls / "web.key", tmp_path / "session.key"),
    )
    app = application.create_app(settings)
    with served(app, port, tls):
        yield Screen(origin, tls / "ca.pem", app.extensions["prescribing_signings"])


@pytest.fixture
def agent(agent: AgentProcess, screen: Screen) -> AgentProcess:
    """The agent, with the prescribing screen as a second site that may ask for signatures alone."""
    with agent.config.open("a") as config:
        config.write(
            f"[[site]]\norigin = '{screen.origin}'\nname = 'Prescribing screen'\n"
            f"ca_file = '{screen.ca_file}'\nmay_ask = ['signatures']\n"
        )
    return agent


@dataclass
class Browser:
    """A browser at the agent."""

    http: httpx.Client

    def open(self, address: str, expect: int = 200) -> PageRead:
        answer = self.http.get(address, headers=NAVIGATES)
        while answer.status_code == 303:
            answer = self.http.get(answer.headers["Location"], headers=NAVIGATES)
        assert answer.status_code == expect, answer.text
        return read_page(answer.text)

    def sign(self, page: PageRead, pin: str = OPERATOR_PIN) -> httpx.Response:
        action = next(name for name in page.forms if name.startswith("/sign/"))
        headers = {**NAVIGATES, "Sec-Fetch-Site": "same-origin", "Origin": "null"}
        return self.http.post(action, data={**page.forms[action], "pin": pin}, headers=headers)


@pytest.fixture
def browser(agent: AgentProcess, person: Driver) -> Iterator[Browser]:
    with httpx.Client(base_url=agent.origin, trust_env=False, timeout=30) as http:
        yield Browser(http)


def test_what_is_shown_is_signed_with_the_signing_key_and_brought_to_the_site(
    browser: Browser, screen: Screen, operator_certificate: bytes
) -> None:
    page = browser.open(screen.begin())
    for shown in (
        "Stacey Twitchett",
        "9990548609",
        "Amoxicillin 500mg capsules",
        "21 capsule",
        OPERATOR["name"],
    ):
        assert shown in page.text
    answer = browser.sign(page)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"{screen.origin}/card-signing/")
    assert screen.signature() == operator_certificate


def test_the_pin_is_asked_for_each_signature_and_a_wrong_one_signs_nothing(
    browser: Browser, screen: Screen, operator_card: str
) -> None:
    page = browser.open(screen.begin())
    wrong = browser.sign(page, WRONG_PIN)
    assert "You have 2 tries left" in wrong.text
    empty = browser.sign(read_page(wrong.text), "")
    assert "Enter the PIN" in empty.text
    assert screen.signings.signed_at(ROLE.organisation_code) == []
    assert browser.sign(read_page(empty.text)).status_code == 303
    again = browser.open(screen.begin())
    assert "pin" in next(iter(again.forms.values())) or "PIN" in again.text
    assert "Enter the PIN" in browser.sign(again, "").text


def test_a_reference_works_once_and_for_its_own_site(
    browser: Browser, screen: Screen, site: DeskJobSite, operator_card: str
) -> None:
    hop = screen.begin()
    browser.open(hop)
    assert "collected already" in browser.open(hop, 409).text
    for origin, status in ((site.origin, 403), ("https://evil.example", 403), (screen.origin + "/", 403)):
        assert (
            "Do not enter your PIN"
            in browser.open("/sign?" + urlencode({"op": origin, "ref": "x" * 43}), status).text
        )
    assert (
        "incomplete request" in browser.open("/sign?" + urlencode({"op": screen.origin, "ref": ""}), 400).text
    )


def test_a_site_for_signatures_may_ask_for_nothing_else(browser: Browser, screen: Screen) -> None:
    for address in ("/card", "/job"):
        query = urlencode({"op": screen.origin, "nonce": "n" * 44, "ticket": "t" * 43})
        assert "Do not enter your PIN" in browser.open(f"{address}?{query}", 403).text


def test_nothing_but_a_prescription_is_signed(browser: Browser, screen: Screen, operator_card: str) -> None:
    for document in (b"x" * 32, b"<Contract></Contract>", b'{"type":"spine-ra/card-issuance/1"}'):
        assert "not signed" in browser.open(screen.begin_with(document), 409).text


def test_a_prescription_of_somebody_else_or_of_another_day_is_not_signed(
    browser: Browser, screen: Screen, operator_card: str
) -> None:
    assert "another prescriber" in browser.open(screen.begin(signer="555036632106"), 409).text
    assert "Insert the card of" in browser.open(screen.begin("555036632106")).text
    old = browser.open(screen.begin(at=datetime.now(UTC) - timedelta(days=1)))
    assert "not about now" in browser.sign(old).text
    assert screen.signings.signed_at(ROLE.organisation_code) == []


def test_a_form_works_once(browser: Browser, screen: Screen, operator_card: str) -> None:
    page = browser.open(screen.begin())
    assert browser.sign(page).status_code == 303
    assert browser.sign(page).status_code == 403


def test_the_site_gives_the_prescription_to_nobody_without_the_reference(screen: Screen) -> None:
    trust = ssl.create_default_context(cafile=str(screen.ca_file))
    screen.begin()
    with httpx.Client(verify=trust, trust_env=False, base_url=screen.origin) as http:
        for body in ({}, {"reference": ""}, {"reference": "x" * 43}, []):
            assert http.post("/card-signing/claim", json=body).status_code == 409
        for token in ("none", "x" * 43):
            answer = http.put(
                "/card-signing/x/signature",
                json={"signature": "eA=="},
                headers={"Authorization": f"Bearer {token}"},
            )
            assert answer.status_code == 409
