"""Every room, walked through by the people who work in it. ``Browser`` checks each page it is shown."""

from __future__ import annotations

from dataclasses import replace

from app.domain.actor import Actor
from app.domain.issuance import IssuanceStatus
from app.domain.permission import Permission
from app.ra.moving_cards import MoveAsked
from app.web.presenters.home import HomePage
from tests.support.registration_authority import (
    ELSEWHERE,
    PRACTICE,
    RA,
    another,
    new_position,
    today,
)
from tests.support.web import ORIGIN, Browser, Site
from tests.support.web_answers import answers, parts


def registered(site: Site, browser: Browser, **changed: str) -> str:
    """Register Amara through the pages; answers her user id."""
    browser.get("/people/register")
    browser.send("/people/register", expect=200, **answers(**changed))
    return browser.send("/people/register", step="register").location.rpartition("/")[2]


def test_the_start_page_offers_what_the_role_allows(site: Site) -> None:
    assert "/issuances" in site.as_role("agent").get("/").links
    sponsor = site.as_role("sponsor").get("/")
    assert "/issuances" not in sponsor.links
    assert "/requests" in sponsor.links
    assert "/people" not in site.as_role("clinician").get("/").links


def test_another_role_is_offered_to_those_who_have_one(site: Site) -> None:
    agent = site.as_role("agent").get("/")
    assert "/sign-in/role" not in agent.links
    refused = site.as_role("agent").get("/audit", expect=403)
    assert "Your role does not allow this. If you need it, ask your Registration Authority." in refused.text
    assert "/sign-in/role" not in refused.links
    assert "Position of agent (Job role R5090), at " in agent.text
    office, uid = site.office, site.uid_of("agent")
    asked = office.ra.requesting.request_position(
        office.sponsor, uid, site.clinician_position, today(), None, "Also works at the practice"
    )
    office.ra.deciding.grant(office.manager, asked, "")
    assert "/sign-in/role" in site.browser(uid).get("/").links
    assert "/sign-in/role" in site.browser(uid).get("/audit", expect=403).links


def test_a_search_for_nothing_says_what_to_enter(site: Site) -> None:
    browser = site.as_role("agent")
    assert "Enter a name" not in browser.get("/people").text
    assert "Enter a name" in browser.get("/people?q=+", expect=422).text
    assert "Enter an organisation" in browser.get("/organisations?q=", expect=422).text


def test_nobody_is_registered_without_a_search(site: Site) -> None:
    browser = site.as_role("agent")
    assert not any("register" in link for link in browser.get("/people").links)
    found = browser.get("/people?q=Amara+Osei")
    assert "0 people found" in found.text
    assert "/people/register?name=Amara+Osei" in found.links
    form = browser.get("/people/register?name=Amara+Osei").form_to("/people/register")
    assert (form.fields["given_name"], form.fields["family_name"]) == ("Amara", "Osei")


def test_a_mistyped_user_id_is_pointed_out(site: Site) -> None:
    assert "may be mistyped" in site.as_role("agent").get("/people?q=656005750105").text


def test_somebody_new_is_registered_and_found(site: Site) -> None:
    browser = site.as_role("agent")
    uid = registered(site, browser)
    page = browser.get(f"/people/{uid}")
    assert page.heading == "Amara Osei"
    assert "533380006" in page.text
    seen_by_sponsor = site.as_role("sponsor").get(f"/people/{uid}").text
    assert "British passport" in seen_by_sponsor
    assert "533380006" not in seen_by_sponsor
    assert f"/people/{uid}" in browser.get("/people?q=osei").links
    photo = browser.client.get(f"/people/{uid}/photo", base_url="https://localhost:8443")
    assert photo.mimetype == "image/jpeg"
    assert "no-store" in photo.headers["Cache-Control"]


def test_wrong_answers_come_back_with_everything_that_was_typed(site: Site) -> None:
    browser = site.as_role("agent")
    browser.get("/people/register")
    browser.send("/people/register", expect=422, **answers(email="nonsense", given_name="Amára"))
    assert browser.page is not None
    form = browser.page.form_to("/people/register")
    assert "Enter an e-mail address" in browser.page.text
    assert browser.page.title.startswith("Error: ")
    assert form.fields["given_name"] == "Amára"
    assert form.fields["photo_kept"]
    browser.send("/people/register", expect=200, email="amara@example.nhs.uk")
    assert "Check the answers" in browser.page.heading


