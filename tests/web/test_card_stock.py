"""The room of the card stock, page by page."""

from __future__ import annotations

import pytest

from app.domain.stock import DESK, PlaceKind
from tests.support.registration_authority import RA, another
from tests.support.web import Browser, Site, uploaded

STOCK = "/card-stock"
LIST = (
    b"serial,card_profile,back_number\n"
    b"90000001,softhsm,111122223333\n90000002,softhsm,\n<b>,softhsm,\n90000003,plastic,\n"
)


def rooms(site: Site) -> tuple[str, str]:
    """A store and a drawer."""
    stocking, manager = site.services.stock.stocking, site.office.manager
    store = stocking.add_place(manager, "Safe in room 12", PlaceKind.STORE, RA, 1)
    return store, stocking.add_place(manager, "Desk 3", PlaceKind.DESK, RA, 0)


def take_in(site: Site, browser: Browser, place: str, content: bytes = LIST) -> str:
    """Hand a list in and apply it; the delivery's address."""
    deliveries = f"{STOCK}/deliveries"
    browser.get(deliveries)
    address = browser.send(
        deliveries, file=uploaded(content, "box.csv"), supplier="Idemia", place=place
    ).location
    browser.get(address)
    browser.send(f"{address}/apply")
    return str(address)


def test_a_delivery_is_looked_at_and_taken_in(site: Site) -> None:
    store, _ = rooms(site)
    browser = site.as_role("agent")
    deliveries = f"{STOCK}/deliveries"
    browser.get(deliveries)
    answer = browser.send(deliveries, file=uploaded(LIST, "box.csv"), supplier="Idemia", place=store)
    page = browser.get(answer.location)
    assert "2 cards would be taken into stock, 2 lines would not." in page.text
    assert "There is no card profile 'plastic'. There are: " in page.text
    assert "The serial number must be 1 to 40 letters" in page.text
    assert "&lt;b&gt;" in browser.client.get(answer.location, base_url="https://localhost:8443").text
    browser.send(f"{answer.location}/apply")
    assert "2 cards taken into stock." in browser.get(answer.location).text
    page = browser.get(STOCK)
    assert "Blank cards." in page.text
    assert "Safe in room 12: 2" in page.text
    card = browser.get(f"{STOCK}/cards/90000001")
    assert "111122223333" in card.text
    assert "Delivered: delivered by Idemia" in card.text


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "Choose the list, a CSV file."),
        ({"file": LIST}, "Say who delivered the cards."),
        ({"file": LIST, "supplier": "Idemia"}, "Choose a store or a desk."),
        ({"file": b"<html>", "supplier": "Idemia", "place": DESK}, "The list has no column serial."),
    ],
)
def test_a_list_that_cannot_be_used_is_told_at_its_field(
    site: Site, fields: dict[str, object], told: str
) -> None:
    browser = site.as_role("manager")
    browser.get(f"{STOCK}/deliveries")
    sent = {
        name: uploaded(each, "x.csv") if isinstance(each, bytes) else each for name, each in fields.items()
    }
    browser.send(f"{STOCK}/deliveries", expect=422, **sent)
    assert browser.page is not None
    assert told in browser.page.text


def test_a_place_is_added_and_cards_are_moved_there(site: Site) -> None:
    store, _ = rooms(site)
    browser = site.as_role("agent")
    take_in(site, browser, store)
    browser.get(f"{STOCK}/places/new")
    browser.send(f"{STOCK}/places/new", expect=422, name="", kind="", organisation="NOWHERE", low_at="few")
    assert browser.page is not None
    assert "Enter a whole number, or 0 for no warning." in browser.page.text
    answer = browser.send(f"{STOCK}/places/new", name="Desk 9", kind="desk", organisation=RA, low_at="3")
    assert "Desk 9 is a place for cards now." in browser.get(answer.location).text
    place = answer.location.rpartition("/")[2]
    browser.get(f"{STOCK}/move")
    browser.send(f"{STOCK}/move", expect=422, serials="90000001 77", place=place, note="To the desk")
    assert browser.page is not None
    assert "Nothing was moved. The stock ledger does not know card 77." in browser.page.text
    assert browser.page.form_to(f"{STOCK}/move").fields["serials"] == "90000001 77"
    answer = browser.send(f"{STOCK}/move", serials="90000001", place=place, note="To the desk")
    page = browser.get(answer.location)
    assert "1 card moved." in page.text
    assert "Moved: To the desk" in page.text
    assert "Desk 9 runs low: 1 blank card left." in browser.get("/").text
    browser.get(f"{STOCK}/places/{place}")
    answer = browser.send(f"{STOCK}/places/{place}/warning", low_at="0")
    assert "runs low" not in browser.get("/").text.replace("Safe in room 12 runs low", "")


