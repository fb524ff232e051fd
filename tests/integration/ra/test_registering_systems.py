"""Registering systems by two people, on both databases: who may, what is kept, what the directory is told."""

from __future__ import annotations

from dataclasses import replace
from threading import Barrier, Thread

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.adapters.host_names import ResolvedHostNames
from app.data import shipped
from app.domain.system import SystemStatus
from app.domain.system_details import Endpoint, SystemDetails
from app.domain.system_request import (
    CannotApproveOwnSystemRequest,
    CannotCheckOwnHostNames,
    HostNamesNotChecked,
    SystemInOtherState,
    SystemRequestAlreadyDecided,
    SystemRequestAlreadyOpen,
    SystemRequestStatus,
)
from app.errors import InvalidInput, NotFound, NotPermitted, Refusal
from app.ra.deciding_systems import DecidingSystems
from app.ra.looking_up_systems import LookingUpSystems
from app.ra.organisation_scope import OrganisationScope, OutsideOrganisation
from app.ra.requesting_systems import RequestingSystems
from tests.support.registration_authority import ELSEWHERE, PRACTICE, another

PRESCRIBE = "urn:nhs:names:services:mm:PORX_IN020101UK31"
CANCEL = "urn:nhs:names:services:mm:PORX_IN030101UK32"
DETAILS = SystemDetails(
    PRACTICE,
    "Example GP record",
    "1.0",
    "Prescribing",
    (PRESCRIBE, CANCEL),
    endpoint=(Endpoint(CANCEL, "HL7", "https://localhost.localdomain/hl7"),),
)
NO_ENDPOINT = replace(DETAILS, endpoint=())


@pytest.fixture
def asking(office) -> RequestingSystems:
    return RequestingSystems(office.ra.database, OrganisationScope(), shipped.interactions())


@pytest.fixture
def deciding(office) -> DecidingSystems:
    return DecidingSystems(
        office.ra.database, OrganisationScope(), shipped.interactions(), ResolvedHostNames()
    )


@pytest.fixture
def looking(office) -> LookingUpSystems:
    return LookingUpSystems(office.ra.database, OrganisationScope())


@pytest.fixture
def registered(office, asking, deciding) -> str:
    """The ASID of a system that the sponsor asked for and the manager approved."""
    request = asking.register(office.sponsor, DETAILS, "New practice system")
    deciding.check_host_names(office.manager, request)
    return deciding.approve(office.manager, request, "")


def test_both_role_profiles_and_the_check_of_host_names_stand_on_the_record(office, looking, registered):
    record = looking.system(office.manager, registered)
    system, (endpoint,) = record.system, record.endpoints
    sponsor, manager = office.sponsor.role_profile_id, office.manager.role_profile_id
    assert (system.approval.requested_by, system.approval.approved_by) == (sponsor, manager)
    assert system.approval.requested_at <= system.approval.approved_at
    assert endpoint.dns is not None
    assert (endpoint.dns.approved_by, endpoint.fqdn) == (manager, "localhost.localdomain")
    assert (len(system.asid), system.party_key) == (12, f"{PRACTICE}-800001")
    assert endpoint.id.startswith("S")
    assert endpoint.party_key == system.party_key
    assert record.details == DETAILS


def test_the_directory_is_told_and_everything_is_audited(office, looking, registered):
    (endpoint,) = looking.system(office.manager, registered).endpoints
    told = [key for topic, key in office.ra.announced() if topic == "directory.system"]
    assert told == [registered, endpoint.id]
    events = [event for event, outcome, _ in office.ra.audited() if event.startswith("system")]
    assert events == ["system_request.raised", "system_request.host_names_checked", "system_request.approved"]


