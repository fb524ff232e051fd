"""The main job from end to end, in a real browser, on everything that ./run starts.

One story, told in order: each test goes on where the one before ended.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from playwright.sync_api import Browser

from app.settings import load
from app.storage.database import Database
from tests.support.keyboard import Keyboard
from tests.support.running_service import Service
from tests.support.slapd import free_port
from tests.support.walking import PHOTO, READER_1, READER_2, Walker, clinician, grouped

PRACTICE = "L83002"
PRESCRIBE = "B0420"
HER_PIN = "59174028"


@dataclass
class Story:
    """What later chapters need of earlier ones."""

    uid: str = ""
    request: str = ""
    card_serial: str = ""
    new_card_serial: str = ""


@pytest.fixture(scope="module")
def story() -> Story:
    return Story()


@pytest.fixture(scope="module")
def walkers(browser: Browser, service: Service) -> Iterator[dict[str, Walker]]:
    """Each person's browser, kept from chapter to chapter."""
    contexts = {name: browser.new_context(ignore_https_errors=True) for name in ("agent", "sponsor", "her")}
    for context in contexts.values():
        context.set_default_timeout(20_000)
    yield {name: Walker(context, service) for name, context in contexts.items()}
    for context in contexts.values():
        context.close()


@pytest.fixture
def agent(walkers: dict[str, Walker]) -> Walker:
    return walkers["agent"]


@pytest.fixture
def sponsor(walkers: dict[str, Walker]) -> Walker:
    return walkers["sponsor"]


@pytest.fixture
def her(walkers: dict[str, Walker]) -> Walker:
    return walkers["her"]


def test_1_the_agent_signs_in_with_card_and_pin(agent: Walker, service: Service) -> None:
    priya = service.people()["RA agent"]
    agent.go_to_pin_page(priya.card_serial)
    agent.sees(service.web)
    agent.sees(priya.name)
    agent.require_accessible()
    agent.enter_pin("480216")
    agent.sees("You have 2 tries left")
    agent.require_accessible()
    agent.sign_in_as(priya)
    agent.require_accessible()


def test_2_she_searches_first_and_registers_the_clinician(agent: Walker, story: Story) -> None:
    agent.open("/people")
    agent.fill({"q": "Elinor Hartley"})
    agent.press("Search")
    agent.require_accessible()
    agent.press("Register a new person")
    agent.require_accessible()
    agent.fill(clinician("Elinor", "Hartley", "551830274"))
    agent.page.set_input_files("input[name=photo]", PHOTO)
    agent.page.get_by_label("I have checked the originals").check()
    agent.press("Continue")
    agent.sees("Check the answers")
    agent.require_accessible()
    agent.press("Register this person")
    agent.sees("Elinor Hartley")
    agent.require_accessible()
    story.uid = agent.page.url.rpartition("/")[2]
    assert re.fullmatch(r"\d{9}10\d", story.uid)


def test_2b_registering_her_again_shows_the_possible_duplicate(agent: Walker, story: Story) -> None:
    agent.open("/people/register")
    agent.fill(clinician("Elinor", "Hartly", "551830274"))
    agent.page.set_input_files("input[name=photo]", PHOTO)
    agent.page.get_by_label("I have checked the originals").check()
    agent.press("Continue")
    agent.sees("somebody who is registered already")
    agent.sees(grouped(story.uid))
    agent.press("Register this person")
    agent.sees("Possible duplicates")


def test_2c_somebody_is_registered_with_the_keyboard_alone(agent: Walker) -> None:
    keyboard = Keyboard(agent.page)
    agent.open("/people")
    keyboard.fill({"q": "Ruth Adeyemi"})
    keyboard.press("main form button")
    keyboard.press("main a[href^='/people/register']")
    keyboard.press("main form button.nhsuk-button:not([type=button])")
    assert keyboard.has_focus(".nhsuk-error-summary")
    answers = clinician("Ruth", "Adeyemi", "661930275")
    agent.open("/people/register")
    keyboard.fill(answers)
    keyboard.choose_file("button#photo", "input[name=photo]", PHOTO)
    keyboard.tick("[name=confirmed_checked]")
    keyboard.press("main form button.nhsuk-button:not([type=button])")
    agent.sees("Check the answers")
    keyboard.press("main form button.nhsuk-button:not(.nhsuk-button--secondary)")
    agent.sees("Ruth Adeyemi")
    assert re.search(r"/people/\d{12}$", agent.page.url)


def test_3_the_sponsor_requests_a_position_for_her(sponsor: Walker, story: Story, service: Service) -> None:
    sponsor.sign_in_as(service.people()["sponsor"])
    sponsor.open(f"/people/{story.uid}/request-position/{PRACTICE}")
    sponsor.require_accessible()
    sponsor.page.get_by_label("General practitioner").check()
    sponsor.fill({"reason": "Joins the practice as a partner."})
    sponsor.press("Send the request")
    sponsor.sees("General practitioner")
    story.request = sponsor.page.url.removeprefix(service.web)


