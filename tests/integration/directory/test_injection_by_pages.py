"""Every page and call over HTTP, with what would change a filter or a name in every value that it takes.

Nothing here lists pages or fields: routes come from the applications, a view's fields are those that it asks
for while it is tried. Then what the database holds is published, and the directory must hold that alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import quote

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.adapters.directory_look_ups import DirectoryLookUps
from app.fhir.api_keys import ApiKeys, digest_of
from app.fhir.identifiers import INTERACTION, ORGANISATION, PARTY_KEY
from app.fhir.intermediaries import Intermediaries
from app.fhir.looking_up import LookingUp
from app.fhir.pacing import Pace
from app.oidc.provider import OpenIDProvider
from app.signin.smartcard import SmartcardSignIn
from app.web.access import is_machine_endpoint
from app.web.look_up_pages import LookUpService, create_look_up_app
from app.web.signature_api import KEY_HEADER
from directory.connection import open_session
from directory.services_look_up import ServicesLookUp
from tests.support.injection import ATTACKS, EVERYTHING, Names
from tests.support.openid_provider import signing_keys
from tests.support.registration_authority import office, unfounded
from tests.support.relying_party import ISSUER, PartyUnderTest, registered
from tests.support.sign_in import authority
from tests.support.web import API_KEY, COOKIE, ORIGIN, Site, database, site
from tests.support.web_addresses import addresses_of
from tests.support.web_pages import Page
from tests.support.whole_directory import publish_all

__all__ = ["database", "office", "site", "unfounded"]

HARMLESS = ("Zzyzx", "Zzyzx!")
"""They match nothing either: whoever finds more by an attack than by these has changed the question."""
PLACE = re.compile(r"<[^>]+>")
SEARCHES = {
    ("people.search", "q"),
    ("organisations.search", "q"),
    ("systems.register", "endpoint.0.url"),
    ("signatures.verify", "prescription"),
    ("signature_api.verify", "prescription"),
}
OPENID = {
    *("client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "prompt"),
    *("max_age", "acr_values", "claims", "code", "code_verifier", "code_challenge", "code_challenge_method"),
    *("grant_type", "refresh_token", "token", "token_type_hint", "client_assertion", "client_assertion_type"),
    *("client_secret", "id_token_hint", "logout_hint", "post_logout_redirect_uri", "login_hint"),
}
CARE_RECORD = "urn:nhs:names:services:gpconnect:fhir:operation:gpc.getcarerecord"
SYSTEMS = ("", f"{ORGANISATION}|", f"{INTERACTION}|", f"{PARTY_KEY}|")
KEY = "the key of a system"
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})


class Attacker:
    """Somebody signed in who sends values to every route that there is."""

    def __init__(self, site: Site, names: Names, address) -> None:
        self._site, self._names, self._address = site, names, address
        self._sessions: dict[str, str] = {}
        self.routes: set[str] = set()
        self.values: set[tuple[str, str]] = set()
        self.broken: list[str] = []

    def attack_all(self) -> None:
        # What ends somebody's work comes after what only reads.
        for method, rule in sorted(_routes(self._site.app), key=lambda each: (each[0], each[1].rule)):
            self._attack(rule, method)
            self.routes.add(rule.rule)

    def _attack(self, rule: Rule, method: str) -> None:
        role, known, harmless = self._find_names(rule, method)
        self.values |= {(rule.endpoint, name) for name in known}
        if known:
            other = self._send(rule, method, role, known, HARMLESS[1])
            self._attack_values(rule, method, role, known, _links(harmless) | _links(other))
        for attack in ATTACKS if PLACE.search(rule.rule) else ():
            address = PLACE.sub(quote(attack, safe=""), rule.rule)
            self._judge(f"{method} {address}", self._open(address, method, role, set(), attack))

    def _attack_values(self, rule: Rule, method: str, role: str, names: set[str], found: set[str]) -> None:
        for attack in ATTACKS:
            what, answer = f"{method} {rule.rule} {attack!r}", self._send(rule, method, role, names, attack)
            self._judge(what, answer)
            if method == "GET" and not _links(answer) <= found:
                self.broken.append(f"{what} finds {_links(answer) - found}")

    def _find_names(self, rule: Rule, method: str) -> tuple[str, set[str], TestResponse]:
        """Ask with what it asked for until it asks for nothing new, as somebody who may."""
        known: set[str] = set()
        role = "manager"
        while True:
            self._names.forget()
            answer = self._send(rule, method, role, known, HARMLESS[0])
            if answer.status_code == 403 and role == "manager":
                role = "sponsor"
                continue
            if self._named(rule) <= known:
                return role, known, answer
            known |= self._named(rule)

    def _named(self, rule: Rule) -> set[str]:
        found = self._names.asked | self._names.members
        if EVERYTHING not in found:
            return found
        assert rule.endpoint.startswith("openid."), "it takes whatever is sent: tell here what it knows"
        return found - {EVERYTHING} | OPENID

    def _send(self, rule: Rule, method: str, role: str, names: set[str], value: str) -> TestResponse:
        by_program = is_machine_endpoint(self._site.app.view_functions[rule.endpoint])
        is_message = by_program and not rule.endpoint.startswith("openid.")
        return self._open(self._address(rule.rule), method, role, names, value, is_message)

    def _open(
        self, address: str, method: str, role: str, names: set[str], value: str, is_message: bool = False
    ):
        client = self._site.app.test_client()
        client.set_cookie(COOKIE, self._session(role), domain="localhost", secure=True)
        if method == "GET":
            return client.get(address, query_string=dict.fromkeys(names, value), base_url=ORIGIN)
        self._sessions.clear()  # it may be one that ends the session
        headers = {"Authorization": f"Bearer {quote(value)}", KEY_HEADER: API_KEY}
        asked = {"method": method, "headers": headers, "base_url": ORIGIN}
        if is_message:
            return client.open(address, json=dict.fromkeys(names, value), **asked)
        return client.open(address, data=dict.fromkeys(names, value), **asked)

    def _session(self, role: str) -> str:
        if role not in self._sessions:
            self._sessions[role] = self._site.session_key(self._site.uid_of(role))
        return self._sessions[role]

    def _judge(self, what: str, answer) -> None:
        if answer.status_code == 500:
            self.broken.append(f"{what}: 500")


def _routes(app: Flask) -> Iterator[tuple[str, Rule]]:
    for rule in app.url_map.iter_rules():
        for method in sorted(METHODS & (rule.methods or set())):
            yield method, rule


def _links(answer) -> set[str]:
    """Where a page leads, without what was typed that links carry on."""
    if answer.mimetype != "text/html":
        return set()
    links = {re.split("[?#]", link)[0] for link in Page(answer.get_data(as_text=True)).links}
    return links - {""}


@pytest.fixture
def whole(site: Site) -> Site:
    """The site with sign-in and OpenID, too."""
    registry = site.office.ra.database
    site.services.sign_in = SmartcardSignIn(registry, authority().paths, ORIGIN)
    parties = registered(PartyUnderTest(), PartyUnderTest("records"))
    site.services.openid = OpenIDProvider(registry, parties, signing_keys(), ISSUER)
    return site


def test_no_page_or_call_of_the_site_lets_a_value_be_more_than_a_value(whole, fresh, monkeypatch):
    address = addresses_of(whole)
    monkeypatch.setattr("app.web.csrf.require_csrf_value", lambda: None)  # it has tests of its own
    attacker = Attacker(whole, Names(monkeypatch, whole.app), address)
    attacker.attack_all()
    assert attacker.broken == []
    assert attacker.routes == {rule.rule for rule in whole.app.url_map.iter_rules()}
    assert attacker.values >= SEARCHES, "what a view asks for is noticed"
    publish_all(whole.office.ra.database, fresh.slapd, fresh.publisher)


@pytest.fixture
def look_ups(served) -> Iterator[Flask]:
    """The look-ups over a directory with content."""
    with closing(ServicesLookUp(lambda: open_session(served.slapd.ldaps_url, served.system))) as services:
        looking_up = LookingUp(DirectoryLookUps(services), Intermediaries("", frozenset(), {}))
        keys = ApiKeys({digest_of(KEY): "A system"})
        yield create_look_up_app(LookUpService(looking_up, keys, Pace(100_000), "https://x.example"))


def asked_for(document: dict, path: str) -> set[str]:
    """The parameters of a look-up, as its own document tells them."""
    parameters = document["components"]["parameters"]
    listed = [
        parameters[each["$ref"].rpartition("/")[2]] for each in document["paths"][path]["get"]["parameters"]
    ]
    return {each["name"] for each in listed if each["in"] == "query"}


def test_no_look_up_lets_a_value_be_more_than_a_value(look_ups):
    client = look_ups.test_client()
    document = client.get("/openapi.json").get_json()
    paths = {rule.rule for rule in look_ups.url_map.iter_rules()}
    looked_up = {path for path in document["paths"] if asked_for(document, path) - {"_format"}}
    assert looked_up == {"/Device", "/Endpoint"}
    assert paths - looked_up == {"/metadata", "/openapi.json", "/health"}, "none of them takes a value"
    usual = {"organization": f"{ORGANISATION}|T99999", "identifier": f"{INTERACTION}|{CARE_RECORD}"}
    assert client.get("/Endpoint", query_string=usual).get_json()["total"] == 1
    for path in looked_up:
        for name in asked_for(document, path):
            for attack in ATTACKS:
                for value in (
                    attack,
                    f"{ORGANISATION}|{attack}",
                    f"{INTERACTION}|{attack}",
                    f"{PARTY_KEY}|{attack}",
                ):
                    answer = client.get(path, query_string=usual | {name: value}, headers={"apikey": KEY})
                    assert answer.status_code in (200, 400, 406), answer.text
                    assert answer.get_json().get("total", 0) == 0, (path, name, value)
