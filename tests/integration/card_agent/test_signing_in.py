"""The sign-in hop at the real agent with real SoftHSM cards."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from card_agent.driver import Driver, DriverRefused
from card_agent.virtual_cards import VirtualDesk
from tests.integration.card_agent.conftest import (
    HOLDER,
    OPERATOR,
    OPERATOR_PIN,
    ROOT,
    AgentProcess,
    make_card,
)
from tests.support.desk_job_site import DeskJobSite, verify_raw

NONCE = base64.b64encode(bytes(range(32))).decode()
HOLDER_PIN = "59174028"
WRONG_PIN = "26849370"


def hop(site: DeskJobSite, nonce: str = NONCE) -> str:
    """The site's link to the agent."""
    from urllib.parse import urlencode

    return "/card?" + urlencode({"op": site.origin, "nonce": nonce})


def token_in(location: str) -> dict[str, str]:
    """The token in the fragment of the address the browser is sent to."""
    fragment = location.partition("#")[2]
    decoded = json.loads(base64.urlsafe_b64decode(fragment + "=" * (-len(fragment) % 4)))
    assert isinstance(decoded, dict)
    return decoded


def test_the_token_is_signed_over_this_origin_and_nonce(
    person: Driver, site: DeskJobSite, operator_certificate: bytes
) -> None:
    location = person.sign_in(hop(site), OPERATOR_PIN)
    token = token_in(location)
    assert location.partition("#")[0] == f"{site.origin}/sign-in/card"
    assert set(token) == {"unverifiedCertificate", "algorithm", "signature", "format", "appVersion"}
    assert (token["algorithm"], token["format"]) == ("ES256", "web-eid:1.0")
    signed = hashlib.sha256(site.origin.encode()).digest() + hashlib.sha256(NONCE.encode()).digest()
    certificate = base64.b64decode(token["unverifiedCertificate"])
    assert certificate != operator_certificate
    verify_raw(certificate, base64.b64decode(token["signature"]), signed)


def test_a_wrong_pin_says_how_many_tries_are_left_and_the_third_locks(
    person: Driver, site: DeskJobSite, operator_card: str
) -> None:
    told_before = len(site.consents)
    with pytest.raises(DriverRefused, match=r"^Wrong PIN. You have 2 tries left.$"):
        person.sign_in(hop(site), WRONG_PIN)
    with pytest.raises(DriverRefused, match=r"^Wrong PIN. You have 1 try left.$"):
        person.sign_in(hop(site), WRONG_PIN)
    with pytest.raises(DriverRefused, match=r"one more try.*somebody else must agree"):
        person.sign_in(hop(site), OPERATOR_PIN)
    with pytest.raises(DriverRefused, match=r"card is locked.*registration authority"):
        person.use_last_try(operator_card, WRONG_PIN, second_uid=HOLDER["uid"])
    with pytest.raises(DriverRefused, match=r"card is locked"):
        person.sign_in(hop(site), OPERATOR_PIN)
    assert [said["second"] for said in site.consents[told_before:]] == [HOLDER["uid"]]


def test_a_colleague_agrees_with_her_own_card_and_the_right_pin_gives_all_tries_back(
    person: Driver, site: DeskJobSite, operator_card: str, desk: VirtualDesk, desk_folder: Path
) -> None:
    make_card(desk, desk_folder, site, "right", HOLDER, HOLDER_PIN)
    for _ in range(2):
        with pytest.raises(DriverRefused, match="left"):
            person.sign_in(hop(site), WRONG_PIN, operator_card)
    with pytest.raises(DriverRefused, match=r"Wrong PIN\. You have 2 tries left"):
        person.use_last_try(operator_card, OPERATOR_PIN, second_pin=WRONG_PIN)
    with pytest.raises(DriverRefused, match=rf"^Enter the PIN of {OPERATOR['name']}\.$"):
        person.use_last_try(operator_card, "", second_pin=HOLDER_PIN)
    person.use_last_try(operator_card, OPERATOR_PIN, second_pin=HOLDER_PIN)
    assert site.consents[-1]["second"] == HOLDER["uid"]
    assert site.consents[-1]["signed"] == "yes"
    person.sign_in(hop(site), OPERATOR_PIN, operator_card)


