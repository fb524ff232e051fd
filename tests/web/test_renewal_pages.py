"""The pages of renewals: the offer at sign-in, who is offered what, and the renewal cliff."""

from __future__ import annotations

import re

from app.domain.certificate import CertificateStatus
from app.web.presenters.wording import day
from tests.support.renewals import let_certificates_end, own_renewal, soon
from tests.support.web import Site
from tests.support.web_pages import Page


def test_the_offer_is_there_while_the_card_expires_soon_and_begins_in_one_click(site: Site) -> None:
    browser, office = site.as_role("sponsor"), site.office
    assert "expires on" not in browser.get("/").text
    let_certificates_end(office, office.sponsor_card, soon(30))
    for page in ("/", "/my", "/sign-in/renew"):
        assert "Your card expires on" in browser.get(page).text, page
    begun = browser.send(f"/my/cards/{office.sponsor_card.serial}/renew", expect=200)
    assert "/job?op=" in begun.text


def test_a_renewed_card_works_until_its_new_certificates_end(site: Site) -> None:
    office, browser, before = site.office, site.as_role("sponsor"), soon(30)
    let_certificates_end(office, office.sponsor_card, before)
    assert _works_until(browser.get("/my")) == day(before.date())
    renewal = own_renewal(office, office.sponsor, office.sponsor_card)
    renewal.present_keys()
    renewal.sign(office.sponsor, office.sponsor_card)
    renewal.complete(renewal.certify())
    with office.ra.database.read() as work:
        known = work.certificates.of_card(office.sponsor_card.serial)
    (end,) = {each.not_after.date() for each in known if each.status is CertificateStatus.ACTIVE}
    assert _works_until(browser.get("/my")) == day(end)


def _works_until(page: Page) -> str:
    found = re.search(r"Works until\s+(\d+ \w+ \d{4})", page.text)
    assert found, page.text
    return found[1]


def test_whoever_may_renew_is_offered_it_on_the_persons_page(site: Site) -> None:
    office, serial = site.office, site.office.sponsor_card.serial
    action, address = f"/people/{office.sponsor.uid}/cards/{serial}/renew", f"/people/{office.sponsor.uid}"
    agent = site.as_role("agent")
    assert "Renew the card" not in agent.get(address).text
    let_certificates_end(office, office.sponsor_card, soon(30))
    assert "Renew the card" in agent.get(address).text
    assert "with two colleagues" not in agent.get(address).text
    assert "Renew the card" not in site.as_role("ID checker").get(address).text
    let_certificates_end(office, office.sponsor_card, soon(-1))
    assert "Renew the expired card with two colleagues" in agent.get(address).text
    begun = agent.send(action)
    assert begun.location.startswith("/card-jobs/")
    assert "Renew the card of" in agent.get(begun.location).text


def test_the_cliff_is_told_in_words_and_in_numbers_by_week_and_by_month(site: Site) -> None:
    manager, office = site.as_role("manager"), site.office
    let_certificates_end(office, office.sponsor_card, soon(20))
    page = manager.get("/renewals?within=30&by=month")
    for words in (
        "2 cards",
        "1 within 30 days",
        "Cards that end each month",
        "Levelling is off",
        office.sponsor.name,
    ):
        assert words in page.text, words
    assert office.sponsor.name not in manager.get("/renewals?within=7").text
    assert "Cards that end each week" in manager.get("/renewals?within=0&by=year").text


def test_a_name_is_changed_and_the_card_put_up_for_replacement(site: Site) -> None:
    manager, office = site.as_role("manager"), site.office
    address = f"/people/{office.sponsor.uid}"
    manager.get(f"{address}/name")
    wrong = manager.send(f"{address}/name", 422, family_name="Okafor-Lind", document_number="MXA 123456")
    assert "Choose why the name changes" in wrong.text
    changed = {"family_name": "Okafor-Lind", "document_number": "MXA 123456", "reason": "marriage"}
    manager.send(f"{address}/name", **changed)
    page = manager.get(address)
    assert "Okafor-Lind" in page.text
    assert "works until a new one replaces it" in page.text
    manager.send(f"{address}/issue-card", expect=200)
    assert manager.page is not None
    assert manager.page.heading == "Opening the card desk"
