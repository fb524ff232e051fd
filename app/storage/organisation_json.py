"""Organisations and memberships as JSON, as previews of loads keep them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from datetime import date
from typing import Any

from app.domain.organisation import Membership, Organisation, OrganisationStatus

_DATES = ("opened_on", "closed_on", "joined_on", "left_on", "legal_from", "legal_until")
_LISTS = ("address", "role_codes")
_NAMES = [each.name for each in fields(Organisation)]


def organisation_as_json(organisation: Organisation | None) -> dict[str, Any] | None:
    """Plain values; None for none."""
    if organisation is None:
        return None
    values = {name: getattr(organisation, name) for name in _NAMES}
    dates = {name: _text_of(values[name]) for name in _DATES}
    lists = {name: list(values[name]) for name in _LISTS}
    return values | dates | lists | {"status": organisation.status.value}


def organisation_of_json(values: Mapping[str, Any] | None) -> Organisation | None:
    """What ``organisation_as_json`` was made of."""
    if values is None:
        return None
    dates = {name: _date_of(values[name]) for name in _DATES}
    lists = {name: tuple(values[name]) for name in _LISTS}
    return Organisation(**{**values, **dates, **lists, "status": OrganisationStatus(values["status"])})


def memberships_as_json(memberships: Iterable[Membership] | None) -> list[dict[str, Any]] | None:
    """Plain values; None for none."""
    if memberships is None:
        return None
    return [
        asdict(each) | {"joined_on": _text_of(each.joined_on), "left_on": _text_of(each.left_on)}
        for each in memberships
    ]


def memberships_of_json(values: Iterable[Mapping[str, Any]] | None) -> tuple[Membership, ...] | None:
    """What ``memberships_as_json`` was made of."""
    if values is None:
        return None
    return tuple(
        Membership(
            each["organisation_code"],
            each["parent_code"],
            each["kind"],
            date.fromisoformat(each["joined_on"]),
            _date_of(each["left_on"]),
        )
        for each in values
    )


def _text_of(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _date_of(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
