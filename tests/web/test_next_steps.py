"""Each page says what comes next, offers only what can succeed, and hides what is another's."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from app.storage.tables.access import access_request
from tests.support.registration_authority import ELSEWHERE, PRACTICE, another, today
from tests.support.web import Site
from tests.support.web_answers import parts


def asked_for(site: Site, number: int) -> tuple[str, str]:
    """Somebody new and the sponsor's request for them: user id, request id."""
    uid = site.office.person(another(number)).uid
    asked = site.office.ra.requesting.request_position(
        site.office.sponsor, uid, site.clinician_position, today(), None, "Needed"
    )
    return uid, asked


def test_the_requests_of_the_last_30_days_are_shown_with_their_outcome(site: Site) -> None:
    office = site.office
    granted, rejected, old = (
        office.ra.requesting.request_position(
            office.sponsor,
            office.person(another(number)).uid,
            site.clinician_position,
            today(),
            None,
            "Needed",
        )
        for number in (70, 71, 72)
    )
    office.ra.deciding.grant(office.manager, granted, "")
    office.ra.deciding.reject(office.manager, rejected, "She works elsewhere.")
    office.ra.deciding.grant(office.manager, old, "")
    with office.ra.database.change() as work:
        long_ago = work.now - timedelta(days=31)
        work.connection.execute(
            update(access_request).where(access_request.c.id == old).values(decided_at=long_ago)
        )
    for role in ("agent", "sponsor"):
        page = site.as_role(role).get("/requests")
        assert f"/requests/{granted}" in page.links
        assert f"/requests/{rejected}" in page.links
        assert f"/requests/{old}" not in page.links


def test_a_sponsor_sees_neither_the_open_nor_the_closed_requests_of_another(site: Site) -> None:
    office = site.office
    position = office.position("Second sponsor", "R8010", "B1300")
    other = office.person(another(73), position).uid
    uid, asked = asked_for(site, 74)
    browser = site.browser(other)
    address = f"/requests/{asked}"
    assert address not in browser.get("/requests").links
    assert address not in browser.get(f"/people/{uid}").links
    office.ra.deciding.reject(office.manager, asked, "No.")
    assert address not in browser.get("/requests").links
    assert address not in browser.get(f"/people/{uid}").links


def test_a_rejected_request_tells_the_sponsor_why_and_what_to_do(site: Site) -> None:
    office = site.office
    uid, asked = asked_for(site, 75)
    office.ra.deciding.reject(office.manager, asked, "She works elsewhere.")
    page = site.as_role("sponsor").get(f"/requests/{asked}")
    assert "The request was rejected. The reason given: She works elsewhere." in page.text
    assert f"/people/{uid}/request-position/{PRACTICE}" in page.links


def test_a_position_is_offered_only_where_the_manager_may_create_it(site: Site) -> None:
    manager = site.as_role("manager")
    assert f"/organisations/{PRACTICE}/positions/new" in manager.get(f"/organisations/{PRACTICE}").links
    assert f"/organisations/{ELSEWHERE}/positions/new" not in manager.get(f"/organisations/{ELSEWHERE}").links
    manager.get(f"/organisations/{ELSEWHERE}/positions/new", expect=403)
    assert manager.page is not None
    assert "is not your organisation and not under it" in manager.page.text


def test_a_second_position_of_the_same_name_is_refused_at_its_name(site: Site) -> None:
    manager = site.as_role("manager")
    address = f"/organisations/{PRACTICE}/positions/new"
    manager.get(address)
    manager.send(
        address,
        expect=422,
        step="create",
        name="General practitioner",
        access_profiles__0__job_role_code="R8000",
        approved_by="Board",
        reference="7",
        **parts("approved_on", today()),
    )
    assert manager.page is not None
    assert "has a position of that name" in manager.page.text
    assert manager.page.form_to(address).fields["reference"] == "7"


def test_after_a_grant_a_card_is_offered_to_whoever_may_issue_it(site: Site) -> None:
    uid, asked = asked_for(site, 76)
    agent = site.as_role("agent")
    agent.get(f"/requests/{asked}")
    agent.send(f"/requests/{asked}/decision", decision="grant", reason="")
    page = agent.get(f"/requests/{asked}")
    assert "The position is granted." in page.text
    assert page.form_to(f"/people/{uid}/issue-card")
    assert not [
        form for form in site.as_role("sponsor").get(f"/requests/{asked}").forms if "card" in form.action
    ]


def test_what_cannot_be_done_any_more_is_said_where_it_was_tried(site: Site) -> None:
    office = site.office
    uid, asked = asked_for(site, 77)
    agent = site.as_role("agent")
    agent.get(f"/requests/{asked}")
    office.ra.deciding.take(office.manager, asked)
    agent.send(f"/requests/{asked}/take", expect=409)
    assert agent.page is not None
    assert "A colleague is working on this request" in agent.page.text
    agent.get(f"/people/{uid}")
    issuance = office.ra.issuing.begin(office.manager, uid)
    agent.send(f"/people/{uid}/issue-card", expect=409)
    assert f"/issuances/{issuance}" in agent.page.links


def test_my_page_says_what_my_roles_let_me_do(site: Site) -> None:
    page = site.as_role("clinician").get("/my")
    assert "Activity B0420 (B0420)" in page.text
    assert "May do" in page.text