def test_without_a_second_person_or_the_site_the_last_try_is_not_used(
    person: Driver, site: DeskJobSite, operator_card: str
) -> None:
    for _ in range(2):
        with pytest.raises(DriverRefused, match="left"):
            person.sign_in(hop(site), WRONG_PIN)
    for uid, agrees, sentence in (
        ("", "yes", "12 digits"),
        (HOLDER["uid"], "", "must agree"),
        (OPERATOR["uid"], "yes", "Somebody else must agree"),
    ):
        with pytest.raises(DriverRefused, match=sentence):
            person.use_last_try(operator_card, WRONG_PIN, second_uid=uid, agrees=agrees)
    site.refuses_consents = True
    with pytest.raises(DriverRefused, match="not accepted"):
        person.use_last_try(operator_card, WRONG_PIN, second_uid=HOLDER["uid"])
    site.refuses_consents = False
    person.use_last_try(operator_card, OPERATOR_PIN, second_uid=HOLDER["uid"])
    person.sign_in(hop(site), OPERATOR_PIN)


def test_the_right_pin_gives_all_tries_back(person: Driver, site: DeskJobSite, operator_card: str) -> None:
    for _ in range(2):
        with pytest.raises(DriverRefused, match="2 tries left"):
            person.sign_in(hop(site), WRONG_PIN)
        person.sign_in(hop(site), OPERATOR_PIN)


@pytest.mark.parametrize(
    ("pin", "sentence"), [("", "Enter the PIN"), ("12ab56", "No try was used"), ("12", "No try was used")]
)
def test_what_cannot_be_a_pin_uses_no_try(
    person: Driver, site: DeskJobSite, operator_card: str, desk: VirtualDesk, pin: str, sentence: str
) -> None:
    with pytest.raises(DriverRefused, match=sentence):
        person.sign_in(hop(site), pin)
    with pytest.raises(DriverRefused, match="2 tries left"):
        person.sign_in(hop(site), WRONG_PIN)


def test_with_two_cards_the_person_chooses(
    person: Driver, site: DeskJobSite, operator_card: str, desk: VirtualDesk, desk_folder: Path
) -> None:
    second = make_card(desk, desk_folder, site, "right", HOLDER, HOLDER_PIN)
    for serial, pin in ((operator_card, OPERATOR_PIN), (second, HOLDER_PIN)):
        assert token_in(person.sign_in(hop(site), pin, serial))
    with pytest.raises(DriverRefused, match="2 tries left"):
        person.sign_in(hop(site), HOLDER_PIN, operator_card)


def test_without_a_card_the_page_says_so_and_leads_to_the_desk_and_back(
    person: Driver, agent: AgentProcess, site: DeskJobSite
) -> None:
    import httpx

    page = httpx.get(agent.origin + hop(site), trust_env=False).text
    assert "Insert your card into a reader" in page
    link = re.search(r'href="(/\?back=[^"]+)"', page)
    assert link
    desk_page = httpx.get(agent.origin + link[1], trust_env=False).text
    assert "Back to signing in to Test RA" in desk_page
    back = re.search(r'class="button" href="(/card\?[^"]+)"', desk_page)
    assert back
    assert httpx.get(agent.origin + back[1].replace("&amp;", "&"), trust_env=False).status_code == 200


def test_a_blank_card_cannot_sign_in(person: Driver, site: DeskJobSite) -> None:
    person.take_blank("left")
    with pytest.raises(DriverRefused, match="holds no certificate to sign in with"):
        person.sign_in(hop(site), OPERATOR_PIN)


def test_a_taken_port_is_a_sentence(person: Driver, agent: AgentProcess, tmp_path: Path) -> None:
    port = agent.origin.rpartition(":")[2]
    config = tmp_path / "second.toml"
    config.write_text(agent.config.read_text().replace("port = 0", f"port = {port}"))
    ended = subprocess.run(
        [sys.executable, "-m", "card_agent", "--config", str(config)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT / "pkcs11")},
        check=False,
        timeout=60,
    )
    assert ended.returncode == 2
    assert f"Port {port} on 127.0.0.1 is taken by another program" in ended.stderr
    assert "Traceback" not in ended.stderr
