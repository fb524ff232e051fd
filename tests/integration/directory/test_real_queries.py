"""The look-ups that existing clients send, each asked with ldapsearch exactly as they send it.

``data/queries.jsonl`` has the queries with placeholders and what their authors expect; here stands, for each
line of it, what our sample directory must answer.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

DATA = Path(__file__).parent / "data" / "queries.jsonl"
QUERIES = [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()]

METADATA = "urn:nhs:names:services:gpconnect:fhir:rest:read:metadata-1"
PERSON, PLACE, ROLE = "555000000017", "555000000025", "555000000033"
SYSTEM, ENDPOINT, STRUCTURED = "918999199203", "S20001A000184", "S20001A000185"
VALUES = {
    "uid": PERSON,
    "asid": SYSTEM,
    "ods": "A91342",
    "partyKey": "A91342-9199203",
    "interaction": METADATA,
    "yyyymmddhhmmss": "20180203040506",
    "mfr": "YGM01",
    "LoginDN": "ou=Services,o=nhs",
    "x": "se",
    "id": PLACE,
    "code": "G1234567",
    "parent": "A81001",
    "LocalSDSPath": "ou=People,o=nhs",
    "configured filter with uid": f"(uid={PERSON})",
}
AT_A_PRACTICE = {"ods": "A81001"}

ANSWERS: dict[int, tuple[list[str], dict[str, str]]] = {
    0: ([PERSON, PLACE, ROLE], {}),
    1: ([PERSON], {}),
    2: ([SYSTEM], {}),
    4: ([ENDPOINT], {}),
    5: ([ENDPOINT], {}),
    6: ([SYSTEM], {}),
    7: ([ENDPOINT], {}),
    8: ([ENDPOINT], {}),
    9: ([SYSTEM], {}),
    10: ([], {}),  # the published misspelling nhsaASvcIA: undefined, so nothing, and no error
    11: (["472b35d4641b76454b13"], {}),
    12: (["999999999999"], {}),
    13: ([SYSTEM], {}),
    14: ([ENDPOINT], {}),
    15: (["S20001A000182"], {}),
    16: ([ENDPOINT], {}),
    17: (["999999999999"], {}),
    18: ([SYSTEM], {}),
    19: (["S20001A000187"], {}),
    20: ([SYSTEM], {}),
    21: (["S20001A000186"], {}),
    22: (["200000000149"], {}),
    23: (["A81001"], AT_A_PRACTICE),
    24: ([ENDPOINT], {}),
    25: ([SYSTEM], {}),
    26: ([SYSTEM], {}),
    27: ([STRUCTURED], {}),
    28: ([SYSTEM], {}),
    32: (["200000000222"], {}),
    33: (["200000000222"], {"partyKey": "YEA-0000806"}),
    34: (["200000000222"], {}),
    35: (["S20001A000183"], {}),
    36: ([SYSTEM], {}),
    37: ([ENDPOINT], {}),
    38: ([PERSON], {}),
    39: ([PERSON], {}),
    40: ([PERSON], {}),
    41: ([PLACE], {}),
    42: ([], {}),  # national GP codes of org-persons are not held here
    43: ([PLACE], {}),
    44: ([PLACE], AT_A_PRACTICE),
    45: ([PLACE], {}),
    46: (["A81001"], AT_A_PRACTICE),
    47: (["A81001"], AT_A_PRACTICE),
    48: (["A81001", "A81001001"], {"x": "DENSHAM"}),
    49: (["A81001"], {"x": "S18"}),
    50: (["A81001001"], {}),
    51: ([ENDPOINT], {"id": ENDPOINT}),
    52: ([SYSTEM], {}),
    53: ([ENDPOINT], {}),
    56: (["T1431"], {}),
    57: (["T1431"], {}),
    58: (["T1431"], {}),
    59: ([PERSON], {}),
}
NO_SUCH_BASE = (29, 54, 55)
PAGED = 3
WHOLE_BRANCH = (30, 31)


def asked(number: int, changes: dict[str, str]) -> tuple[str, str, tuple[str, ...], str]:
    """Base, filter, attributes and scope of a query, its placeholders filled in."""
    query = QUERIES[number]
    base, filter_text = query["base"], query["filter"] or "(objectClass=*)"
    for name, value in (VALUES | changes).items():
        base, filter_text = (text.replace("{" + name + "}", value) for text in (base, filter_text))
    assert "{" not in base + filter_text
    return base, filter_text, tuple(query["attrs"] or ()), query["scope"]


@pytest.mark.parametrize("number", ANSWERS)
def test_a_real_clients_query_is_answered(served, number):
    expected, changes = ANSWERS[number]
    base, filter_text, attributes, scope = asked(number, changes)
    answer = served.search(base, filter_text, *attributes, scope=scope)
    assert (answer.status, sorted(answer.rdns)) == (0, sorted(expected)), answer.said


@pytest.mark.parametrize("number", NO_SUCH_BASE)
def test_a_base_that_is_not_there_is_result_code_32(served, number):
    base, filter_text, attributes, scope = asked(number, {})
    assert served.search(base, filter_text, *attributes, scope=scope).status == 32


def test_a_client_may_read_page_by_page(served):
    base, filter_text, attributes, _ = asked(PAGED, {})
    answer = served.tool("ldapsearch", "-E", "pr=2/noprompt", "-b", base, filter_text, *attributes)
    assert answer.status == 0
    assert answer.said.count("numEntries") == 1
    assert answer.said.count("\ndn: ") == 7


def test_every_query_is_accounted_for():
    assert sorted([*ANSWERS, *NO_SUCH_BASE, PAGED, *WHOLE_BRANCH]) == list(range(len(QUERIES)))


def test_names_come_back_in_the_published_case_whatever_was_asked(served):
    answer = served.search(
        "ou=services,o=nhs", f"(uniqueidentifier={ENDPOINT})", "nhsMhsPartyKey", "NHSMHSENDPOINT"
    )
    (entry,) = answer.entries.values()
    assert entry == {"nhsMHSPartyKey": ["A91342-9199203"], "nhsMHSEndPoint": ["https://meta.example/fhir"]}


def test_the_kinds_of_a_persons_entries_can_be_told_by_case_sensitive_class_names(served):
    answer = served.search(f"uid={PERSON},ou=people,o=nhs", "(objectclass=*)", "objectclass")
    kinds = [entry["objectClass"] for entry in answer.entries.values()]
    assert ["nhsPerson" in kinds[0], "nhsOrgPerson" in kinds[1], "nhsOrgPersonRole" in kinds[2]] == [True] * 3


@pytest.mark.parametrize("filter_text", ["(nhsMHSRetries=2)", "(nhsDateApproved=20180203040506)"])
def test_attributes_published_without_an_equality_rule_can_be_asked_for(served, filter_text):
    assert served.search("ou=Services,o=nhs", filter_text).entries


def test_codes_are_matched_by_case_as_published(served):
    assert served.search("ou=Services,o=nhs", "(nhsIDCode=a91342)").rdns == []
    assert served.search("ou=Organisations,o=nhs", "(uniqueIdentifier=a81001)").rdns == ["A81001"]


def test_unknown_attributes_in_a_filter_match_nothing_and_are_no_error(served):
    answer = served.search("ou=People,o=nhs", "(!(nhsNoSuchThing=1))")
    assert (answer.status, answer.rdns) == (0, [])
