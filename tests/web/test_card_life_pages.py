"""The pages of a card's life offer exactly the moves that the table has for this card and this person."""

from __future__ import annotations

from app.domain.card_move import MOVES
from app.domain.card_status import CardStatus
from app.domain.issuance_terms import IssuanceTerms
from app.domain.provenance import Provenance, ProvenanceKind
from tests.support.card_states import card_in
from tests.support.registration_authority import Desk, another
from tests.support.web import ORIGIN, Site
from tests.support.web_pages import Page

OFFERED = [move for move in MOVES if move.title]


def test_each_state_offers_its_moves_and_no_other(site: Site) -> None:
    browser, sponsor = site.as_role("agent"), site.as_role("sponsor")
    uid = site.office.person(another(60)).uid
    for status in CardStatus:
        serial = card_in(site.office.ra.database, status, uid)
        base = f"/people/{uid}/cards/{serial}"
        legal = {move.verb for move in OFFERED if status in move.sources}
        for page in (browser.get(base), browser.get(f"/people/{uid}")):
            assert _linked(page, base) == legal, status
        told = browser.client.get(f"{base}/state.json", base_url=ORIGIN).get_json()
        assert told["status"] == status.value
        assert {each["verb"] for each in told["moves"]} == legal
        opened = {move.verb: browser.client.get(f"{base}/{move.verb}", base_url=ORIGIN) for move in OFFERED}
        assert {verb for verb, answer in opened.items() if answer.status_code == 200} == legal
        assert {answer.status_code for answer in opened.values()} <= {200, 409}
        assert not _linked(sponsor.get(f"/people/{uid}"), base)
        _put_away(site, serial)


def _linked(page: Page, base: str) -> set[str]:
    """The moves that a page links to. Unlocking and printing have rules and tests of their own."""
    linked = {link.rpartition("/")[2] for link in page.links if link.startswith(f"{base}/")}
    return linked - {"unlock", "print"}


def _put_away(site: Site, serial: str) -> None:
    """So that the person's next card may be live."""
    with site.office.ra.database.change() as work:
        work.connection.exec_driver_sql(f"DELETE FROM card WHERE serial = '{serial}'")


def test_a_card_is_suspended_and_resumed_on_its_pages(site: Site) -> None:
    uid = site.office.person(another(61)).uid
    card = site.office.card_for(uid)
    browser, address = site.as_role("agent"), f"/people/{uid}/cards/{card.serial}"
    assert "can still be verified" in browser.get(f"{address}/suspend").text
    browser.send(f"{address}/suspend", expect=422)
    browser.send(f"{address}/suspend", reason="away", note="In Leeds until May")
    assert "Suspended" in browser.get(f"/people/{uid}").text
    browser.get(f"{address}/resume")
    browser.send(f"{address}/resume", reason="returned")
    page = browser.get(address)
    assert "In Leeds until May" in page.text
    assert "The holder is back" in page.text


def test_a_destroyed_card_is_on_record_with_its_witness(site: Site) -> None:
    uid = site.office.person(another(62)).uid
    card = site.office.card_for(uid)
    browser, address = site.as_role("agent"), f"/people/{uid}/cards/{card.serial}"
    browser.get(f"{address}/cancel")
    browser.send(f"{address}/cancel", reason="left")
    browser.get(f"{address}/destroy")
    browser.send(f"{address}/destroy", reason="cut", witness="1", expect=422)
    browser.send(f"{address}/destroy", reason="cut", witness=site.office.sponsor.uid)
    assert "Cut through the chip" in browser.get(address).text


def test_a_card_is_found_under_its_holder_only(site: Site) -> None:
    other = site.office.person(another(63)).uid
    card = site.office.manager_card.serial
    site.as_role("agent").get(f"/people/{other}/cards/{card}", expect=404)


def test_unlocking_is_shown_to_those_alone_who_may_go_on(site: Site) -> None:
    uid = site.office.person(another(67)).uid
    card, own = site.office.card_for(uid), site.office.manager_card.serial
    for page in ("unlock", "unlock-by-telephone"):
        site.as_role("manager").get(f"/people/{uid}/cards/{card.serial}/{page}")
        told = site.as_role("manager").get(
            f"/people/{site.office.manager.uid}/cards/{own}/{page}", expect=403
        )
        assert "You cannot do this with your own card." in told.text
        site.as_role("ID checker").get(f"/people/{uid}/cards/{card.serial}/{page}", expect=403)


def test_the_page_of_an_unlocking_says_whose_card_it_is(site: Site) -> None:
    uid, other = (site.office.person(another(number)).uid for number in (68, 69))
    card = site.office.card_for(uid)
    agent = site.as_role("agent")
    page = agent.get(f"/people/{uid}/cards/{card.serial}/unlock")
    assert (
        page.heading
        == f"Unlock the card of {site.office.ra.finding.person(site.office.manager, uid).person.name}"
    )
    agent.get(f"/people/{other}/cards/{card.serial}/unlock", expect=404)