def test_nobody_approves_or_checks_what_they_asked_for(office, asking, deciding):
    request = asking.register(office.manager, DETAILS, "For myself")
    with pytest.raises(CannotCheckOwnHostNames):
        deciding.check_host_names(office.manager, request)
    with pytest.raises(CannotApproveOwnSystemRequest):
        deciding.approve(office.manager, request, "")
    with pytest.raises(CannotApproveOwnSystemRequest):
        deciding.reject(office.manager, request, "no")
    assert office.ra.audited()[-1] == (
        "system_request.rejected",
        "refused",
        "cannot_approve_own_system_request",
    )


def test_not_even_in_another_role_profile(office, asking, deciding):
    request = asking.register(office.manager, DETAILS, "For myself")
    with pytest.raises(CannotApproveOwnSystemRequest):
        deciding.approve(replace(office.manager, role_profile_id="710000999105"), request, "")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE system_request SET status='approved', decided_by=requested_by,"
        " decided_role_profile='710000999105', decided_at=requested_at",
        "UPDATE system_request SET status='approved', decided_by='710000999105',"
        " decided_role_profile=requested_role_profile, decided_at=requested_at",
        "UPDATE system_request SET hosts_checked_by=requested_by",
        "UPDATE system_request SET status='approved'",
        "UPDATE system_request SET status='at_once'",
        "UPDATE system_request SET kind='suspend'",
        "UPDATE system_request SET kind='certificate'",
    ],
)
def test_the_database_refuses_one_person_too(office, asking, statement):
    asking.register(office.sponsor, DETAILS, "New")
    with pytest.raises(IntegrityError), office.ra.database.change() as work:
        work.connection.execute(text(statement))


def test_a_registered_systems_row_cannot_be_made_one_persons(office, registered):
    for table, column in (
        ("accredited_system", "approved_by"),
        ("message_handling_system", "approved_by"),
        ("message_handling_system", "dns_approved_by"),
    ):
        with pytest.raises(IntegrityError), office.ra.database.change() as work:
            work.connection.execute(text(f"UPDATE {table} SET {column} = requested_by"))


def test_endpoints_wait_for_somebody_who_checked_their_host_names(office, asking, deciding):
    request = asking.register(office.sponsor, DETAILS, "New")
    with pytest.raises(HostNamesNotChecked, match=r"localhost\.localdomain"):
        deciding.approve(office.manager, request, "")


def test_what_the_names_resolved_to_is_kept(office, asking, deciding, looking):
    unknown = replace(DETAILS.endpoint[0], interaction=PRESCRIBE, url="https://nowhere.invalid/")
    details = replace(DETAILS, endpoint=(*DETAILS.endpoint, unknown))
    request = asking.register(office.sponsor, details, "New")
    deciding.check_host_names(office.manager, request)
    checked = looking.request(office.manager, request).request.hosts_checked
    assert checked is not None
    assert checked.found["nowhere.invalid"] == []


def test_only_those_with_the_right_ask_approve_and_check(office, asking, deciding):
    clinician = office.person(another(70), office.position("GP", "R8000", "B0420", at=PRACTICE))
    agent = office.person(another(71), office.position("Agent", "R5090", "B0274"))
    with pytest.raises(NotPermitted):
        asking.register(clinician, DETAILS, "New")
    request = asking.register(office.sponsor, DETAILS, "New")
    for actor in (clinician, agent):
        with pytest.raises(NotPermitted):
            deciding.check_host_names(actor, request)
        with pytest.raises(NotPermitted):
            deciding.approve(actor, request, "")
        with pytest.raises(NotPermitted):
            deciding.reject(actor, request, "No")


def test_another_organisations_systems_are_out_of_reach(office, asking):
    with pytest.raises(OutsideOrganisation):
        asking.register(office.sponsor, replace(NO_ENDPOINT, organisation=ELSEWHERE), "New")


def test_an_unknown_organisation_is_refused_at_its_field(office, asking):
    with pytest.raises(InvalidInput) as refused:
        asking.register(office.sponsor, replace(NO_ENDPOINT, organisation="ZZZ99"), "New")
    assert list(refused.value.problems) == ["organisation"]


def test_one_product_is_registered_once_in_an_organisation(office, asking, registered):
    with pytest.raises(InvalidInput, match=registered):
        asking.register(office.sponsor, DETAILS, "Again")


