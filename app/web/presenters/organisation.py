"""What the pages of organisations show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.domain.organisation import Organisation, OrganisationStatus, OrganisationSummary
from app.domain.position import Position
from app.web.presenters.position import CodeNames, Reference
from app.web.presenters.wording import Cell, Row, TableOf, Tag, counted, day, sentence


def organisations_table(found: Sequence[OrganisationSummary], text: str, base: str) -> TableOf:
    """Organisations that a search found; each links to ``base/<code>``."""
    return TableOf(
        f"{counted(len(found), 'organisation')} found for “{text}”",
        ("Name", "Code", "Kind", "Postcode", "State"),
        tuple(
            (
                Cell(each.name, href=f"{base}/{each.code}"),
                Cell(each.code),
                Cell(each.kind),
                Cell(each.postcode),
                Cell(tag=_tag(each.status)),
            )
            for each in found
        ),
        when_empty="Check the spelling, or search by code or postcode.",
    )


def _tag(status: OrganisationStatus) -> Tag:
    return Tag(sentence(status), "green" if status is OrganisationStatus.ACTIVE else "grey")


@dataclass(frozen=True)
class OrganisationPage:
    """One organisation and its positions; ``positions`` is None for those who may not see them."""

    name: str
    details: tuple[Row, ...]
    positions: TableOf | None
    create_href: str
    batch_href: str

    @classmethod
    def of(
        cls,
        organisation: Organisation,
        positions: Sequence[Position] | None,
        names: Mapping[str, str],
        reference: Reference,
        *,
        may_create: bool,
        may_issue: bool,
    ) -> OrganisationPage:
        """The page for one actor. ``names`` are of the parent and successor, as far as they are listed."""
        is_open = organisation.status is OrganisationStatus.ACTIVE
        return cls(
            name=organisation.name,
            details=_details(organisation, names),
            positions=None if positions is None else positions_table(positions, reference),
            create_href=f"/organisations/{organisation.code}/positions/new" if may_create and is_open else "",
            batch_href=f"/batches/choose?organisation={organisation.code}" if may_issue else "",
        )


def _details(organisation: Organisation, names: Mapping[str, str]) -> tuple[Row, ...]:
    address = ", ".join(part for part in (*organisation.address, organisation.postcode) if part)
    rows = (
        Row("Code", organisation.code, tag=_tag(organisation.status)),
        Row("Kind", organisation.kind),
        Row("Address", address),
        Row("Telephone", organisation.telephone),
        Row("Opened", day(organisation.opened_on)),
        Row("Closed", day(organisation.closed_on)),
        _linked("Belongs to", organisation.parent_code, names),
        _linked("Succeeded by", organisation.successor_code, names),
    )
    return tuple(row for row in rows if row.value)


def _linked(key: str, code: str | None, names: Mapping[str, str]) -> Row:
    if code is not None and code in names:
        return Row(key, f"{names[code]} ({code})", href=f"/organisations/{code}")
    return Row(key, code or "")


def positions_table(positions: Sequence[Position], reference: Reference) -> TableOf:
    """Positions, with the job roles that they give."""
    job_role = CodeNames(reference)
    return TableOf(
        "Positions",
        ("Name", "Job roles", "State"),
        tuple(
            (
                Cell(position.name, href=f"/positions/{position.id}"),
                Cell("; ".join(job_role(profile.job_role_code) for profile in position.access_profiles)),
                Cell(tag=Tag(sentence(position.status), "green" if position.status == "open" else "grey")),
            )
            for position in positions
        ),
        when_empty="There is no position here yet.",
    )