def test_where_a_card_was_last_seen_is_asked_of_one_that_may_be_elsewhere(site: Site) -> None:
    uid = site.office.person(another(70)).uid
    card, agent = site.office.card_for(uid), site.as_role("agent")
    asked = {
        move: "last seen" in agent.get(f"/people/{uid}/cards/{card.serial}/{move}").text
        for move in ("report-lost", "report-stolen", "suspend", "cancel", "report-damaged")
    }
    assert [move for move, is_asked in asked.items() if is_asked] == [
        "report-lost",
        "report-stolen",
        "suspend",
    ]


def test_on_ones_own_pages_one_reports_ones_own_card_only(site: Site) -> None:
    browser = site.as_role("manager")
    browser.get(f"/my/cards/{site.office.sponsor_card.serial}/report-lost", expect=404)
    own = f"/my/cards/{site.office.manager_card.serial}"
    browser.get(f"{own}/cancel", expect=404)
    browser.get(f"{own}/report-stolen")
    page = browser.get(f"{own}/report-damaged")
    assert "Report my card damaged" in page.text
    browser.send(f"{own}/report-damaged", expect=422)
    browser.send(f"{own}/report-damaged", expect=303, reason="chip_damaged")
    life = site.services.card_moves.life(site.office.manager, site.office.manager_card.serial)
    assert {each.reason for each in life.record.certificates} == {"cessationOfOperation"}


def test_a_card_is_issued_in_another_way(site: Site) -> None:
    uid = site.office.person(another(64)).uid
    browser, address = site.as_role("agent"), f"/people/{uid}/issue-card/otherwise"
    assert address in browser.get(f"/people/{uid}").links
    browser.get(address)
    browser.send(address, expect=422)
    browser.send(address, way="day-one", expect=422)
    browser.send(address, way="temporary", hours="24", expect=422)
    browser.send(address, expect=200, way="locked")
    page = browser.get(browser.way_to_the_desk()[1])
    assert "Issued locked" in page.text
    assert "The person need not be there" in page.text


def test_somebody_with_a_card_is_offered_a_temporary_one_only(site: Site) -> None:
    uid = site.office.person(another(65)).uid
    site.office.card_for(uid)
    browser, base = site.as_role("agent"), f"/people/{uid}/issue-card"
    page = browser.get(f"/people/{uid}")
    assert f"{base}/otherwise?way=temporary" in page.links
    assert not [form for form in page.forms if form.action == base]
    asked_how = browser.get(f"{base}/otherwise?way=temporary").text
    assert "A temporary access card" in asked_how
    assert "Locked, for later" not in asked_how
    assert "First day" not in asked_how
    asked = {"way": "temporary", "hours": "24", "temporary_reason": "forgotten"}
    browser.send(f"{base}/otherwise", expect=200, **asked)
    page = browser.get(browser.way_to_the_desk()[1])
    assert "24 hours" in page.text


def test_somebody_with_both_cards_is_offered_no_third(site: Site) -> None:
    office, uid = site.office, site.office.person(another(66)).uid
    office.card_for(uid)
    terms = IssuanceTerms(temporary_hours=24, temporary_reason="forgotten")
    desk = Desk(
        office.ra.desk_jobs,
        office.ra.issuing.ticket(office.manager, office.ra.issuing.begin(office.manager, uid, terms)),
    )
    temporary = office.blank()
    desk.approve(temporary, office.manager_card, temporary_hours="24")
    desk.finish(temporary)
    page = site.as_role("agent").get(f"/people/{uid}/issue-card/otherwise")
    assert "One of them must end before another can be issued" in page.text
    assert "Locked, for later" not in page.text


def test_each_certificate_says_where_its_key_was_made(site: Site) -> None:
    claimed, proved = site.office.person(another(62)).uid, site.office.person(another(63)).uid
    cards = {claimed: site.office.card_for(claimed).serial}
    authority = site.office.ra.certificate_authority
    authority.proved_by = Provenance(ProvenanceKind.PROVED, "piv", "12345678", "Example Cards <Ltd>")
    cards[proved] = site.office.card_for(proved).serial
    agent = site.as_role("agent")
    by_maker = "Proved by the card (Example Cards <Ltd>, device 12345678)"
    for uid, words in ((claimed, "Not known"), (proved, by_maker)):
        for page in (agent.get(f"/people/{uid}/cards/{cards[uid]}"), agent.get(f"/people/{uid}")):
            assert page.text.count(words) >= 2
            assert ("Proved by the card (" in page.text) is (uid == proved)
    assert by_maker in site.browser(proved).get("/my").text
