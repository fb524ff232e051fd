"""Every page of the site in a real browser: none that nobody has looked at, none with a violation.

A new route must be entered here: as a page with somebody who may open it, or as what is no page.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from flask import Flask
from playwright.sync_api import BrowserContext
from werkzeug.routing import Rule

from app.domain.renewal_job import Signing
from app.ra.certifying_systems import system_certificate_of
from app.ra.moving_cards import MoveAsked
from app.web.access import is_machine_endpoint
from app.web.card_face_views import PRINT
from app.web.card_views import CARD, MOVE, OWN_MOVE
from app.web.withdrawal_views import WITHDRAW
from tests.support.registration_authority import another
from tests.support.renewals import let_certificates_end, soon
from tests.support.sign_in import HeldCard
from tests.support.systems import DETAILS, registered_system
from tests.support.web import Site
from tests.support.web_addresses import addresses_of
from tests.web.sign_in.conftest import SignInSite, holder, sign_in_site
from tests.web.test_in_browser import Visitor, chromium, context, origin, pytestmark, served
from tests.web.test_system_pages import ENDPOINT, row, upload, written

__all__ = ["chromium", "context", "holder", "origin", "pytestmark", "sign_in_site"]

#: Each page, and who opens it.
PAGES: dict[str, str] = {
    "/": "manager",
    "/audit": "manager",
    "/audit/receipt": "manager",
    "/batches": "manager",
    "/batches/<record:batch_id>": "manager",
    "/batches/choose": "manager",
    "/card-jobs/<record:job_id>": "manager",
    "/card-stock": "manager",
    "/card-stock/cards/<serial:serial>": "manager",
    "/card-stock/deliveries": "manager",
    "/card-stock/deliveries/<record:delivery_id>": "manager",
    "/card-stock/find": "manager",
    "/card-stock/findings/<record:finding_id>": "agent",
    "/card-stock/move": "manager",
    "/card-stock/places/<record:place_id>": "manager",
    "/card-stock/places/new": "manager",
    "/card-stock/stock-takes": "manager",
    "/card-stock/stock-takes/<record:take_id>": "manager",
    "/closing-organisations": "manager",
    "/closing-organisations/<record:closing_id>": "manager",
    "/issuances": "manager",
    "/issuances/<record:issuance_id>": "manager",
    "/my": "clinician",
    "/my/authenticator": "manager",
    OWN_MOVE: "manager",
    "/my/vouch": "manager",
    "/offline-workstations": "manager",
    "/operations": "manager",
    "/organisation-loads": "manager",
    "/organisation-loads/<record:load_id>": "manager",
    "/organisations": "sponsor",
    "/organisations/<organisation:code>": "manager",
    "/organisations/<organisation:code>/positions/new": "manager",
    "/people": "ID checker",
    "/people/<uid:uid>": "manager",
    CARD: "manager",
    MOVE: "manager",
    f"{CARD}/clear": "manager",
    PRINT: "manager",
    f"{CARD}/export-so-pin": "manager",
    f"{CARD}/unlock": "manager",
    f"{CARD}/unlock-by-telephone": "manager",
    "/people/<uid:uid>/issue-card/otherwise": "manager",
    "/people/<uid:uid>/name": "manager",
    "/people/<uid:uid>/request-position": "sponsor",
    "/people/<uid:uid>/request-position/<organisation:code>": "sponsor",
    "/people/register": "manager",
    "/positions/<record:position_id>": "manager",
    "/renewals": "manager",
    "/requests": "manager",
    WITHDRAW: "manager",
    "/requests/<record:request_id>": "manager",
    "/sign-in/renew": "sponsor",
    "/signatures/verify": "clinician",
    "/systems": "manager",
    "/systems/<uid:asid>": "sponsor",
    "/systems/<uid:asid>/<any(suspend,resume,withdraw):step>": "sponsor",
    "/systems/<uid:asid>/certificate": "sponsor",
    "/systems/<uid:asid>/change": "sponsor",
    "/systems/certificates/<serial:serial_number>": "sponsor",
    "/systems/lists/<record:batch>": "manager",
    "/systems/lists/new": "sponsor",
    "/systems/register": "sponsor",
    "/systems/requests": "manager",
    "/systems/requests/<record:request_id>": "manager",
    "/unlock": "nobody",
    "/unlock/code": "nobody",
    "/workstation-reports": "manager",
    "/workstation-reports/<reference>": "manager",
}
#: Pages on the way into the site and to relying parties.
WAY_IN = {"/sign-in", "/sign-in/card", "/sign-in/role", "/sign-in/terms", "/signed-out", "/openid/sign-out"}
#: What answers GET and is no page: files, pictures, what scripts and programs read, and redirects.
NO_PAGES = {
    "/batches/<record:batch_id>/progress.json",
    "/batches/<record:batch_id>/report.csv",
    "/card-jobs/<record:job_id>/steps.json",
    "/card-stock/deliveries/template.csv",
    "/issuances/<record:issuance_id>/steps.json",
    "/logo",
    "/my/authenticator/qr.svg",
    "/my/photo",
    "/openid/authorize",
    "/openid/authorize/<waiting_id>",
    "/organisation-loads/<record:load_id>/progress.json",
    f"{CARD}/state.json",
    "/people/<uid:uid>/photo",
    "/session.json",
    "/sign-in/continue",
    "/signatures/openapi.json",
    "/static/<path:filename>",
    "/systems/certificates/<serial:serial_number>/pem",
    "/systems/lists/template.csv",
}


def test_every_route_is_a_page_that_is_looked_at_or_no_page(site: Site) -> None:
    known = {*PAGES, *WAY_IN, *NO_PAGES}
    assert {rule.rule for rule in _answering_get(site.app)} == known


def _answering_get(app: Flask) -> Iterator[Rule]:
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and not is_machine_endpoint(app.view_functions[rule.endpoint]):
            yield rule


def test_every_page_is_accessible_and_fits(context: BrowserContext, site: Site, origin: str) -> None:
    special, ordinary = _special_addresses(site), addresses_of(site)
    faults = []
    for role in sorted(set(PAGES.values())):
        visitor = Visitor(context, site, origin, role)
        for route in (route for route, who in PAGES.items() if who == role):
            address = special.get(route) or ordinary(route)
            page = visitor.open(address)
            faults += [(route, fault) for fault in visitor.faults()]
            faults += [(route, f"led to {page.url}")] if page.url != origin + address else []
    visitor.open("/nowhere")
    faults += [("/nowhere", fault) for fault in visitor.faults()]
    assert not faults, "\n".join(map(str, faults))


def _special_addresses(site: Site) -> dict[str, str]:
    """Addresses of things in a state of their own."""
    office, uid = site.office, site.office.person(another(70)).uid
    ended = office.card_for(uid).serial
    site.services.card_moves.give(office.manager, ended, "cancel", MoveAsked("left"))
    let_certificates_end(office, office.sponsor_card, soon())
    job = site.services.renewals.beginning.begin(office.manager, office.sponsor_card.serial, Signing.OPERATOR)
    own = f"/my/cards/{office.manager_card.serial}/report-lost"
    return {
        "/audit/receipt": "/audit/receipt?serial_number=1234",
        "/batches/choose": "/batches/choose?q=given",
        "/card-jobs/<record:job_id>": f"/card-jobs/{job}",
        "/card-stock/find": "/card-stock/find?q=nowhere",
        "/organisations": "/organisations?q=honiton",
        "/people": "/people?q=given",
        OWN_MOVE: own,
        f"{CARD}/clear": f"/people/{uid}/cards/{ended}/clear",
        "/systems/certificates/<serial:serial_number>": f"/systems/certificates/{_certificate(site)}",
        "/systems/lists/<record:batch>": _list(site),
        "/systems/requests/<record:request_id>": f"/systems/requests/{_request(site)}",
    }


def _certificate(site: Site) -> str:
    asid = registered_system(site, replace(DETAILS, product="Another record"))
    known = system_certificate_of(asid, None, site.office.manager_card.certificates["authentication"])
    with site.office.ra.database.change() as work:
        work.system_certificates.add(known)
    return known.serial_number


def _request(site: Site) -> str:
    asked = replace(DETAILS, product="Third record")
    return site.services.systems.requesting.register(site.office.sponsor, asked, "New")


def _list(site: Site) -> str:
    sponsor = site.as_role("sponsor")
    upload(sponsor, written(row(**ENDPOINT)))
    return str(sponsor.send("/systems/lists/new", 303, reason="Roll-out", step="ask").location)


def test_the_way_in_is_accessible_and_fits(
    context: BrowserContext, sign_in_site: SignInSite, holder: tuple[str, HeldCard]
) -> None:
    uid, held = holder
    for organisation in ("A81001", "A81002"):
        sign_in_site.register.role(uid, organisation)
    with served(sign_in_site.app) as origin:
        visitor = Visitor(context, None, origin, "nobody")
        faults = []
        for address in ("/sign-in", "/sign-in/card", "/signed-out", "/openid/sign-out"):
            visitor.open(address)
            faults += [(address, fault) for fault in visitor.faults()]
        browser = sign_in_site.browser()
        sign_in_site.sign_in(browser, held)
        visitor.carry(sign_in_site.cookie(browser))
        for address in ("/sign-in/terms", "/sign-in/role"):
            assert visitor.open(address).url == origin + address
            faults += [(address, fault) for fault in visitor.faults()]
            if address == "/sign-in/terms":
                sign_in_site.accept_terms(browser)
        assert not faults, "\n".join(map(str, faults))
