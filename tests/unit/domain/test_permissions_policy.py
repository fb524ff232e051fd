"""Job role and activities give permissions; the shipped mapping is read as it is."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from app.domain.permission import Permission
from app.domain.permissions_policy import PermissionsPolicy, parse

SHIPPED = Path(__file__).parents[3] / "config" / "permissions.toml"


@pytest.fixture(scope="module")
def policy() -> PermissionsPolicy:
    return parse(tomllib.loads(SHIPPED.read_text()))


def test_ra_staff_need_job_role_and_activity(policy: PermissionsPolicy) -> None:
    assert policy.permissions_of("R5080", []) == frozenset()
    assert policy.permissions_of("R8000", ["B0274"]) == frozenset()
    assert Permission.ISSUE_CARD in policy.permissions_of("R5090", ["B0274"])
    assert Permission.CREATE_POSITION in policy.permissions_of("R5080", ["B0274"])


def test_an_advanced_agent_may_create_positions_and_a_plain_one_may_not(policy: PermissionsPolicy) -> None:
    assert Permission.CREATE_POSITION in policy.permissions_of("R5090", ["B0272"])
    assert Permission.CREATE_POSITION not in policy.permissions_of("R5090", ["B0274"])


@pytest.mark.parametrize("activity", ["B1300", "B0002"])
def test_a_sponsor_asks_and_does_not_decide(policy: PermissionsPolicy, activity: str) -> None:
    permissions = policy.permissions_of("R8008", [activity])
    assert Permission.REQUEST_POSITION in permissions
    assert not permissions & {Permission.DECIDE_REQUEST, Permission.ISSUE_CARD, Permission.REGISTER_PERSON}


def test_an_id_checker_registers_and_gives_no_access(policy: PermissionsPolicy) -> None:
    permissions = policy.permissions_of("R8010", ["B0267"])
    assert Permission.REGISTER_PERSON in permissions
    assert Permission.DECIDE_REQUEST not in permissions


def test_no_rule_lets_one_role_both_ask_and_decide(policy: PermissionsPolicy) -> None:
    both = {Permission.REQUEST_POSITION, Permission.DECIDE_REQUEST}
    assert not [rule.name for rule in policy.rules if both <= rule.permissions]


def test_a_clinician_has_no_permission_here(policy: PermissionsPolicy) -> None:
    assert policy.permissions_of("R8000", ["B0420"]) == frozenset()


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        ({"name": "x", "job_roles": ["R1"], "permissions": ["cards.fly"]}, "cards.fly"),
        ({"name": "x", "job_role": ["R1"], "permissions": []}, "job_role"),
        ({"name": "x", "permissions": ["people.find"]}, "everybody"),
    ],
)
def test_a_wrong_rule_is_named(rule: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        parse({"rule": [rule]})


def test_a_rule_whose_codes_are_assumed_gives_nothing_in_production(policy: PermissionsPolicy) -> None:
    """The activity of the local smartcard administrator is not published; its holder may be anybody."""
    assumed = [rule for rule in policy.rules if rule.is_assumed]
    assert [rule.name for rule in assumed] == ["Local smartcard administrator"]
    [code] = assumed[0].activities
    unlocks = {Permission.FIND_PEOPLE, Permission.UNLOCK_CARD, Permission.RENEW_CARD}
    assert policy.permissions_of("R8008", [code]) == unlocks
    production = parse(tomllib.loads(SHIPPED.read_text()), with_assumed=False)
    assert production.permissions_of("R8008", [code]) == frozenset()
    assert production.permissions_of("R8008", ["B1300"]) == policy.permissions_of("R8008", ["B1300"])