def test_3b_the_sponsor_cannot_grant_his_own_request(sponsor: Walker, story: Story, service: Service) -> None:
    assert sponsor.page.get_by_role("button", name="Confirm the decision").count() == 0
    value = sponsor.page.locator("input[name=csrf_value], input[name=csrf_token]").first
    csrf = {value.get_attribute("name") or "": value.get_attribute("value") or ""}
    answer = sponsor.page.request.post(
        f"{service.web}{story.request}/decision",
        form={**csrf, "decision": "grant", "reason": ""},
        headers={"Origin": service.web},
    )
    assert answer.status in (403, 422)
    sponsor.open(story.request)
    sponsor.does_not_see("Granted")


def test_3c_the_agent_grants_it(agent: Walker, story: Story) -> None:
    agent.open("/requests")
    agent.require_accessible()
    agent.open(story.request)
    agent.press("Work on this request")
    agent.require_accessible()
    agent.page.get_by_label("Grant", exact=False).first.check()
    agent.press("Confirm the decision")
    agent.sees("Granted")


def test_6_an_accredited_system_sees_it_within_a_second(story: Story, service: Service) -> None:
    deadline = time.monotonic() + 1.0
    while (answer := _may(service, story.uid, PRACTICE, PRESCRIBE)) != "TRUE":
        assert time.monotonic() < deadline, answer
    assert _may(service, story.uid, "L83003", PRESCRIBE) == "FALSE"
    found = _ldapsearch(service, f"uid={story.uid},ou=People,o=nhs")
    for name in ("nhsPerson", "nhsOrgPerson", "nhsOrgPersonRole", "nhsJobRoleCode: S8000:G8000:R8000"):
        assert name in found
    assert "551830274" not in found
    assert "17" not in re.findall(r"(?i)birth.*", found)


def test_6b_nobody_else_learns_of_her(story: Story, service: Service) -> None:
    person = f"uid={story.uid},ou=People,o=nhs"
    assert "Hartley" not in _ldapsearch(service, person, certificate=None)
    answer = _ldap(
        service,
        ["ldapmodify", "-Y", "EXTERNAL", "-Q"],
        certificate=_asid(service),
        sends=(f"dn: {person}\nchangetype: modify\nreplace: sn\nsn: Owned\n"),
    )
    assert "Confidentiality required (13)" in answer


def test_4_her_card_is_issued_at_the_agents_desk(agent: Walker, story: Story, service: Service) -> None:
    priya = service.people()["RA agent"]
    agent.put_card(READER_1, priya.card_serial)
    story.card_serial = agent.take_blank_card(READER_2)
    agent.open(f"/people/{story.uid}")
    agent.press("Issue a card")
    agent.page.get_by_label(re.compile("Your PIN")).wait_for()
    agent.require_accessible()
    agent.page.get_by_label(re.compile("Your PIN")).fill(priya.pin)
    agent.page.get_by_label("New PIN", exact=True).fill(HER_PIN)
    agent.page.get_by_label("New PIN again").fill(HER_PIN)
    agent.press("Issue the card")
    agent.page.locator("#back-to-site.button").wait_for()
    agent.require_accessible()
    agent.page.locator("#back-to-site").click()
    agent.sees("Elinor Hartley")
    agent.require_accessible()


def test_5_she_signs_in_and_sees_her_access(her: Walker, story: Story) -> None:
    her.sign_in(story.card_serial, HER_PIN)
    her.open("/my")
    her.require_accessible()
    for text in ("HONITON SURGERY", story.card_serial, grouped(story.uid)):
        her.sees(text)


def test_5b_the_prescribing_screen_receives_her(her: Walker, service: Service) -> None:
    her.page.goto(service.relying_party)
    her.press(re.compile("Sign in"))
    her.reaches(service.relying_party)
    her.require_accessible()
    for text in ("Elinor Hartley", "HONITON SURGERY", PRESCRIBE):
        her.sees(text)


def test_5c_she_signs_a_prescription_after_reading_what_she_signs(her: Walker, service: Service) -> None:
    _sign_prescription(her, HER_PIN)
    her.require_accessible()
    her.sees("The signature is valid.")
    _keep_signed(her, _signed_folder(service, "first"))


def test_7_her_lost_card_opens_nothing(agent: Walker, her: Walker, story: Story, service: Service) -> None:
    agent.open(f"/people/{story.uid}/cards/{story.card_serial}/report-lost")
    agent.require_accessible()
    agent.press("Report this card lost")
    her.open("/my")
    her.sees("Sign in with your card")
    her.go_to_pin_page(story.card_serial)
    her.enter_pin(HER_PIN)
    her.sees("You are not signed in")
    her.sees("lost")
    her.require_accessible()


