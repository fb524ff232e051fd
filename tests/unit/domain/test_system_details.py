"""What can be registered, and the sentence for what cannot."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.data import shipped
from app.domain.system_details import Endpoint, SystemDetails, require_usable
from app.errors import InvalidInput

INTERACTIONS = shipped.interactions()
PRESCRIBE = "urn:nhs:names:services:mm:PORX_IN020101UK31"
RELIABLE = {
    "retries": "2",
    "retry_interval": "PT1M",
    "persist_duration": "PT5M",
    "duplicate_elimination": "always",
    "ack_requested": "always",
    "sync_reply_mode": "MSHSignalsOnly",
    "actor": "urn:oasis:names:tc:ebxml-msg:actor:toPartyMSH",
}
ENDPOINT = Endpoint(PRESCRIBE, "EBXML", "https://mhs.practice.example/reliable", RELIABLE)
DETAILS = SystemDetails(
    "A81001", "Example", "1.0", "Prescribing", (PRESCRIBE,), manufacturer="YGM01", endpoint=(ENDPOINT,)
)


def problems(details: SystemDetails) -> dict[str, str]:
    with pytest.raises(InvalidInput) as refused:
        require_usable(details, INTERACTIONS)
    return refused.value.problems


def with_url(url: str) -> SystemDetails:
    return replace(DETAILS, endpoint=(replace(ENDPOINT, url=url),))


def with_reliability(**changes: str) -> SystemDetails:
    return replace(DETAILS, endpoint=(replace(ENDPOINT, reliability=RELIABLE | changes),))


def test_a_whole_system_is_usable_and_survives_being_stored():
    require_usable(DETAILS, INTERACTIONS)
    assert SystemDetails.of(DETAILS.as_json()) == DETAILS


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("organisation", "", "Enter the organisation's ODS code."),
        ("organisation", "a81001", "is no ODS code"),
        ("organisation", "A81001)(objectClass=*", "is no ODS code"),
        ("manufacturer", "x!", "is no ODS code"),
        ("product", "  ", "Enter the name of the product."),
        ("product", "a\nb", "line breaks"),
        ("product", "x" * 101, "100 characters"),
        ("version", "", "version"),
        ("description", "", "what the system is for"),
        ("interactions", (), "at least one"),
        ("interactions", ("urn:nhs:names:services:mm:PORX_IN020101UK3l",), "Check its spelling"),
        ("interactions", (PRESCRIBE, PRESCRIBE), "named twice"),
    ],
)
def test_each_mistake_gets_its_own_sentence_at_its_field(field, value, says):
    found = problems(replace(DETAILS, **{field: value}))
    assert list(found) == [field]
    assert says in found[field]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "begins with https"),
        ("http://mhs.practice.example/", "https://"),
        ("ldap://mhs.practice.example/", "https://"),
        ("https://practice/", "not fully qualified"),
        ("https://10.1.2.3/", "no IP address"),
        ("https://[::1]/", "no host name"),
        ("https://mhs..example/", "no host name"),
        ("https://-mhs.example/", "no host name"),
        ("https://mhs_1.example/", "no host name"),
        ("https://user:secret@mhs.practice.example/", "user name and password"),
        ("https://mhs.practice.example:99999/", "no web address"),
        ("https://mhs.practice.example/#part", "after #"),
        ("https://mhs.practice.example/a b", "without spaces"),
        ("https://mhs.practice.example/\nx", "without spaces"),
        ("https://praxis.exämple/", "plain characters"),
        (f"https://mhs.practice.example/{'x' * 300}", "at most 300"),
    ],
)
def test_an_address_that_nobody_should_be_sent_to_is_refused(url, says):
    found = problems(with_url(url))
    assert list(found) == ["endpoint.0.url"]
    assert says in found["endpoint.0.url"]


def test_a_port_and_letter_case_in_the_host_name_do_no_harm():
    require_usable(with_url("https://MHS.Practice.Example:4433/x?y=z"), INTERACTIONS)
    assert with_url("https://MHS.Practice.Example:4433/x").endpoint[0].fqdn == "mhs.practice.example"


@pytest.mark.parametrize("duration", ["PT1M", "P1DT2H", "PT2H30M", "P1Y2M3DT4H5M6S"])
def test_durations_of_iso_8601_are_taken(duration):
    require_usable(with_reliability(retry_interval=duration), INTERACTIONS)


@pytest.mark.parametrize("duration", ["", "P", "PT", "1M", "PT1", "P1DT", "pt1m", "PT1M ", "60", "PT1.5M"])
def test_what_is_no_duration_is_refused(duration):
    found = problems(with_reliability(persist_duration=duration))
    assert list(found) == ["endpoint.0.persist_duration"]
    assert "PT1M" in found["endpoint.0.persist_duration"]


@pytest.mark.parametrize("retries", ["", "-1", "x", "100", "1.0", "²"])
def test_retries_are_a_small_whole_number(retries):
    assert "0 to 99" in problems(with_reliability(retries=retries))["endpoint.0.retries"]


def test_only_ebxml_endpoints_are_reliable_and_unknown_members_are_refused():
    fhir = replace(DETAILS, endpoint=(replace(ENDPOINT, type="FHIR"),))
    assert set(problems(fhir)) == {f"endpoint.0.{name}" for name in RELIABLE}
    assert "There is no colour." in problems(with_reliability(colour="red"))["endpoint.0.colour"]
    unknown = replace(DETAILS, endpoint=(replace(ENDPOINT, type="SOAP", reliability={}),))
    assert "HL7, EBXML, FHIR" in problems(unknown)["endpoint.0.type"]


def test_an_interaction_has_one_endpoint():
    assert (
        "endpoint already"
        in problems(replace(DETAILS, endpoint=(ENDPOINT, ENDPOINT)))["endpoint.1.interaction"]
    )


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"organisation": "A81001", "colour": "red"},
        DETAILS.as_json() | {"product": 5},
        DETAILS.as_json() | {"interactions": [1]},
        DETAILS.as_json() | {"endpoint": [{"interaction": PRESCRIBE}]},
        DETAILS.as_json() | {"endpoint": [5]},
        DETAILS.as_json() | {"endpoint": [{**ENDPOINT.__dict__, "reliability": "no"}]},
    ],
)
def test_a_table_of_another_shape_is_refused_and_breaks_nothing(table):
    with pytest.raises(InvalidInput):
        SystemDetails.of(table)


def test_read_rights_are_stored_with_what_they_include_and_unknown_ones_refused():
    reads = SystemDetails.of(DETAILS.as_json() | {"reads": ["professional-numbers"]})
    assert reads.as_json()["reads"] == ["endpoints", "people", "professional-numbers"]
    assert SystemDetails.of(reads.as_json()) == reads
    for wrong in (["everything"], [{}], 5):
        with pytest.raises(InvalidInput):
            SystemDetails.of(DETAILS.as_json() | {"reads": wrong})
