"""Sessions and roles without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from app.domain.permission import Permission
from app.domain.permissions_policy import PermissionRule, PermissionsPolicy
from app.signin.session import ChosenRole, LiveSession, SessionLimits, SignedInPerson, actor_of
from app.signin.staff import CodedName, StaffRole
from app.signin.steps import roles_matching

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
POLICY = PermissionsPolicy(
    (PermissionRule("agent", frozenset({"R5090"}), frozenset({"B0274"}), frozenset({Permission.ISSUE_CARD})),)
)
PERSON = SignedInPerson(
    "555253521108", "Amara Osei", "c1", NOW, NOW, NOW, ChosenRole("1" * 12, "A81001", "R5090", ("B0274",))
)


def test_the_chosen_role_gives_its_permissions() -> None:
    actor = actor_of(PERSON, POLICY, "10.0.0.7", "r1")
    assert actor.permissions == {Permission.ISSUE_CARD}
    assert (actor.role_profile_id, actor.organisation_code, actor.address) == ("1" * 12, "A81001", "10.0.0.7")


def test_nothing_is_permitted_before_the_terms_are_accepted() -> None:
    assert actor_of(replace(PERSON, terms_accepted_at=None), POLICY, "", "").permissions == frozenset()


def test_nothing_is_permitted_without_a_role() -> None:
    assert actor_of(replace(PERSON, role=None), POLICY, "", "").permissions == frozenset()


def test_a_session_becomes_idle_after_its_limit() -> None:
    session = LiveSession("s", {}, NOW, NOW, NOW + timedelta(hours=10), PERSON)
    limits = SessionLimits(idle=timedelta(minutes=15))
    assert not session.is_idle(NOW + timedelta(minutes=15), limits)
    assert session.is_idle(NOW + timedelta(minutes=15, seconds=1), limits)


def test_use_is_noted_once_a_minute() -> None:
    session = LiveSession("s", {}, NOW, NOW, NOW + timedelta(hours=10), PERSON)
    assert not session.needs_noting(NOW + timedelta(seconds=60))
    assert session.needs_noting(NOW + timedelta(seconds=61))


def test_roles_are_found_by_every_word() -> None:
    practice = StaffRole(
        "1",
        "2",
        CodedName("A81001", "The Densham Surgery"),
        "Partner",
        CodedName("R8000", "Clinical"),
        (),
        (),
        (),
    )
    other = replace(practice, organisation=CodedName("A81002", "Queens Park"))
    assert roles_matching((practice, other), "densham clin") == (practice,)
    assert roles_matching((practice, other), "a81002") == (other,)
    assert roles_matching((practice, other), "partner densham") == (practice,)
    assert roles_matching((practice, other), "densham queens") == ()
