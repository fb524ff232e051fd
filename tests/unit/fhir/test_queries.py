"""The parameters of look-ups, as strangers send them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.fhir import identifiers
from app.fhir.queries import DeviceQuery, EndpointQuery, QueryNotUsable

ORGANISATION = f"{identifiers.ORGANISATION}|L83002"
INTERACTION = f"{identifiers.INTERACTION}|urn:nhs:names:services:gp2gp:RCMR_IN010000UK05"
PARTY_KEY = f"{identifiers.PARTY_KEY}|L83002-800001"
SUPPLIER = f"{identifiers.ORGANISATION}|YGM01"


def test_a_device_is_asked_for_by_organisation_interaction_party_key_and_supplier() -> None:
    query = DeviceQuery.from_untrusted(
        {
            "organization": [ORGANISATION],
            "identifier": [PARTY_KEY, INTERACTION],
            "manufacturing-organization": [SUPPLIER],
        }
    )
    assert query == DeviceQuery(
        "L83002", "urn:nhs:names:services:gp2gp:RCMR_IN010000UK05", "L83002-800001", "YGM01"
    )


def test_codes_in_small_letters_and_with_spaces_around_them_are_taken() -> None:
    query = EndpointQuery.from_untrusted(
        {
            "organization": [f"{identifiers.ORGANISATION}| l83002 "],
            "identifier": [PARTY_KEY.lower().replace("mhspartykey", "MhsPartyKey").replace("id/", "Id/")],
        }
    )
    assert query == EndpointQuery("L83002", "", "L83002-800001")


@pytest.mark.parametrize(
    "parameters",
    [
        {"identifier": [INTERACTION]},
        {"organization": [ORGANISATION]},
        {"organization": [ORGANISATION], "identifier": [PARTY_KEY]},
        {"organization": ["L83002"], "identifier": [INTERACTION]},
        {"organization": [f"{identifiers.ORGANISATION}|"], "identifier": [INTERACTION]},
        {"organization": [f"{identifiers.ORGANISATION}|{'9' * 201}"], "identifier": [INTERACTION]},
        {"organization": [ORGANISATION, ORGANISATION], "identifier": [INTERACTION]},
        {"organization": [ORGANISATION], "identifier": [INTERACTION, INTERACTION]},
        {"organization": [ORGANISATION], "identifier": [INTERACTION], "manufacturing_organization": ["X"]},
        {"organization": [ORGANISATION], "identifier": [INTERACTION], "manufacturing-organization": ["X"]},
        {"organization": [PARTY_KEY], "identifier": [INTERACTION]},
    ],
)
def test_a_device_query_that_would_be_answered_wrongly_is_refused(parameters: dict[str, list[str]]) -> None:
    with pytest.raises(QueryNotUsable):
        DeviceQuery.from_untrusted(parameters)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"organization": [ORGANISATION]},
        {"identifier": [INTERACTION]},
        {"identifier": [PARTY_KEY]},
        {
            "organization": [ORGANISATION],
            "identifier": [INTERACTION],
            "manufacturing-organization": [SUPPLIER],
        },
    ],
)
def test_an_endpoint_is_asked_for_by_two_things_at_least(parameters: dict[str, list[str]]) -> None:
    with pytest.raises(QueryNotUsable):
        EndpointQuery.from_untrusted(parameters)


@pytest.mark.parametrize(
    "parameters",
    [
        {"organization": [ORGANISATION], "identifier": [INTERACTION]},
        {"organization": [ORGANISATION], "identifier": [PARTY_KEY]},
        {"identifier": [INTERACTION, PARTY_KEY]},
        {"organization": [ORGANISATION], "identifier": [INTERACTION, PARTY_KEY], "_format": ["json"]},
    ],
)
def test_every_pair_finds_an_endpoint(parameters: dict[str, list[str]]) -> None:
    EndpointQuery.from_untrusted(parameters)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["organization", "identifier", "manufacturing-organization", "other"]),
        st.lists(
            st.one_of(
                st.text(alphabet="|aZ /:é\0\udc80", max_size=12),
                st.sampled_from([ORGANISATION, INTERACTION, PARTY_KEY]),
            ),
            max_size=3,
        ),
    )
)
def test_whatever_is_sent_is_read_or_refused(parameters: dict[str, list[str]]) -> None:
    for query in (DeviceQuery, EndpointQuery):
        with contextlib.suppress(QueryNotUsable):
            query.from_untrusted(parameters)