def test_the_same_is_not_asked_for_twice(office, asking, registered):
    asking.register(office.sponsor, replace(NO_ENDPOINT, product="Other"), "New")
    with pytest.raises(SystemRequestAlreadyOpen):
        asking.register(office.sponsor, replace(NO_ENDPOINT, product="Other"), "New")
    asking.withdraw(office.sponsor, registered, "Gone")
    with pytest.raises(SystemRequestAlreadyOpen):
        asking.change(office.sponsor, registered, replace(DETAILS, version="2"), "New version")


def test_a_rejected_or_cancelled_request_makes_room_and_changes_nothing(office, asking, deciding, looking):
    request = asking.register(office.sponsor, NO_ENDPOINT, "New")
    deciding.reject(office.manager, request, "Wrong product")
    with pytest.raises(SystemRequestAlreadyDecided):
        deciding.approve(office.manager, request, "")
    again = asking.register(office.sponsor, NO_ENDPOINT, "New")
    with pytest.raises(NotPermitted):
        asking.cancel(office.manager, again)
    asking.cancel(office.sponsor, again)
    assert looking.search(office.manager, "", None) == []
    closed = looking.request(office.sponsor, request).request
    assert (closed.status, closed.decision_note) == (SystemRequestStatus.REJECTED, "Wrong product")


