"""The pages of systems: asking, checking, deciding, stopping, lists; and a hurried user's mistakes."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from werkzeug.datastructures import FileStorage, MultiDict

from app.ra.certifying_systems import system_certificate_of
from app.ra.listing_systems import COLUMNS
from tests.support.registration_authority import ELSEWHERE, PRACTICE, csr
from tests.support.systems import CANCEL, DETAILS, PRESCRIBE, registered_system
from tests.support.web import ORIGIN, Browser, Site

TYPED = {
    "organisation": PRACTICE.lower(),
    "product": "Example GP record",
    "version": "1.0",
    "description": "Prescribing",
    "interactions": f"{PRESCRIBE}\r\n{CANCEL}\r\n",
    "endpoint.0.interaction": CANCEL,
    "endpoint.0.type": "HL7",
    "endpoint.0.url": "https://localhost.localdomain/hl7",
    "reason": "New practice system",
    "step": "ask",
}


def fill(browser: Browser, action: str, expect: int = 303, **fields: object):
    assert browser.page is not None
    filled = MultiDict({**browser.page.form_to(action).fields, **fields})
    return browser.post(action, filled, expect)


def asked(site: Site) -> str:
    """The sponsor asks; the address of the request."""
    sponsor = site.as_role("sponsor")
    sponsor.get("/systems/register")
    return str(fill(sponsor, "/systems/register", **TYPED).location)


def test_a_system_is_asked_for_by_one_person_and_registered_by_another(site: Site) -> None:
    request = asked(site)
    sponsor, manager = site.as_role("sponsor"), site.as_role("manager")
    own = sponsor.get(request)
    assert "Another person must check" in own.text
    assert not [form for form in own.forms if form.action.endswith(("/decision", "/host-names"))]
    page = manager.get(request)
    assert "localhost.localdomain" in page.text
    assert "approve" not in [form.fields.get("decision") for form in page.forms]
    manager.send(f"{request}/host-names")
    manager.get(request)
    manager.send(f"{request}/decision", decision="approve")
    page = manager.get(request)
    (system,) = {link for link in page.links if link.startswith("/systems/20")}
    page = sponsor.get(system)
    for words in ("Active", PRESCRIBE, "localhost.localdomain", f"{PRACTICE}-800001", "Margaret", "Daniel"):
        assert words in page.text
    assert system in sponsor.get("/systems?q=gp+record").links


def test_a_direct_call_cannot_do_what_the_page_does_not_offer(site: Site) -> None:
    request = asked(site)
    sponsor = site.as_role("sponsor")
    csrf = sponsor.get("/").form_to("/sign-out").fields["csrf_value"]
    for call in ("host-names", "decision"):
        sponsor.post(f"{request}/{call}", {"csrf_value": csrf, "decision": "approve"}, 403)
    manager = site.as_role("manager")
    csrf = manager.get("/").form_to("/sign-out").fields["csrf_value"]
    manager.post(f"{request}/decision", {"csrf_value": csrf, "decision": "approve"}, 409)
    assert "must be checked first" in manager.page.text
    own = manager_asked(site)
    manager.post(f"{own}/decision", {"csrf_value": csrf, "decision": "approve"}, 403)
    assert site.services.systems.looking_up.search(site.office.manager, "", None) == []


def manager_asked(site: Site) -> str:
    requesting = site.services.systems.requesting
    request = requesting.register(site.office.manager, replace(DETAILS, endpoint=(), product="Mine"), "Mine")
    return f"/systems/requests/{request}"


def test_every_mistake_is_told_at_its_field_and_nothing_typed_is_lost(site: Site) -> None:
    sponsor = site.as_role("sponsor")
    sponsor.get("/systems/register")
    wrong = TYPED | {
        "organisation": "A8",
        "interactions": "urn:nhs:names:services:mm:PORX_IN020101UK3l",
        "endpoint.0.url": "http://10.0.0.1/",
        "endpoint.0.type": "EBXML",
        "endpoint.0.retries": "many",
    }
    fill(sponsor, "/systems/register", 422, **wrong)
    page = sponsor.page
    for words in (
        "is no ODS code",
        "Check its spelling",
        "must begin with https",
        "0 to 99",
        "PT1M is a minute",
    ):
        assert words in page.text
    kept = page.form_to("/systems/register").fields
    assert {name: kept[name] for name in wrong if name != "step"} == {
        name: value for name, value in wrong.items() if name != "step"
    }


def test_a_missing_reason_or_an_organisation_out_of_reach_is_told(site: Site) -> None:
    sponsor = site.as_role("sponsor")
    sponsor.get("/systems/register")
    fill(sponsor, "/systems/register", 422, **(TYPED | {"reason": " "}))
    assert "Say why" in sponsor.page.text
    fill(sponsor, "/systems/register", 403, **(TYPED | {"organisation": ELSEWHERE}))
    assert "is not your organisation" in sponsor.page.text


def test_endpoints_are_added_and_one_emptied_in_the_middle_leaves_no_gap(site: Site) -> None:
    sponsor = site.as_role("sponsor")
    sponsor.get("/systems/register")
    fill(sponsor, "/systems/register", 200, **(TYPED | {"step": "add"}))
    assert sponsor.page.form_to("/systems/register").fields["endpoints"] == "2"
    second = {"endpoint.1.interaction": PRESCRIBE, "endpoint.1.type": "FHIR", "endpoint.1.url": "https://x/"}
    emptied = {f"endpoint.0.{name}": "" for name in ("interaction", "type", "url")}
    fill(sponsor, "/systems/register", 422, **(TYPED | second | emptied))
    assert sponsor.page.form_to("/systems/register").fields["endpoint.0.url"] == "https://x/"
    assert "not fully qualified" in sponsor.page.text


def test_a_change_shows_what_differs_and_a_refused_one_is_explained(site: Site) -> None:
    asid = registered_system(site)
    sponsor, manager = site.as_role("sponsor"), site.as_role("manager")
    sponsor.get(f"/systems/{asid}/change")
    address = f"/systems/{asid}/change"
    fill(sponsor, address, 422, reason="Nothing", step="ask")
    assert "Nothing is different" in sponsor.page.text
    request = fill(sponsor, address, version="2.0", reason="New version", step="ask").location
    page = manager.get(request)
    assert "1.0" in page.text
    assert "2.0" in page.text
    assert CANCEL not in page.text
    manager.send(f"{request}/decision", 422, decision="reject", reason="")
    manager.send(f"{request}/decision", decision="reject", reason="Not tested yet")
    assert "Not tested yet" in sponsor.get(request).text


def test_a_system_is_suspended_at_once_resumed_by_two_and_withdrawn_by_two(site: Site) -> None:
    asid = registered_system(site)
    sponsor, manager = site.as_role("sponsor"), site.as_role("manager")
    sponsor.get(f"/systems/{asid}/suspend")
    sponsor.send(f"/systems/{asid}/suspend", 422, reason="")
    sponsor.send(f"/systems/{asid}/suspend", reason="Looks compromised")
    assert "Suspended" in sponsor.get(f"/systems/{asid}").text
    for step, state in (("resume", "Active"), ("withdraw", "Withdrawn")):
        sponsor.get(f"/systems/{asid}/{step}")
        sponsor.send(f"/systems/{asid}/{step}", reason="As agreed")
        (waiting,) = site.services.systems.looking_up.open_requests(site.office.manager)
        request = f"/systems/requests/{waiting.request.id}"
        manager.get(request)
        manager.send(f"{request}/decision", decision="approve")
        assert state in manager.get(f"/systems/{asid}").text
    assert f"/systems/{asid}/change" not in sponsor.get(f"/systems/{asid}").links
    assert "Looks compromised" in sponsor.page.text


def test_the_asker_takes_a_request_back(site: Site) -> None:
    request = asked(site)
    sponsor = site.as_role("sponsor")
    sponsor.get(request)
    sponsor.send(f"{request}/cancel")
    assert "Taken back" in sponsor.get(request).text


def row(**changes: str) -> dict[str, str]:
    return {
        "organisation": PRACTICE,
        "product": "Product",
        "version": "1",
        "description": "What for",
        "interactions": f"{PRESCRIBE} {CANCEL}",
        **changes,
    }


def written(*rows: dict[str, str], delimiter: str = ",") -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def upload(browser: Browser, content: bytes, expect: int = 200) -> None:
    browser.get("/systems/lists/new")
    csrf = browser.page.form_to("/systems/lists/new").fields["csrf_value"]
    file = FileStorage(io.BytesIO(content), filename="systems.csv", content_type="text/csv")
    browser.post("/systems/lists/new", {"csrf_value": csrf, "file": file}, expect)


ENDPOINT = {
    "endpoint_interaction": CANCEL,
    "endpoint_type": "hl7",
    "endpoint_url": "https://localhost.localdomain/hl7",
}


def test_a_list_is_looked_at_asked_for_and_approved_as_a_whole(site: Site) -> None:
    sponsor, manager = site.as_role("sponsor"), site.as_role("manager")
    more = row(endpoint_interaction=PRESCRIBE, endpoint_type="FHIR", endpoint_url="https://a.example/")
    content = written(row(**ENDPOINT), more, row(product="Zweites Gerät"), row(product="Wrong", version=""))
    upload(sponsor, content)
    assert "2 systems can be asked for; 1 system cannot" in sponsor.page.text
    assert "2, 3" in sponsor.page.text
    assert "version: Enter" in sponsor.page.text
    sponsor.send("/systems/lists/new", 422, reason="", step="ask")
    sponsor.send("/systems/lists/new", 200, reason="Roll-out", step="ask")
    (batch,) = {
        link for link in sponsor.page.links if link.startswith("/systems/lists/") and "new" not in link
    }
    manager.get(batch)
    assert "a.example" in manager.page.text
    csrf = manager.page.form_to(f"{batch}/host-names").fields["csrf_value"]
    manager.post(f"{batch}/approve", {"csrf_value": csrf}, 409)
    assert "must be checked first" in manager.page.text
    manager.post(f"{batch}/host-names", {"csrf_value": csrf}, 303)
    manager.post(f"{batch}/approve", {"csrf_value": csrf}, 303)
    found = site.services.systems.looking_up.search(site.office.manager, "", None)
    assert sorted(each.system.product for each in found) == ["Product", "Zweites Gerät"]
    upload(sponsor, content)
    assert "0 systems can be asked for; 3 systems cannot" in sponsor.page.text


def test_nobody_approves_a_list_of_their_own(site: Site) -> None:
    manager = site.as_role("manager")
    upload(manager, written(row(**ENDPOINT)))
    batch = manager.send("/systems/lists/new", reason="Mine", step="ask").location
    page = manager.get(batch)
    assert [form for form in page.forms if form.action.startswith(batch)] == []
    csrf = page.form_to("/sign-out").fields["csrf_value"]
    for call in ("host-names", "approve"):
        manager.post(f"{batch}/{call}", {"csrf_value": csrf}, 409)
    assert site.services.systems.looking_up.search(site.office.manager, "", None) == []


def test_a_file_that_is_no_list_is_explained(site: Site) -> None:
    sponsor = site.as_role("sponsor")
    for content, says in (
        (b"", "Missing: organisation"),
        (b"organisation,product\n", "Missing: version"),
        (written(), "no rows"),
        (written(row()).replace(b"manufacturer", b"colour"), "There is no column colour"),
        (b"\xff\xfe\x00o\x00", "not UTF-8"),
        (written(row()) + b'"unclosed', "cannot be read"),
        (written(*(row(product=f"P{n}") for n in range(1001))), "more than 1000 rows"),
    ):
        upload(sponsor, content, 422)
        assert says in sponsor.page.text


def test_rows_that_contradict_or_have_shifted_are_reported_by_line(site: Site) -> None:
    sponsor = site.as_role("sponsor")
    shifted = written(row(product="Other")).rstrip() + b",one,too,many\r\n"
    wrong = written(row(), row(version="2")) + shifted.partition(b"\n")[2]
    upload(sponsor, wrong)
    assert "Line 3 has another version than line 2" in sponsor.page.text
    assert "Line 4 has more cells" in sponsor.page.text


def test_a_semicolon_list_of_a_spreadsheet_is_read_too(site: Site) -> None:
    sponsor = site.as_role("sponsor")
    upload(sponsor, written(row(), delimiter=";"))
    assert "1 system can be asked for" in sponsor.page.text


def test_a_certificate_is_asked_for_with_a_request_that_was_pasted(site: Site) -> None:
    asid = registered_system(site)
    sponsor, manager = site.as_role("sponsor"), site.as_role("manager")
    address = f"/systems/{asid}/certificate"
    sponsor.get(address)
    sponsor.send(address, 422, csr="-----BEGIN PRIVATE KEY-----\nsecret", reason="First")
    assert "Make a new key" in sponsor.page.text
    assert "secret" not in sponsor.page.text
    sponsor.send(address, 422, csr="nonsense", reason="First")
    assert sponsor.page.form_to(address).fields["csr"].strip() == "nonsense"
    key = ec.generate_private_key(ec.SECP256R1())
    pem = x509.load_der_x509_csr(csr(key)).public_bytes(Encoding.PEM).decode()
    request = sponsor.send(address, csr=pem, reason="First").location
    manager.get(request)
    manager.send(f"{request}/decision", decision="approve")
    assert "operator issues it" in manager.get(request).text


def test_a_certificate_is_downloaded_and_revoked(site: Site) -> None:
    asid = registered_system(site)
    der = site.office.manager_card.certificates["authentication"]
    known = system_certificate_of(asid, None, der)
    with site.office.ra.database.change() as work:
        work.system_certificates.add(known)
    sponsor = site.as_role("sponsor")
    (link,) = {each for each in sponsor.get(f"/systems/{asid}").links if "/certificates/" in each}
    sponsor.get(link)
    pem = sponsor.client.get(f"{link}/pem", base_url=ORIGIN).get_data()
    assert x509.load_pem_x509_certificate(pem) == x509.load_der_x509_certificate(der)
    sponsor.send(f"{link}/revoke", 422)
    assert "Choose why" in sponsor.page.text
    sponsor.send(f"{link}/revoke", reason="superseded")
    assert "Revoked" in sponsor.get(link).text
    assert ("ca.revoke", known.serial_number) in site.office.ra.announced()