def test_a_missing_card_is_an_alarm_until_a_second_person_has_settled_it(site: Site) -> None:
    store, _ = rooms(site)
    agent, manager = site.as_role("agent"), site.as_role("manager")
    take_in(site, agent, store)
    agent.get(f"{STOCK}/stock-takes?place={store}")
    take = agent.send(f"{STOCK}/stock-takes", place=store).location
    agent.get(take)
    agent.send(f"{take}/count", expect=422, serials=" ")
    agent.send(f"{take}/count", serials="90000001\r\n90000001", file=uploaded(b"4711\n", "seen.txt"))
    assert "2 cards counted so far." in agent.get(take).text
    agent.send(f"{take}/uncount", mistake="4711")
    agent.get(take)
    agent.send(f"{take}/close")
    page = agent.get(take)
    assert "1 of 2 expected counted; 1 finding." in page.text
    finding = next(link for link in page.links if "/findings/" in link)
    assert "A second person who may confirm" in agent.get(finding).text
    assert "1 card is missing from stock." in manager.get("/").text
    assert "1 card is missing from stock." in manager.get("/operations").text
    manager.get(finding)
    manager.send(finding, expect=422, decision="write_off", note="")
    manager.send(finding, decision="write_off", note="Looked everywhere")
    assert "missing from stock." not in manager.get("/").text
    assert "Written off: missing at a stock-take, written off" in manager.get(f"{STOCK}/cards/90000002").text
    assert "This finding is settled." in manager.get(finding).text


def test_only_who_counts_goes_on_and_who_may_confirm_abandons(site: Site) -> None:
    store, _ = rooms(site)
    agent, other, manager = site.as_role("agent"), site.as_role("advanced agent"), site.as_role("manager")
    agent.get(f"{STOCK}/stock-takes")
    take = agent.send(f"{STOCK}/stock-takes", place=store).location
    for step in ("count", "uncount", "close"):
        csrf = other.get(STOCK).form_to("/sign-out").fields["csrf_value"]
        other.post(f"{take}/{step}", {"serials": "1", "mistake": "1", "csrf_value": csrf}, expect=403)
    agent.get(f"{STOCK}/stock-takes")
    agent.send(f"{STOCK}/stock-takes", expect=422, place="nowhere")
    assert "Somebody" not in manager.get(take).text


def test_a_card_is_found_by_its_serial_number(site: Site) -> None:
    store, _ = rooms(site)
    browser = site.as_role("agent")
    take_in(site, browser, store)
    answer = browser.client.get(f"{STOCK}/find?q=90000001", base_url="https://localhost:8443")
    assert answer.location == f"{STOCK}/cards/90000001"
    assert browser.client.get(f"{STOCK}/find?q=", base_url="https://localhost:8443").status_code == 422
    assert browser.client.get(f"{STOCK}/find?q=9", base_url="https://localhost:8443").status_code == 404
    sponsor = site.as_role("sponsor")
    assert sponsor.client.get(f"{STOCK}/find?q=1", base_url="https://localhost:8443").status_code == 403


def test_a_card_is_looked_at_and_printed_and_again_with_a_reason(site: Site) -> None:
    uid = site.office.person(another(71)).uid
    card = site.office.card_for(uid)
    browser = site.as_role("agent")
    address = f"/people/{uid}/cards/{card.serial}/print"
    assert address in browser.get(f"/people/{uid}").links
    page = browser.get(address)
    assert "This card has not been printed yet." in page.text
    assert "Front: photo, name GivenAAHB FamilyAAHB, user id" in page.text
    answer = browser.send(address, expect=200, sides="both")
    assert answer.mimetype == "application/pdf"
    assert answer.get_data().startswith(b"%PDF")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="card-{card.serial}.pdf"'
    assert "First print" in browser.get(address).text
    browser.send(address, expect=422, sides="both")
    assert browser.page is not None
    assert "This card was printed before. Choose why it is printed again." in browser.page.text
    browser.send(address, expect=422, sides="inside")
    browser.send(address, expect=200, sides="front", reason="misprint", note="Ribbon was empty")
    assert "Ribbon was empty" in browser.get(address).text
    other = site.office.person(another(72)).uid
    browser.get(f"/people/{other}/cards/{card.serial}/print", expect=404)