def test_7b_her_certificates_are_revoked_and_the_relying_party_lets_her_go(
    her: Walker, story: Story, service: Service
) -> None:
    for certificate in _certificates(service, story.card_serial):
        _wait_for(lambda certificate=certificate: "revoked" in _ocsp(service, certificate))
        assert certificate.serial_number in _revoked_serials(service, certificate)
    her.page.goto(service.relying_party)
    _wait_for(lambda: _reloaded(her) and "Elinor Hartley" not in her.page.inner_text("body"))


def test_7c_what_she_signed_with_the_lost_card_is_no_longer_believed(agent: Walker, service: Service) -> None:
    _check_signature(agent, _signed_folder(service, "first"))
    agent.sees("Certificate is revoked")
    agent.sees("keyCompromise")
    agent.require_accessible()


def test_7d_what_she_signed_before_a_mere_end_of_her_next_card_is_still_believed(
    agent: Walker, her: Walker, story: Story, service: Service
) -> None:
    story.new_card_serial = _issue_card(agent, service, story.uid)
    her.go_to_pin_page(story.new_card_serial)
    her.enter_pin(HER_PIN)
    # Where she was when her session ended.
    her.reaches(f"{service.web}/my")
    her.page.goto(service.relying_party)
    her.press(re.compile("Sign in"))
    her.reaches(service.relying_party)
    _sign_prescription(her, HER_PIN)
    her.sees("The signature is valid.")
    folder = _signed_folder(service, "second")
    _keep_signed(her, folder)
    agent.open(f"/people/{story.uid}/cards/{story.new_card_serial}/cancel")
    agent.page.locator("input[name=reason][value=left]").check()
    agent.press("Cancel this card")
    _check_signature(agent, folder)
    agent.sees("This prescription was signed with this card and was not changed since.")
    agent.sees("after it was signed")


def test_7e_anybody_s_certificate_is_checked_from_the_command_line(story: Story, service: Service) -> None:
    system = service.folder / "systems" / f"{_asid(service)}.pem"
    assert (
        "valid for systems"
        in service.spine_ra("certificates", "check", str(system), "--for", "systems").stdout
    )
    refused = service.spine_ra("certificates", "check", str(system), "--for", "sign-in")
    assert (refused.returncode, "not_issued_by_ours" in refused.stderr) == (1, True)
    hers = service.folder.parent / "hers.cer"
    for certificate in _certificates(service, story.card_serial):
        hers.write_bytes(certificate.public_bytes(Encoding.DER))
        use = "signatures" if _issuer_file(service, certificate) == "content-commitment" else "sign-in"
        told = service.spine_ra("certificates", "check", str(hers), "--for", use)
        assert (told.returncode, "keyCompromise" in told.stderr) == (1, True), told.stderr


def test_8_the_audit_confirms_the_whole_story(service: Service) -> None:
    _wait_for(lambda: service.spine_ra("audit", "verify").returncode == 0)
    told = service.spine_ra("audit", "verify")
    assert told.returncode == 0, told.stdout + told.stderr


def test_8b_the_directory_equals_the_database(service: Service) -> None:
    told = service.spine_ra("directory", "compare")
    assert told.returncode == 0, told.stdout


def test_8c_the_directory_is_rebuilt_by_one_command_while_it_serves(story: Story, service: Service) -> None:
    told = service.spine_ra("directory", "rebuild")
    assert told.returncode == 0, told.stdout + told.stderr
    assert service.spine_ra("directory", "compare").returncode == 0
    assert _may(service, story.uid, PRACTICE, PRESCRIBE) == "TRUE"


def test_8d_a_replica_is_made_by_one_command_and_holds_the_same(service: Service) -> None:
    port = str(free_port())
    told = service.spine_ra("directory", "replica", "add", "east", "--ldaps-port", port)
    assert told.returncode == 0, told.stdout + told.stderr
    try:
        _wait_for(lambda: "All hold the same" in service.spine_ra("directory", "replica", "compare").stdout)
        assert "east" in service.spine_ra("directory", "replica", "status").stdout
    finally:
        assert service.spine_ra("directory", "replica", "stop", "east").returncode == 0
    removed = service.spine_ra("directory", "replica", "remove", "east", "--yes")
    assert removed.returncode == 0, removed.stdout + removed.stderr


def _sign_prescription(walker: Walker, pin: str) -> None:
    """On the prescribing screen: press the button, read at the card agent, enter the PIN, come back."""
    walker.press("Sign prescription")
    for shown in ("Stacey Twitchett", "Amoxicillin 500mg capsules", "Elinor Hartley", "HONITON SURGERY"):
        walker.sees(shown)
    walker.require_accessible()
    walker.page.get_by_label("PIN", exact=True).fill(pin)
    walker.press("Sign this prescription")
    walker.reaches(f"{walker.service.relying_party}/card-signing/")


