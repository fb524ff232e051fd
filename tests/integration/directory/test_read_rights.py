"""What a system reads follows from what it is accredited for; limits follow from its class."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from app.adapters.person_entries import NUMBER_ATTRIBUTES
from directory.access_rules import (
    ANONYMOUS_SIZE_LIMIT,
    PEOPLE_SIZE_LIMIT,
    PROFESSIONAL_NUMBERS,
    SYSTEM_SIZE_LIMIT,
)
from directory.connection import COMPARE_TRUE
from directory.entries import OrganisationEntry
from directory.publishing import Publisher
from directory.services import AccreditedSystemEntry, Approval, FollowersEntry, MessageHandlingSystemEntry

UID = "555000000017"
APPROVED = Approval(datetime(2018, 1, 2, tzinfo=UTC), datetime(2018, 2, 3, tzinfo=UTC))
PERSON = f"uid={UID},ou=People,o=nhs"
PLACE = f"uniqueIdentifier=555000000025,{PERSON}"
LADDER = ("endpoints", "people", "professional-numbers", "changes")
ASIDS = {right: f"20000000080{number}" for number, right in enumerate(LADDER)}
NOTHING = "200000000809"
SUCCESS, SIZE_LIMIT, UNAVAILABLE_CRITICAL_EXTENSION, NO_SUCH_OBJECT, INSUFFICIENT_ACCESS = 0, 4, 12, 32, 50


def client(asid: str, *reads: str) -> AccreditedSystemEntry:
    return AccreditedSystemEntry(asid, "A81001", f"A81001-{asid}", ("urn:x",), APPROVED, reads=reads)


def grant_each_right(publisher: Publisher) -> None:
    for place, right in enumerate(LADDER):
        publisher.publish(client(ASIDS[right], *LADDER[: place + 1]))
    publisher.publish(client(NOTHING), FollowersEntry((ASIDS["changes"],)))


@pytest.fixture(scope="module")
def laddered(served):
    """The directory with a client for each right, by the name of the right."""
    grant_each_right(served.publisher)
    tls = {right: served.directory.system(asid) for right, asid in ASIDS.items()}
    tls["nothing"] = served.directory.system(NOTHING)
    return served, tls


def seen(laddered, right, base, filter_text="(objectClass=*)", *attributes):
    served, tls = laddered
    return served.search(base, filter_text, *attributes, tls=tls[right])


@pytest.mark.parametrize("right", LADDER)
def test_every_accredited_system_reads_endpoints_organisations_and_code_lists(laddered, right):
    for filter_text in (
        "(nhsMHSPartyKey=T99999-9999999)",
        "(nhsOrgTypeCode=SH)",
        "(cn=Prepare a prescription)",
    ):
        assert seen(laddered, right, "o=nhs", filter_text).rdns


def test_a_system_without_any_right_reads_nothing(laddered):
    for base in ("o=nhs", "ou=Services,o=nhs", "ou=Organisations,o=nhs", PERSON):
        assert seen(laddered, "nothing", base).rdns == []


@pytest.mark.parametrize(
    "filter_text", ["(objectClass=*)", "(sn=Osei)", "(uid=*)", "(!(sn=nobody))", "(spineAccess=*)"]
)
def test_a_system_of_endpoints_learns_nothing_about_people(laddered, filter_text):
    assert seen(laddered, "endpoints", "ou=People,o=nhs", filter_text).rdns == []
    assert seen(laddered, "endpoints", PERSON, filter_text).rdns == []


def test_a_system_of_endpoints_cannot_ask_for_a_right_either(laddered):
    served, tls = laddered
    asked = served.tool("ldapcompare", PERSON, "spineAccess:A81001:B0420", tls=tls["endpoints"])
    assert asked.status == NO_SUCH_OBJECT


def test_a_system_of_people_reads_them_without_professional_numbers(laddered):
    answer = seen(laddered, "people", PERSON)
    assert answer.rdns == [UID, "555000000025", "555000000033"]
    assert "nhsGMC" not in answer.said


@pytest.mark.parametrize(
    "filter_text",
    [
        "(nhsGMC=7654321)",
        "(nhsGMC=*)",
        "(nhsGMC:caseIgnoreMatch:=7654321)",
        "(1.2.826.0.1285.0.2.1.164=7654321)",
        "(!(nhsGMC=1))",
        "(&(sn=Osei)(nhsGMC=7654321))",
    ],
)
def test_a_professional_number_is_not_guessed_by_who_may_not_read_it(laddered, filter_text):
    assert seen(laddered, "people", "ou=People,o=nhs", filter_text).rdns == []


def test_a_comparison_does_not_tell_a_professional_number(laddered):
    served, tls = laddered
    right, wrong = (
        served.tool("ldapcompare", PERSON, f"nhsGMC:{number}", tls=tls["people"])
        for number in ("7654321", "1")
    )
    assert (right.status, right.said) == (wrong.status, wrong.said)
    assert right.status == INSUFFICIENT_ACCESS


def test_every_number_by_which_a_profession_knows_somebody_is_guarded():
    assert set(NUMBER_ATTRIBUTES.values()) <= set(PROFESSIONAL_NUMBERS)


def test_who_needs_professional_numbers_reads_and_finds_them(laddered):
    answer = seen(laddered, "professional-numbers", "ou=People,o=nhs", "(nhsGMC=7654321)", "nhsGMC")
    assert answer.entries[PERSON]["nhsGMC"] == ["7654321"]


def test_a_right_taken_away_is_gone_on_the_open_connection(laddered):
    served, tls = laddered
    asid = ASIDS["professional-numbers"]
    with served.session(tls["professional-numbers"]) as session:
        assert session.compare(PERSON, "nhsGMC", "7654321") == COMPARE_TRUE
        served.publisher.publish(client(asid, "endpoints"))
        assert session.compare(PERSON, "nhsGMC", "7654321") == NO_SUCH_OBJECT
        assert session.search("ou=Organisations,o=nhs", "(uniqueIdentifier=A81001)")
        served.publisher.publish(client(asid))
        assert session.search("ou=Organisations,o=nhs", "(uniqueIdentifier=A81001)") == []
    grant_each_right(served.publisher)


def test_no_system_reads_what_others_may_read(laddered):
    served, tls = laddered
    found = served.search("ou=Services,o=nhs", "(objectClass=nhsAs)", "spineReads", tls=tls["people"])
    assert [dn for dn, entry in found.entries.items() if "spineReads" in entry] == [
        f"uniqueIdentifier={ASIDS['people']},ou=Services,o=nhs"
    ]
    assert served.search("ou=Services,o=nhs", "(spineReads=changes)", tls=tls["people"]).rdns == []
    assert served.search("cn=Followers,o=nhs", "(objectClass=*)", tls=tls["changes"]).rdns == []


def test_the_change_log_is_for_followers_alone(laddered):
    served, tls = laddered
    for right in LADDER:
        found = served.search("cn=Changelog,o=nhs", "(changenumber=1)", tls=tls[right])
        assert ("changes" in found.said) is bool(found.entries) is (right == "changes")


@pytest.fixture
def crowded(fresh, make_person):
    """A directory with more of each kind than any limit."""
    people = [
        dataclasses.replace(make_person(), uid=f"55600000{n:04d}", org_persons=(), professional_numbers={})
        for n in range(PEOPLE_SIZE_LIMIT + 1)
    ]
    organisations = [
        OrganisationEntry(f"X{n:05d}", "SURGERY", "x", "x") for n in range(SYSTEM_SIZE_LIMIT + 1)
    ]
    handling = [
        MessageHandlingSystemEntry(f"S1{n:05d}", "X1", "X1-1", "urn:a:b", "https://x/", "x", APPROVED)
        for n in range(ANONYMOUS_SIZE_LIMIT + 1)
    ]
    fresh.publisher.publish(*people, *organisations, *handling)
    grant_each_right(fresh.publisher)
    return fresh


def test_each_class_of_system_has_its_limits(crowded):
    tls = {right: crowded.directory.system(asid) for right, asid in ASIDS.items()}

    def status_and_count(base, tls, *options):
        answer = crowded.tool("ldapsearch", *options, "-LLL", "-b", base, "(objectClass=*)", "1.1", tls=tls)
        return answer.status, answer.said.count("dn: ")

    services, people, organisations = "ou=Services,o=nhs", "ou=People,o=nhs", "ou=Organisations,o=nhs"
    assert status_and_count(services, crowded.directory.anonymous()) == (SIZE_LIMIT, ANONYMOUS_SIZE_LIMIT)
    assert status_and_count(people, tls["people"]) == (SIZE_LIMIT, PEOPLE_SIZE_LIMIT)
    assert status_and_count(organisations, tls["endpoints"]) == (SIZE_LIMIT, SYSTEM_SIZE_LIMIT)
    paged = ("-E", "pr=50/noprompt")
    assert status_and_count(people, tls["people"], *paged)[0] == SIZE_LIMIT
    assert status_and_count(services, crowded.directory.anonymous(), *paged)[0] == SIZE_LIMIT
    status, count = status_and_count("o=nhs", tls["changes"])
    assert status == SUCCESS
    assert count > PEOPLE_SIZE_LIMIT + SYSTEM_SIZE_LIMIT + ANONYMOUS_SIZE_LIMIT


def test_who_asks_for_more_than_the_limit_gets_the_limit(crowded):
    tls = crowded.directory.system(ASIDS["people"])
    answer = crowded.tool(
        "ldapsearch", "-z", "max", "-LLL", "-b", "ou=People,o=nhs", "(sn=*)", "1.1", tls=tls
    )
    assert answer.status == SIZE_LIMIT


@pytest.mark.parametrize("right", ["endpoints", "nothing"])
@pytest.mark.parametrize(
    "change",
    [
        "changetype: add\nobjectClass: account\nuid: {uid}\n",
        "changetype: delete\n",
        "changetype: modify\nreplace: sn\nsn: x\n",
        "changetype: modify\nadd: uid\nuid: {uid}\n",
        "changetype: modrdn\nnewrdn: uid=555000000099\ndeleteoldrdn: 1\n",
    ],
)
def test_a_refused_write_does_not_tell_whether_somebody_is_there(laddered, right, change, tmp_path):
    served, tls = laddered
    answers = []
    for uid in (UID, "555000000098"):
        file = tmp_path / uid
        file.write_text(f"dn: uid={uid},ou=People,o=nhs\n{change.format(uid=uid)}")
        answer = served.tool("ldapmodify", "-f", str(file), tls=tls[right])
        answers.append(answer.status)
    assert answers[0] == answers[1] != 0


@pytest.mark.parametrize("asked", ["!sss=nhsGMC", "!vlv=1/1/1/10"])
def test_nobody_learns_hidden_values_by_their_order(laddered, asked):
    served, tls = laddered
    sort = ["-E", "!sss=nhsGMC"] if "vlv" in asked else []
    answer = served.tool("ldapsearch", *sort, "-E", asked, "-b", PERSON, tls=tls["people"])
    assert answer.status == UNAVAILABLE_CRITICAL_EXTENSION