def test_answers_can_be_changed_from_the_check_page(site: Site) -> None:
    browser = site.as_role("agent")
    browser.get("/people/register")
    browser.send("/people/register", expect=200, **answers())
    browser.send("/people/register", expect=200, step="change")
    assert browser.page is not None
    assert browser.page.form_to("/people/register").fields["family_name"] == "Osei"


def test_possible_duplicates_are_shown_and_must_be_considered(site: Site) -> None:
    browser = site.as_role("agent")
    known = registered(site, browser)
    browser.get("/people/register")
    twin = {
        "email": "other@example.nhs.uk",
        "evidence.0.number": "999999999",
        "evidence.2.number": "AB999999D",
        "given_name": "Amara",
    }
    browser.send("/people/register", expect=200, **{**answers(), **twin})
    assert browser.page is not None
    assert f"/people/{known}" in browser.page.links
    browser.send("/people/register", expect=422, step="register", duplicates_considered="")
    assert "#duplicates_considered" in browser.page.links
    assert "This may be somebody we know" in browser.page.text
    browser.send("/people/register", step="register", duplicates_considered="yes")


def test_organisations_are_found_and_shown(site: Site) -> None:
    browser = site.as_role("sponsor")
    assert f"/organisations/{PRACTICE}" in browser.get("/organisations?q=honiton").links
    page = browser.get(f"/organisations/{PRACTICE}")
    assert f"/positions/{site.clinician_position}" in page.links
    assert f"/organisations/{PRACTICE}/positions/new" not in page.links


def test_a_position_is_created_with_its_approval(site: Site) -> None:
    browser = site.as_role("manager")
    address = f"/organisations/{PRACTICE}/positions/new"
    browser.get(address)
    browser.send(
        address, expect=200, step="add", name="Practice nurse", access_profiles__0__job_role_code="R8010"
    )
    assert browser.page is not None
    assert browser.page.form_to(address).fields["access_profiles.0.job_role_code"] == "R8010"
    created = browser.send(
        address,
        step="create",
        access_profiles__1__job_role_code="R8008",
        access_profiles__1__activity_codes=["B0420", "B0572"],
        access_profiles__0__activity_codes=[],
        approved_by="Practice board",
        reference="Minutes 12",
        **parts("approved_on", today()),
    )
    page = browser.get(created.location)
    assert page.heading == "Practice nurse"
    assert "Activity B0420 (B0420)" in page.text


def test_a_position_with_unknown_codes_is_refused_at_the_field(site: Site) -> None:
    browser = site.as_role("manager")
    address = f"/organisations/{PRACTICE}/positions/new"
    browser.get(address)
    browser.send(
        address,
        expect=422,
        step="create",
        name="Nurse",
        access_profiles__0__job_role_code="R9999",
        approved_by="Board",
        reference="7",
        **parts("approved_on", today()),
    )
    assert browser.page is not None
    assert "#access_profiles.0.job_role_code" in browser.page.links


def test_a_sponsor_requests_and_an_agent_grants(site: Site) -> None:
    uid = site.office.person(another(7)).uid
    sponsor, agent = site.as_role("sponsor"), site.as_role("agent")
    assert f"/people/{uid}/request-position" in sponsor.get(f"/people/{uid}").links
    assert (
        f"/people/{uid}/request-position/{PRACTICE}"
        in sponsor.get(f"/people/{uid}/request-position?q=honiton").links
    )
    address = f"/people/{uid}/request-position/{PRACTICE}"
    sponsor.get(address)
    raised = sponsor.send(address, position_id=site.clinician_position, reason="She starts on Monday")
    own = sponsor.get(raised.location)
    assert "She starts on Monday" in own.text
    assert [form.action for form in own.forms] == ["/sign-out"], "who asks is not offered to decide"
    assert raised.location in agent.get("/requests").links
    agent.get(raised.location)
    agent.send(f"{raised.location}/take")
    agent.get(raised.location)
    agent.send(f"{raised.location}/decision", expect=422, decision="reject")
    agent.send(f"{raised.location}/decision", decision="grant", reason="")
    assert "Granted" in agent.get(raised.location).text
    assert "In force" in agent.get(f"/people/{uid}").text


