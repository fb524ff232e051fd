"""One part of the running service is down: the others go on, say so in a sentence, and catch up.

``docs/runbook.md`` says the same in words; a change here is a change there.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from playwright.sync_api import Browser, Error

from app.service.visitor import Visitor
from card_agent.driver import Driver
from tests.support.killing import Processes, wait_until
from tests.support.office import NEW_PIN, Office
from tests.support.running_service import Holder, Service, running_service
from tests.support.walking import Walker

PRACTICE, PRESCRIBE = "L83002", "B0420"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("down") / "var", 4100) as running:
        yield running


@pytest.fixture
def walker(browser: Browser, service: Service) -> Iterator[Walker]:
    context = browser.new_context(ignore_https_errors=True)
    context.set_default_timeout(20_000)
    yield Walker(context, service)
    context.close()


def test_a_card_locked_by_wrong_pins_stays_locked_when_the_agent_is_killed(
    office: Office, processes: Processes, walker: Walker
) -> None:
    card = office.issue_whole(office.register())
    walker.go_to_pin_page(card)
    for left in ("You have 2 tries left", "You have 1 try left"):
        walker.enter_pin("739251")
        walker.sees(left)
    walker.use_last_try("739251", walker.service.people()["RA agent"].uid)
    walker.sees("This card is locked")
    processes.kill_first_process("card-agent")
    processes.wait_until_back("card-agent")
    walker.go_to_pin_page(card)
    walker.sees("Take the card to your registration authority to have it unlocked")
    assert walker.page.get_by_label("PIN", exact=True).count() == 0
    walker.require_accessible()


def test_a_killed_agent_gives_no_try_back(office: Office, processes: Processes, walker: Walker) -> None:
    card = office.issue_whole(office.register())
    for left in ("You have 2 tries left", "You have 1 try left"):
        walker.go_to_pin_page(card)
        walker.enter_pin("739251")
        walker.sees(left)
        processes.kill_first_process("card-agent")
        processes.wait_until_back("card-agent")
    walker.go_to_pin_page(card)
    walker.use_last_try(NEW_PIN, walker.service.people()["RA agent"].uid)
    walker.sees("3 tries of the PIN left")
    walker.sign_in(card, NEW_PIN)


def test_web_down_while_signing_in_the_same_page_goes_on(
    office: Office, processes: Processes, walker: Walker
) -> None:
    """The card has signed; the browser cannot deliver it, until the page is loaded again."""
    card = office.issue_whole(office.register())
    walker.go_to_pin_page(card)
    walker.page.get_by_label("PIN", exact=True).fill(NEW_PIN)
    with (
        processes.down("web"),
        pytest.raises(Error, match="ERR_CONNECTION_REFUSED"),
        walker.page.expect_navigation(),
    ):
        walker.page.get_by_role("button", name="Sign in").click()
    walker.page.reload()
    walker.page.wait_for_url(re.compile("/sign-in/terms|/$"))


def test_web_of_which_only_the_first_process_died_comes_back(office: Office, processes: Processes) -> None:
    """Its other processes would hold the port."""
    card = office.issue_whole(office.register())
    processes.kill_first_process("web")
    processes.wait_until_back("web")
    assert card in office.sign_in(card)


def test_web_down_at_the_desk_says_so(office: Office, processes: Processes, walker: Walker) -> None:
    uid, _ = office.register(), office.lay_out_cards()
    issuance = office.issuing.begin(office.actor, uid)
    hop = office.hop(issuance)
    with processes.down("web"):
        walker.page.goto(hop)
        walker.sees("does not answer")
        walker.require_accessible()
    walker.page.reload()
    walker.sees("The holder chooses a PIN")
    office.go_on(issuance)


def test_ca_down_while_issuing_nothing_is_lost(office: Office, processes: Processes) -> None:
    uid, card = office.register(), office.lay_out_cards()
    issuance = office.issuing.begin(office.actor, uid)
    with processes.down("ca"):
        seen = office.issue(office.hop(issuance))
        assert "certificate authority does not answer just now. Nothing is lost" in seen
        assert office.status(issuance).is_open
    office.go_on(issuance)
    office.require_live(uid, card)


def test_ca_down_the_same_link_to_the_desk_works_later(office: Office, processes: Processes) -> None:
    """A web program that was just started does not have the escrow key, which the authority gives it."""
    processes.kill("web")
    processes.wait_until_back("web")
    uid, card = office.register(), office.lay_out_cards()
    hop = office.hop(office.issuing.begin(office.actor, uid))
    with processes.down("ca"):
        assert "certificate authority does not answer just now" in office.issue(hop)
    assert office.issue(hop) == ""
    office.require_live(uid, card)


def test_ca_down_sign_in_goes_on_and_a_lost_card_is_refused_at_once(
    office: Office, processes: Processes, service: Service
) -> None:
    uid = office.register()
    card = office.issue_whole(uid)
    with processes.down("ca"):
        assert card in office.sign_in(card)
        with office.desk() as desk, Visitor(office.layout, desk) as priya:
            priya.sign_in(office.priya.card_serial, office.priya.pin)
            priya.send(f"/people/{uid}/cards/{card}/report-lost", {"note": ""})
        with pytest.raises(Exception, match="answered 403"):
            office.sign_in(card)
        health = service.spine_ra("health")
        assert health.returncode == 1
        assert "certificate authority" in health.stdout
    office.require_nothing_live(uid)


def test_ca_down_the_crl_and_known_answers_are_still_served(
    office: Office, processes: Processes, service: Service
) -> None:
    card = office.issue_whole(office.register())
    known = _ocsp_request(service, office, card, "authentication")
    never_asked = _ocsp_request(service, office, card, "content-commitment")
    # Answers by this hash are made once somebody asked by it.
    unknown = _ocsp_request(service, office, card, "content-commitment", hashes.SHA384())
    crl = _status(service, "/crl/authentication.crl")
    assert _ocsp(service, known).status_code == 200
    # The status service follows the authority twice a second.
    time.sleep(3)
    with processes.down("ca"):
        # Longer than the status service believes its memory without asking.
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            answer = _status(service, "/crl/authentication.crl")
            assert (answer.status_code, answer.content) == (200, crl.content)
        assert x509.load_der_x509_crl(answer.content).next_update_utc > datetime.now(UTC)
        assert _ocsp(service, known).status_code == 200
        assert _ocsp(service, never_asked).status_code == 200
        refused = _ocsp(service, unknown)
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) > 0
    wait_until(lambda: _ocsp(service, unknown).status_code == 200, "the answer comes again")


def test_directory_down_a_grant_succeeds_and_is_published_when_it_is_back(
    office: Office, processes: Processes, service: Service
) -> None:
    uid = office.register()
    office.wait_until_carried()
    with processes.down("directory"):
        _grant(office, service, uid)
        wait_until(lambda: _failing(office) > 0, "the worker has tried")
        health = service.spine_ra("health")
        assert health.returncode == 1
        assert "announcements wait" in health.stdout
        assert "directory" in health.stdout
    office.wait_until_carried()
    assert _may(service, uid) == "TRUE"


def test_worker_down_what_happened_meanwhile_is_carried_when_it_is_back(
    office: Office, processes: Processes, service: Service
) -> None:
    with processes.down("worker"):
        uid = office.register()
        _grant(office, service, uid)
        card = office.issue_whole(uid)
        assert card in office.sign_in(card)
        assert _may(service, uid) != "TRUE"
    office.wait_until_carried()
    assert _may(service, uid) == "TRUE"


def test_agent_down_the_sign_in_page_says_what_to_do(processes: Processes, walker: Walker) -> None:
    walker.open("/sign-in?again=yes")
    with processes.down("card-agent"):
        with pytest.raises(Error, match="ERR_CONNECTION_REFUSED"), walker.page.expect_navigation():
            walker.page.get_by_role("button", name="Use my card").click()
        walker.open("/sign-in?again=yes")
        walker.page.get_by_text("The card agent does not open").click()
        walker.sees("Start the card agent, come back to this page and press the button again")
    walker.press("Use my card")
    walker.sees("asks you to prove who you are")


@pytest.mark.parametrize(
    "command", [("audit", "verify"), ("directory", "compare"), ("health",)], ids=" ".join
)
def test_when_all_are_back_everything_agrees(
    command: tuple[str, ...], office: Office, service: Service
) -> None:
    office.wait_until_carried()
    wait_until(lambda: service.spine_ra(*command).returncode == 0, service.spine_ra(*command).stdout)


def _grant(office: Office, service: Service, uid: str) -> None:
    """The sponsor asks and Priya grants, on their pages."""
    today = datetime.now(UTC)
    parts = {"day": today.day, "month": today.month, "year": today.year}
    dates = {f"starts_on-{part}": str(value) for part, value in parts.items()}
    with office.desk() as desk:
        with _signed_in(office, desk, service.people()["sponsor"]) as sponsor:
            position = _position(office)
            path = f"/people/{uid}/request-position/{PRACTICE}"
            request = sponsor.send(path, {"position_id": position, "reason": "Joins.", **dates}).url.path
        with _signed_in(office, desk, office.priya) as priya:
            priya.send(request, {}, action=f"{request}/take")
            answers = {"decision": "grant", "reason": ""}
            assert "Granted" in priya.send(request, answers, action=f"{request}/decision").text


def _signed_in(office: Office, desk: Driver, holder: Holder) -> Visitor:
    visitor = Visitor(office.layout, desk)
    visitor.sign_in(holder.card_serial, holder.pin)
    return visitor


def _position(office: Office) -> str:
    with office.database.read() as work:
        return next(each.id for each in work.positions.at(PRACTICE) if each.name == "General practitioner")


def _failing(office: Office) -> int:
    with office.database.read() as work:
        return work.outbox.progress().failing


def _may(service: Service, uid: str) -> str:
    systems = service.folder / "systems"
    asid = next(path.stem for path in sorted(systems.glob("2*.pem")))
    environment = {
        "PATH": "/usr/bin:/bin",
        "LDAPTLS_CACERT": str(service.tls_authority),
        "LDAPTLS_CERT": str(systems / f"{asid}.pem"),
        "LDAPTLS_KEY": str(systems / f"{asid}.key"),
    }
    person, right = f"uid={uid},ou=People,o=nhs", f"spineAccess:{PRACTICE}:{PRESCRIBE}"
    command = ["ldapcompare", "-H", service.ldaps, "-Y", "EXTERNAL", "-Q", person, right]
    return subprocess.run(command, env=environment, text=True, capture_output=True, timeout=20).stdout.strip()


def _status(service: Service, path: str) -> httpx.Response:
    return httpx.get(service.status + path, trust_env=False)


def _ocsp(service: Service, request: bytes) -> httpx.Response:
    return httpx.post(f"{service.status}/ocsp", content=request, trust_env=False)


def _ocsp_request(
    service: Service,
    office: Office,
    card: str,
    purpose: str,
    algorithm: hashes.SHA1 | hashes.SHA384 = hashes.SHA1(),  # noqa: B008 - it holds nothing
) -> bytes:
    with office.database.read() as work:
        der = next(each.der for each in work.certificates.of_card(card) if each.purpose == purpose)
    public = service.folder / "ca" / "public"
    issuer = x509.load_der_x509_certificate((public / f"{purpose}.cer").read_bytes())
    certificate = x509.load_der_x509_certificate(der)
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, algorithm)
    return builder.build().public_bytes(Encoding.DER)