def test_two_approvers_at_once_make_one_system(office, asking, deciding, looking):
    request = asking.register(office.sponsor, NO_ENDPOINT, "New")
    second = office.person(another(72), office.position("Second", "R5090", "B0272"))
    barrier, outcomes = Barrier(2), []

    def approve(actor):
        barrier.wait(30)
        try:
            outcomes.append(deciding.approve(actor, request, ""))
        except Refusal as refusal:
            outcomes.append(refusal.code)

    threads = [Thread(target=approve, args=(actor,)) for actor in (office.manager, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    (summary,) = looking.search(office.manager, "", None)
    assert sorted(outcomes) == sorted([summary.system.asid, "system_request_already_decided"])


def test_a_change_takes_effect_when_another_approves_and_keeps_what_was_not_touched(
    office, asking, deciding, looking, registered
):
    before = looking.system(office.manager, registered)
    moved = replace(DETAILS.endpoint[0], url="https://new.localdomain/hl7")
    added = Endpoint(PRESCRIBE, "HL7", "https://localhost.localdomain/more")
    details = replace(DETAILS, version="2.0", interactions=(PRESCRIBE,), endpoint=(moved, added))
    request = asking.change(office.manager, registered, details, "New version")
    assert looking.request(office.manager, request).before == DETAILS
    second = office.person(another(73), office.position("Second", "R5090", "B0272"))
    with pytest.raises(HostNamesNotChecked):
        deciding.approve(second, request, "")
    deciding.check_host_names(second, request)
    deciding.approve(second, request, "")
    after = looking.system(office.manager, registered)
    assert after.details == details
    assert after.system.party_key == before.system.party_key
    assert after.endpoints[0].id == before.endpoints[0].id
    assert after.system.approval.approved_by == second.role_profile_id
    assert [each.request.kind.value for each in after.history] == ["change", "register"]


def test_an_unchanged_endpoint_keeps_its_approval_and_needs_no_new_check(
    office, asking, deciding, looking, registered
):
    (before,) = looking.system(office.manager, registered).endpoints
    request = asking.change(office.sponsor, registered, replace(DETAILS, version="2.0"), "Version")
    deciding.approve(office.manager, request, "")
    (after,) = looking.system(office.manager, registered).endpoints
    assert (after.approval, after.dns) == (before.approval, before.dns)


def test_an_endpoint_left_out_is_closed_and_may_be_registered_again(
    office, asking, deciding, looking, registered
):
    (before,) = looking.system(office.manager, registered).endpoints
    deciding.approve(
        office.manager, asking.change(office.sponsor, registered, NO_ENDPOINT, "Endpoint gone"), ""
    )
    assert looking.system(office.manager, registered).endpoints == ()
    back = asking.change(office.sponsor, registered, DETAILS, "Endpoint back")
    deciding.check_host_names(office.manager, back)
    deciding.approve(office.manager, back, "")
    (after,) = looking.system(office.manager, registered).endpoints
    assert after.id != before.id


def test_a_change_of_nothing_is_refused(office, asking, registered):
    with pytest.raises(InvalidInput, match="Nothing is different"):
        asking.change(office.sponsor, registered, DETAILS, "Why not")


def test_one_person_stops_a_system_and_two_let_it_go_on(office, asking, deciding, looking, registered):
    asking.suspend(office.sponsor, registered, "Looks compromised")
    record = looking.system(office.manager, registered)
    assert {record.system.status, record.endpoints[0].status} == {SystemStatus.SUSPENDED}
    with pytest.raises(SystemInOtherState):
        asking.suspend(office.sponsor, registered, "Again")
    request = asking.resume(office.sponsor, registered, "All is well")
    with pytest.raises(CannotApproveOwnSystemRequest):
        deciding.approve(replace(office.manager, uid=office.sponsor.uid), request, "")
    deciding.approve(office.manager, request, "")
    record = looking.system(office.manager, registered)
    assert {record.system.status, record.endpoints[0].status} == {SystemStatus.ACTIVE}
    assert [each.request.kind.value for each in record.history] == ["resume", "suspend", "register"]


def test_a_withdrawn_system_is_over_for_good(office, asking, deciding, looking, registered):
    deciding.approve(office.manager, asking.withdraw(office.sponsor, registered, "Replaced"), "")
    record = looking.system(office.manager, registered)
    assert (record.system.status, record.endpoints) == (SystemStatus.CLOSED, ())
    for refused in (
        lambda: asking.resume(office.sponsor, registered, "Back"),
        lambda: asking.suspend(office.sponsor, registered, "Stop"),
        lambda: asking.change(office.sponsor, registered, replace(DETAILS, version="9"), "Change"),
        lambda: asking.withdraw(office.sponsor, registered, "Again"),
    ):
        with pytest.raises(SystemInOtherState, match="withdrawn"):
            refused()
    # The product may come back as a new system with an id of its own.
    again = asking.register(office.sponsor, NO_ENDPOINT, "New start")
    assert deciding.approve(office.manager, again, "") != registered


def test_a_reason_is_needed_and_unknown_things_are_not_found(office, asking, deciding, looking, registered):
    with pytest.raises(InvalidInput, match="Say why"):
        asking.suspend(office.sponsor, registered, "  ")
    with pytest.raises(NotFound):
        asking.suspend(office.sponsor, "200000009999", "Why")
    with pytest.raises(NotFound):
        deciding.approve(office.manager, "00000000-0000-0000-0000-000000000000", "")
    with pytest.raises(NotFound):
        looking.system(office.manager, "200000009999")


def test_systems_are_found_by_any_of_their_names_and_by_an_interaction(office, looking, registered):
    for words in (registered, PRACTICE.lower(), "gp RECORD", "PORX_IN030101UK32", "800001"):
        assert [each.system.asid for each in looking.search(office.manager, words, None)] == [registered]
    for words in ("%", "_________________", "nothing like it", "'; DROP TABLE accredited_system; --"):
        assert looking.search(office.manager, words, None) == []
    assert looking.search(office.manager, "", SystemStatus.SUSPENDED) == []


def test_a_request_is_seen_by_its_asker_and_by_deciders_in_reach(office, asking, looking):
    request = asking.register(office.sponsor, NO_ENDPOINT, "New")
    other = office.person(another(74), office.position("Sponsor 2", "R8010", "B1300", at=PRACTICE))
    assert [each.request.id for each in looking.open_requests(office.manager)] == [request]
    assert looking.open_requests(other) == []
    with pytest.raises(NotFound):
        looking.request(other, request)