def test_a_request_that_somebody_works_on_says_so(site: Site) -> None:
    uid = site.office.person(another(8)).uid
    ra = site.office.ra
    request_id = ra.requesting.request_position(
        site.office.sponsor, uid, site.clinician_position, today(), None, "Needed"
    )
    ra.deciding.take(site.office.manager, request_id)
    agent = site.as_role("agent")
    assert "Being worked on" in agent.get("/requests").text
    page = agent.get(f"/requests/{request_id}")
    assert "is working on this request until" in page.text
    assert not [form for form in page.forms if form.action.endswith("/decision")]


def test_a_request_outside_the_sponsors_organisation_keeps_what_was_typed(site: Site) -> None:
    uid = site.office.person(another(9)).uid
    sponsor = site.as_role("sponsor")
    address = f"/people/{uid}/request-position/{ELSEWHERE}"
    assert "There is no position" in sponsor.get(address).text
    manager_there = replace(site.office.manager, organisation_code=ELSEWHERE)
    site.office.ra.positions.create(manager_there, new_position(ELSEWHERE, "Clerk", "R5090"))
    page = sponsor.get(address)
    assert "Ask a sponsor of that organisation." in page.text
    assert "/sign-in/role" not in page.links, "the sponsor has one role"


def test_a_card_is_begun_watched_and_undone(site: Site) -> None:
    uid = site.office.person(another(10)).uid
    browser = site.as_role("manager")
    browser.get(f"/people/{uid}")
    browser.send(f"/people/{uid}/issue-card", expect=200)
    first, address = browser.way_to_the_desk()
    assert "op=https%3A%2F%2Flocalhost%3A8443&ticket=" in first
    assert "Open the card desk" in browser.get(address).text
    browser.send(f"{address}/desk", expect=200)
    assert browser.way_to_the_desk()[0] != first
    progress = browser.client.get(f"{address}/steps.json", base_url="https://localhost:8443").get_json()
    assert progress["status"] == IssuanceStatus.BEGUN
    assert progress["steps"][0]["text"] == "Begun"
    browser.get(address)
    browser.send(f"{address}/undo", expect=422)
    browser.send(f"{address}/undo", reason="She went home")
    page = browser.get(address)
    assert "Undone. No card was used." in page.text
    assert not [form for form in page.forms if form.action.startswith(address)]


def test_only_whoever_began_a_card_is_led_to_the_desk(site: Site) -> None:
    uid = site.office.person(another(11)).uid
    issuance_id = site.office.ra.issuing.begin(site.office.manager, uid)
    page = site.as_role("agent").get(f"/issuances/{issuance_id}")
    assert not [form for form in page.forms if form.action.endswith("/desk")]
    assert "must go on with it" in page.text


def test_a_lost_card_is_reported_and_shown_as_lost(site: Site) -> None:
    uid = site.office.person(another(12)).uid
    card = site.office.card_for(uid)
    browser = site.as_role("agent")
    address = f"/people/{uid}/cards/{card.serial}/report-lost"
    assert browser.get(f"/people/{uid}").links.count(address) == 2, "at the card, and what can be done first"
    browser.get(address)
    browser.send(address, note="On the bus")
    page = browser.get(f"/people/{uid}")
    assert "Lost" in page.text
    assert "Revoked" in page.text
    assert address not in page.links


def test_a_card_is_cancelled_with_a_reason(site: Site) -> None:
    uid = site.office.person(another(13)).uid
    card = site.office.card_for(uid)
    browser = site.as_role("agent")
    address = f"/people/{uid}/cards/{card.serial}/cancel"
    browser.get(address)
    browser.send(address, expect=422)
    browser.send(address, reason="left")
    assert "Cancelled" in browser.get(f"/people/{uid}").text


def test_my_page_shows_my_roles_card_and_certificates(site: Site) -> None:
    browser = site.as_role("sponsor")
    page = browser.get("/my")
    assert "Authentication" in page.text
    assert "In force" in page.text
    address = f"/my/cards/{site.office.sponsor_card.serial}/report-lost"
    assert address in page.links
    browser.get(address)
    browser.send(address, note="Left on the train")
    gone = browser.client.get("/my", base_url="https://localhost:8443")
    assert gone.location.startswith("/sign-in"), "the session ended with the card"


