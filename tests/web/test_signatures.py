"""Verifying signatures over HTTP: for programs with a key, and for people on a page."""

from __future__ import annotations

import base64
import hashlib
import io
from typing import Any

from openapi_spec_validator import validate
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse

from tests.support.signed_prescriptions import SIGNED_AT, Card, canonical_form, fragments, signed
from tests.support.web import API_KEY, ORIGIN, Site

CARD = Card()


def asked(
    site: Site, body: Any, *, address: str = "verifications", key: str | None = API_KEY
) -> TestResponse:
    headers = {"apikey": key} if key else {}
    return site.app.test_client().post(f"/signatures/{address}", json=body, base_url=ORIGIN, headers=headers)


def question(content: bytes | None = None) -> dict[str, str]:
    data = fragments()
    return {"prescription": (content or data).decode(), "signature": signed(CARD, data).decode()}


def test_a_program_with_a_key_gets_the_verdict_with_texts_and_codes(site: Site) -> None:
    answer = asked(site, question())
    assert answer.status_code == 200
    verdict = answer.get_json()
    # The site's register knows another card of the same authority.
    assert (verdict["valid"], verdict["errors"]) == (False, ["Certificate not trusted"])
    assert verdict["reasons"][0]["code"] == "not_in_register"
    assert verdict["signer"]["uid"] == "555253521108"
    wrong = asked(site, question(fragments(drug="Other"))).get_json()
    assert wrong["errors"] == ["Signature doesn't match prescription", "Certificate not trusted"]


def test_the_digest_alone_gets_the_same_verdict(site: Site) -> None:
    digest = base64.b64encode(hashlib.sha256(canonical_form(fragments())).digest()).decode()
    body = {"digest": digest, "signed_at": SIGNED_AT.isoformat(), "signature": question()["signature"]}
    verdict = asked(site, body, address="digest-verifications").get_json()
    assert verdict["errors"] == ["Certificate not trusted"]


def test_without_a_key_nothing_is_verified(site: Site) -> None:
    for key in (None, "", "another key"):
        answer = asked(site, question(), key=key)
        assert (answer.status_code, answer.get_json()["code"]) == (401, "key_refused")


def test_what_is_sent_must_be_what_is_asked_for(site: Site) -> None:
    bad: list[Any] = [{}, [], {"prescription": "", "signature": "x"}, {**question(), "url": "http://x"}]
    bad.append({**question(), "prescription": "<!DOCTYPE a><FragmentsToBeHashed/>"})
    for body in bad:
        answer = asked(site, body)
        assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid_input")
    huge = asked(site, {"prescription": "x" * 2_000_000})
    assert huge.status_code == 413


def test_a_key_may_ask_so_often_a_minute(site: Site) -> None:
    statuses = [asked(site, question()).status_code for _ in range(12)]
    assert statuses == [200] * 10 + [429] * 2


def test_the_openapi_document_is_one(site: Site) -> None:
    document = site.app.test_client().get("/signatures/openapi.json", base_url=ORIGIN).get_json()
    validate(document)
    assert document["servers"] == [{"url": "https://localhost:8443"}]


def test_a_person_pastes_or_uploads_and_reads_why(site: Site) -> None:
    browser = site.as_role("clinician")
    browser.get("/signatures/verify")
    browser.send("/signatures/verify", expect=200, **question())
    assert browser.page is not None
    assert "Not valid" in browser.page.text
    assert "Our register does not have this certificate." in browser.page.text
    file = FileStorage(io.BytesIO(signed(CARD)), filename="signature.xml")
    sent = {"prescription": fragments().decode(), "signature": "", "signature_file": file}
    browser.send("/signatures/verify", expect=200, **sent)
    assert "Certificate not trusted" in browser.page.text


def test_a_person_who_sends_nothing_is_told_what_is_missing(site: Site) -> None:
    browser = site.as_role("clinician")
    browser.get("/signatures/verify")
    browser.send("/signatures/verify", expect=422, prescription="", signature="<a")
    assert browser.page is not None
    assert "Paste or choose the prescription that was signed." in browser.page.text
