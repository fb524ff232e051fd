"""The reader doctor: what it says when each thing is wrong, and what its report holds."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.domain.workstation_report import cards_from_untrusted, findings_from_untrusted
from card_agent.card_views import CardView, CardViews, ReaderView
from card_agent.desks import desk_of
from card_agent.doctor import Doctor
from card_agent.driver import Driver
from card_agent.findings import Finding, State
from card_agent.ports import Purpose
from card_agent.reader_findings import module_findings, reader_findings
from card_agent.settings import AgentSettings, Site
from card_agent.site_findings import site_findings
from tests.integration.card_agent.conftest import OPERATOR, OPERATOR_PIN, AgentProcess
from tests.support.desk_job_site import DeskJobSite
from tests.support.running_service import wait_until
from virtual_card.pcsc import PcscDesk

NOW = datetime.now(UTC)


def codes(findings: Iterator[Finding] | list[Finding]) -> dict[str, Finding]:
    return {each.code: each for each in findings}


def certificate(begins: timedelta, ends: timedelta) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "555036632106_Amara_Holder")])
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(NOW + begins).not_valid_after(NOW + ends)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def card_with(begins: int, ends: int, tries_left: int = 3) -> list[ReaderView]:
    der = certificate(timedelta(days=begins), timedelta(days=ends))
    card = CardView(
        "VC1", "Reader 1", "555036632106", "Amara Holder", tries_left, {Purpose.AUTHENTICATION: der}
    )
    return [ReaderView("left", "Reader 1", card)]


@pytest.mark.parametrize(
    ("readers", "code", "state"),
    [
        ([], "no_reader", State.PROBLEM),
        ([ReaderView("left", "Reader 1", None)], "no_card", State.WARNING),
        (
            [ReaderView("left", "Reader 1", None, "The card does not answer.")],
            "card_not_usable",
            State.PROBLEM,
        ),
        (
            [ReaderView("left", "R", CardView("1", "R", trouble="Broken."))],
            "card_not_readable",
            State.PROBLEM,
        ),
        ([ReaderView("left", "R", CardView("1", "R"))], "blank_card", State.FINE),
        (card_with(-9, 400), "certificate", State.FINE),
        (card_with(-9, 30), "certificate_expiring", State.WARNING),
        (card_with(-9, -1), "certificate_expired", State.PROBLEM),
        (card_with(1, 9), "certificate_not_yet_valid", State.PROBLEM),
        (card_with(-9, 400, 3), "pin", State.FINE),
        (card_with(-9, 400, 1), "pin_last_try", State.WARNING),
        (card_with(-9, 400, 0), "pin_locked", State.PROBLEM),
    ],
)
def test_readers_and_cards_in_every_state(readers: list[ReaderView], code: str, state: State) -> None:
    finding = codes(list(reader_findings(readers, NOW)))[code]
    assert finding.state is state
    assert "Amara" not in str(finding)
    assert state is State.FINE or finding.why


def test_a_missing_module_is_named() -> None:
    found = codes(list(module_findings({"piv": "libykcs11.so.2 cannot be loaded"}, ["piv"])))
    assert "libykcs11.so.2" in found["module_missing"].what
    assert "modules" in codes(list(module_findings({}, ["piv"])))


# The way to the site.


def test_a_site_that_answers_with_the_right_time_is_fine(site: DeskJobSite) -> None:
    found = codes(list(site_findings(Site(site.origin, "Test RA", site.ca_file), datetime.now(UTC))))
    assert set(found) == {"server", "clock"}
    assert {each.state for each in found.values()} == {State.FINE}


@pytest.mark.parametrize(("minutes", "word"), [(-30, "slow"), (45, "fast")])
def test_a_wrong_clock_is_seen_by_the_sites_date(site: DeskJobSite, minutes: int, word: str) -> None:
    here = datetime.now(UTC) + timedelta(minutes=minutes)
    clock = codes(list(site_findings(Site(site.origin, "Test RA", site.ca_file), here)))["clock_wrong"]
    assert f"{abs(minutes)} minutes {word}" in clock.what


def test_a_server_with_another_authoritys_certificate_is_not_trusted(
    site: DeskJobSite, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = DeskJobSite(tmp_path_factory.mktemp("other"))
    try:
        found = codes(list(site_findings(Site(other.origin, "Test RA", site.ca_file), NOW)))
    finally:
        other.close()
    assert "do not enter a PIN" in found["server_not_trusted"].to_do


def test_a_server_that_is_down_and_anchors_that_are_gone(site: DeskJobSite, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        origin = f"https://localhost:{unused.getsockname()[1]}"
    assert "server_not_reachable" in codes(list(site_findings(Site(origin, "RA", site.ca_file), NOW)))
    assert "anchors_unusable" in codes(list(site_findings(Site(origin, "RA", tmp_path / "gone.pem"), NOW)))
    (tmp_path / "empty.pem").write_text("")
    assert "anchors_unusable" in codes(list(site_findings(Site(origin, "RA", tmp_path / "empty.pem"), NOW)))


# Real readers: a pcscd that is not there, readers without a card, and a card of a kind that is not accepted.


def doctor_for(folder: Path, site: DeskJobSite, *profiles: str) -> Doctor:
    settings = AgentSettings(0, folder, (Site(site.origin, "Test RA", site.ca_file),), profiles)
    desk, processes = desk_of(settings)
    return Doctor(settings, CardViews(desk, processes), processes, lambda: datetime.now(UTC))


def test_real_readers(pcsc_desk: PcscDesk, site: DeskJobSite) -> None:
    for position in ("left", "right"):
        if pcsc_desk.reader(position).card:
            pcsc_desk.remove(position)
    doctor = doctor_for(pcsc_desk.folder, site, "smartcard-hsm")
    found = codes(list(doctor.examine().findings))
    assert {"modules", "no_card", "reader", "server", "clock"} <= set(found)
    serial = pcsc_desk.new_blank_card().serial
    pcsc_desk.insert("left", serial)
    assert (serial, "") in doctor.examine().cards
    stranger = doctor_for(pcsc_desk.folder, site, "piv").examine()
    assert (
        "of no kind that this card agent works with (piv)"
        in codes(list(stranger.findings))["card_not_usable"].what
    )
    pcsc_desk.remove("left")


def test_without_pcscd_every_page_says_so(agent: AgentProcess, site: DeskJobSite, tmp_path: Path) -> None:
    config = agent.config.read_text().replace("[desk]", "[cards]\nprofiles = ['smartcard-hsm']\n[desk]")
    agent.config.write_text(config)
    with agent.start():
        wait_until(lambda: 'data-code="no_pcscd"' in doctor_page(agent), "the examination ends")
        assert "smartcard service of this computer (pcscd) does not answer" in doctor_page(agent)
        assert httpx.get(f"{agent.origin}/", trust_env=False).status_code == 502


def test_the_report_is_what_the_site_takes_and_has_no_pin_and_no_name(
    person: Driver, agent: AgentProcess, site: DeskJobSite, operator_card: str
) -> None:
    person.sign_in(f"/card?op={site.origin}&nonce={'n' * 44}", OPERATOR_PIN)
    assert person.send_report() == "K7QF-3M2P"
    report = site.reports[-1]
    findings_from_untrusted(report["findings"])
    assert [card.serial for card in cards_from_untrusted(report["cards"])] == [operator_card]
    told = str(report)
    assert OPERATOR["uid"] in told
    assert OPERATOR_PIN not in told
    assert "Grace" not in told


def test_what_takes_long_is_shown_as_it_goes_on(agent: AgentProcess, site: DeskJobSite) -> None:
    """A site that takes calls and never answers: the page comes at once, and ends by itself."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        other = f"[[site]]\norigin = 'https://localhost:{silent.getsockname()[1]}'\nname = 'Silent RA'\n"
        with agent.config.open("a") as config:
            config.write(f"\n{other}ca_file = '{site.ca_file}'\n")
        with agent.start():
            page = httpx.get(f"{agent.origin}/doctor", trust_env=False).text
            assert "Looking at this workstation" in page
            assert 'data-state="done"' in page
            assert "Ask Silent RA" in page
            wait_until(lambda: "What is wrong" in doctor_page(agent), "the examination ends")


def doctor_page(agent: AgentProcess) -> str:
    return httpx.get(f"{agent.origin}/doctor", trust_env=False).text


def test_another_page_cannot_send_a_report(person: Driver, agent: AgentProcess, site: DeskJobSite) -> None:
    before = len(site.reports)
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}):
        answer = httpx.post(
            f"{agent.origin}/doctor",
            data={"form_value": "x", "site": site.origin},
            headers={"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", **headers},
            trust_env=False,
        )
        assert answer.status_code == 403
    assert len(site.reports) == before


def test_a_finding_is_cut_to_what_the_site_takes() -> None:
    finding = Finding("x", State.PROBLEM, "two\nlines \x00" + "y" * 900, "why", "do")
    findings_from_untrusted([finding.message()])