def test_access_ends_early_and_the_person_is_signed_out(site: Site) -> None:
    holder = site.office.person(another(16), site.clinician_position)
    theirs, browser = site.browser(holder.uid), site.as_role("manager")
    assert theirs.get("/my").heading == "My access"
    page = browser.get(f"/people/{holder.uid}")
    address = f"/role-profiles/{holder.role_profile_id}/withdraw"
    assert address in page.links
    browser.get(address)
    assert "Say why" in browser.send(address, 422, reason="").text
    assert browser.send(address, reason="Left").location == f"/people/{holder.uid}"
    told = browser.get(f"/people/{holder.uid}")
    assert "Withdrawn" in told.text
    assert address not in told.links
    gone = theirs.client.get("/my", base_url="https://localhost:8443")
    assert gone.location.startswith("/sign-in")


def test_a_card_that_is_issued_leads_to_its_printing(site: Site) -> None:
    uid = site.office.person(another(18)).uid
    desk, card = site.office.begun(uid), site.office.blank()
    browser, page = site.as_role("manager"), f"/issuances/{desk.id}"
    address = f"/people/{uid}/cards/{card.serial}/print"
    assert address not in browser.get(page).links
    desk.approve(card, site.office.manager_card)
    desk.finish(card)
    assert address in browser.get(page).links
    assert browser.get(address).heading == f"Print card {card.serial}"


def test_a_suspended_card_is_resumed_from_its_holders_page(site: Site) -> None:
    uid = site.office.person(another(17)).uid
    serial = site.office.card_for(uid).serial
    site.services.card_moves.give(site.office.manager, serial, "suspend", MoveAsked("away"))
    page = site.as_role("manager").get(f"/people/{uid}")
    assert "The card is suspended" in page.text
    assert f"/people/{uid}/cards/{serial}/resume" in page.links


def test_the_audit_shows_what_happened_to_whom(site: Site) -> None:
    browser = site.as_role("manager")
    uid = site.office.person(another(14)).uid
    browser.get(f"/people/{uid}")
    told = browser.get(f"/audit?subject={uid[:4]}+{uid[4:]}")
    assert "Person viewed" in told.text
    assert f"/people/{uid}" in told.links
    assert "Registration authority founded" in browser.get("/audit").text


def test_names_are_text_and_never_markup(site: Site) -> None:
    position = site.office.position("<script>alert(1)</script>", "R8000", at=RA)
    uid = site.office.person(another(15), position).uid
    for address in (f"/people/{uid}", f"/positions/{position}", f"/organisations/{RA}"):
        page = site.as_role("manager").get(address)
        assert "<script>alert(1)</script>" in page.text, "shown as it was typed"


def test_the_receipt_of_a_certificate_is_asked_for_by_its_serial_number(site: Site) -> None:
    browser = site.as_role("manager")
    assert "/audit/receipt" in browser.get("/audit").links
    assert "Serial number of a certificate" in browser.get("/audit/receipt").text
    unknown = browser.get("/audit/receipt?serial_number=1234", expect=409)
    assert "There is no receipt of a certificate with this serial number." in unknown.text
    wrong = browser.get("/audit/receipt?serial_number=xyz", expect=422)
    assert "digits and a to f" in wrong.text


def test_whoever_unlocks_and_renews_cards_is_told_so_on_the_start_page() -> None:
    may = frozenset({Permission.FIND_PEOPLE, Permission.UNLOCK_CARD, Permission.RENEW_CARD})
    actor = Actor("710000017100", "Ruth Adeyemi", permissions=may)
    page = HomePage.of(actor, (), None, None)
    assert page.search_hint == "Search first. Then you can unlock a card or renew a card."


def test_two_positions_at_one_place_are_named_apart(site: Site) -> None:
    agent = site.as_role("agent")
    uid = site.office.person(another(8), site.office.position("Nurse", "R8008")).uid
    html = agent.client.get(f"/people/{uid}", base_url=ORIGIN).get_data(as_text=True)
    assert 'aria-labelledby="role-1 role-1-as"' in html
    assert html.count('id="role-1-as"') == 1
