"""What the pages of positions show, and what their form offers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from app.domain.position import AccessProfile, Position
from app.web.presenters.wording import Cell, Row, TableOf, Tag, day, moment, sentence


class NamedCode(Protocol):
    """A national code with its name."""

    @property
    def code(self) -> str: ...
    @property
    def name(self) -> str: ...


class Reference(Protocol):
    """The national tables of job roles and activities in force today."""

    def job_roles(self) -> Sequence[NamedCode]: ...
    def activities(self) -> Sequence[NamedCode]: ...


@dataclass(frozen=True)
class PositionChoices:
    """What the form offers: job roles and activities by name, with their codes."""

    job_roles: tuple[dict[str, str], ...]
    activities: tuple[dict[str, str], ...]


def position_choices(reference: Reference) -> PositionChoices:
    """The national tables as choices, sorted by name."""
    return PositionChoices(_choices(reference.job_roles()), _choices(reference.activities()))


def _choices(codes: Sequence[NamedCode]) -> tuple[dict[str, str], ...]:
    return tuple(
        {"value": each.code, "text": f"{each.name} ({each.code})"}
        for each in sorted(codes, key=lambda each: each.name)
    )


class CodeNames:
    """Names of codes; a code without a name stands for itself."""

    def __init__(self, reference: Reference) -> None:
        self._of = {each.code: each.name for each in (*reference.job_roles(), *reference.activities())}

    def __call__(self, code: str) -> str:
        name = self._of.get(code)
        return f"{name} ({code})" if name else code


@dataclass(frozen=True)
class PositionPage:
    """One position."""

    name: str
    details: tuple[Row, ...]
    access_profiles: TableOf

    @classmethod
    def of(cls, position: Position, organisation_name: str, reference: Reference) -> PositionPage:
        """The page of a position at an organisation."""
        return cls(
            name=position.name,
            details=_details(position, organisation_name),
            access_profiles=access_profiles_table(position, reference),
        )


def access_profiles_table(position: Position, reference: Reference) -> TableOf:
    """What a position gives, with the names of the national codes."""
    names = CodeNames(reference)
    return TableOf(
        "What the position gives",
        ("Job role", "Additional activities", "Workgroups", "Organisation"),
        tuple(_profile_row(profile, position, names) for profile in position.access_profiles),
    )


def _details(position: Position, organisation_name: str) -> tuple[Row, ...]:
    approval = position.approval
    return (
        Row("Organisation", organisation_name, href=f"/organisations/{position.organisation_code}"),
        Row("State", tag=Tag(sentence(position.status), "green" if position.status == "open" else "grey")),
        Row("Notes", position.notes or "None"),
        Row("Approved by", approval.approved_by),
        Row("Approved", day(approval.approved_on)),
        Row("Written down in", approval.reference),
        Row("Created", moment(position.created_at)),
    )


def _profile_row(profile: AccessProfile, position: Position, names: CodeNames) -> tuple[Cell, ...]:
    return (
        Cell(names(profile.job_role_code)),
        Cell(", ".join(names(code) for code in profile.activity_codes) or "None"),
        Cell(", ".join(profile.workgroups) or "None"),
        Cell(profile.organisation_code or position.organisation_code),
    )


def position_radios(positions: Sequence[Position], reference: Reference) -> list[dict[str, object]]:
    """Open positions to choose from, each with the job roles that it gives."""
    names = CodeNames(reference)
    return [
        {
            "value": position.id,
            "text": position.name,
            "hint": "; ".join(names(profile.job_role_code) for profile in position.access_profiles),
        }
        for position in positions
        if position.status == "open"
    ]