def _signed_folder(service: Service, name: str) -> Path:
    return service.folder.parent / f"signed-{name}"


def _keep_signed(walker: Walker, folder: Path) -> None:
    folder.mkdir()
    for part in ("prescription", "signature"):
        with walker.page.expect_download() as download:
            walker.page.get_by_role("link", name=f"the {part}").click()
        download.value.save_as(folder / f"{part}.xml")


def _check_signature(walker: Walker, folder: Path) -> None:
    """On the registration authority's page."""
    walker.open("/signatures/verify")
    walker.require_accessible()
    for part in ("prescription", "signature"):
        walker.page.set_input_files(f"input[name={part}_file]", folder / f"{part}.xml")
    walker.press("Check the signature")


def _issue_card(agent: Walker, service: Service, uid: str) -> str:
    priya = service.people()["RA agent"]
    agent.clear_desk()
    agent.put_card(READER_1, priya.card_serial)
    serial = agent.take_blank_card(READER_2)
    agent.open(f"/people/{uid}")
    agent.press("Issue a card")
    agent.page.get_by_label(re.compile("Your PIN")).fill(priya.pin)
    agent.page.get_by_label("New PIN", exact=True).fill(HER_PIN)
    agent.page.get_by_label("New PIN again").fill(HER_PIN)
    agent.press("Issue the card")
    agent.page.locator("#back-to-site.button").wait_for()
    agent.page.locator("#back-to-site").click()
    return serial


def _asid(service: Service) -> str:
    return next(path.stem for path in sorted((service.folder / "systems").glob("2*.pem")))


def _ldap(service: Service, command: list[str], certificate: str | None, sends: str = "") -> str:
    environment = {"PATH": "/usr/bin:/bin", "LDAPTLS_CACERT": str(service.tls_authority)}
    if certificate:
        folder = service.folder / "systems"
        environment |= {
            "LDAPTLS_CERT": str(folder / f"{certificate}.pem"),
            "LDAPTLS_KEY": str(folder / f"{certificate}.key"),
        }
    command = [command[0], "-H", service.ldaps, *command[1:]]
    done = subprocess.run(command, env=environment, input=sends, text=True, capture_output=True, timeout=20)
    return done.stdout + done.stderr


def _may(service: Service, uid: str, organisation: str, activity: str) -> str:
    person, right = f"uid={uid},ou=People,o=nhs", f"spineAccess:{organisation}:{activity}"
    return _ldap(service, ["ldapcompare", "-Y", "EXTERNAL", "-Q", person, right], _asid(service)).strip()


def _ldapsearch(service: Service, base: str, certificate: str | None = "known") -> str:
    bind = ["-Y", "EXTERNAL", "-Q"] if certificate else ["-x"]
    return _ldap(service, ["ldapsearch", *bind, "-LLL", "-b", base], _asid(service) if certificate else None)


def _certificates(service: Service, card_serial: str) -> list[x509.Certificate]:
    with Database(load(service.settings).database.url).read() as work:
        ders = [each.der for each in work.certificates.of_card(card_serial)]
    assert len(ders) == 2
    return [x509.load_der_x509_certificate(der) for der in ders]


def _issuer_file(service: Service, certificate: x509.Certificate) -> str:
    name = certificate.issuer.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
    return str(name).removeprefix("Spine RA ").lower().replace(" ", "-")


def _ocsp(service: Service, certificate: x509.Certificate) -> str:
    """What openssl, an independent client, is told."""
    folder, issuer = service.folder, _issuer_file(service, certificate)
    public = folder / "ca" / "public"
    for name in ("root", issuer):
        pem = x509.load_der_x509_certificate((public / f"{name}.cer").read_bytes()).public_bytes(Encoding.PEM)
        (folder / f"{name}.pem").write_bytes(pem)
    (folder / "hers.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    command = ["openssl", "ocsp", "-issuer", f"{issuer}.pem", "-cert", "hers.pem", "-CAfile", "root.pem"]
    command += ["-verify_other", f"{issuer}.pem", "-url", f"{service.status}/ocsp", "-no_nonce"]
    done = subprocess.run(command, cwd=folder, text=True, capture_output=True, timeout=20)
    assert "Response verify OK" in done.stderr, done.stderr
    return done.stdout


def _revoked_serials(service: Service, certificate: x509.Certificate) -> set[int]:
    crl = httpx.get(f"{service.status}/crl/{_issuer_file(service, certificate)}.crl").raise_for_status()
    return {each.serial_number for each in x509.load_der_x509_crl(crl.content)}


def _reloaded(walker: Walker) -> bool:
    walker.page.reload()
    return True


def _wait_for(holds: object, seconds: float = 40.0) -> None:
    assert callable(holds)
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.1)
