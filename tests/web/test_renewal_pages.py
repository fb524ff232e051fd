"""The pages of renewals: the offer at sign-in, who is offered what, and the renewal cliff."""

from __future__ import annotations

from tests.support.renewals import let_certificates_end, soon
from tests.support.web import Site


def test_the_offer_is_there_while_the_card_expires_soon_and_begins_in_one_click(site: Site) -> None:
    browser, office = site.as_role("sponsor"), site.office
    assert "expires on" not in browser.get("/").text
    let_certificates_end(office, office.sponsor_card, soon(30))
    for page in ("/", "/my", "/sign-in/renew"):
        assert "Your card expires on" in browser.get(page).text, page
    begun = browser.send(f"/my/cards/{office.sponsor_card.serial}/renew")
    assert begun.status == 200, begun.text
    assert "/job?op=" in begun.text
