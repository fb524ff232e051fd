"""Which interactions go through the national intermediary, by the table that is shipped."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from app.fhir.found import FoundEndpoint
from app.fhir.intermediaries import Intermediaries
from app.fhir.looking_up import LookingUp, SourceRefuses
from app.fhir.queries import EndpointQuery

TABLE = tomllib.loads((Path(__file__).parents[3] / "config" / "intermediaries.toml").read_text())
GP2GP = "urn:nhs:names:services:gp2gp:RCMR_IN010000UK05"
RELIABLE = "urn:nhs:names:services:tms:ReliableIntermediary"
GP_CONNECT = "urn:nhs:names:services:gpconnect:fhir:rest:read:metadata-1"


class Listed:
    """The directory's side, as a list."""

    def __init__(self, *endpoints: FoundEndpoint) -> None:
        self.endpoints_listed = endpoints

    def devices(self, query: object) -> list[object]:
        return []

    def endpoints(self, query: EndpointQuery) -> list[FoundEndpoint]:
        asked = (query.organisation, query.interaction)
        return [each for each in self.endpoints_listed if (each.organisation, each.interaction) == asked]


OWN = FoundEndpoint("S1", "YES", RELIABLE, ("https://spine.example/reliable",))
PARTY = FoundEndpoint("S2", "L83002", GP2GP, ("https://practice.example/",))
DIRECT = FoundEndpoint("S3", "L83002", GP_CONNECT, ("https://practice.example/fhir",))


def addresses(intermediary: str, *listed: FoundEndpoint, of: FoundEndpoint = PARTY) -> list[tuple[str, ...]]:
    looking_up = LookingUp(Listed(*listed), Intermediaries.of(intermediary, TABLE))
    found = looking_up.endpoints(EndpointQuery(of.organisation, of.interaction))
    return [each.addresses for each in found]


def test_a_message_that_is_passed_on_goes_to_the_intermediary() -> None:
    assert addresses("yes", OWN, PARTY) == [OWN.addresses]


def test_other_interactions_and_the_intermediarys_own_go_where_they_are_registered() -> None:
    assert addresses("YES", OWN, DIRECT, of=DIRECT) == [DIRECT.addresses]
    assert addresses("YES", OWN, of=OWN) == [OWN.addresses]


def test_without_an_intermediary_everybody_is_reached_directly() -> None:
    assert addresses("", OWN, PARTY) == [PARTY.addresses]


def test_an_intermediary_that_is_not_registered_is_no_reason_to_guess() -> None:
    with pytest.raises(SourceRefuses, match="0 endpoints"):
        addresses("YES", PARTY)
