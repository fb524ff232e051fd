"""Names beside codes and ids: from stored values to the records that pages show."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from app.domain.card import Card
from app.domain.issuance import CardIssuance
from app.domain.person import Person, PersonSummary
from app.domain.request import AccessRequest
from app.domain.role_profile import RoleProfile
from app.ra.ports import Work
from app.ra.records import (
    CardRecord,
    IssuanceRecord,
    PersonReference,
    RequestSummary,
    RoleRecord,
)


def person_summary(person: Person, why: str = "") -> PersonSummary:
    """The person as a list shows them."""
    return PersonSummary(person.uid, person.name, person.date_of_birth, person.email, person.status, why)


class Names:
    """Names of people and organisations, looked up once."""

    def __init__(
        self, work: Work, uids: Collection[str | None] = (), organisation_codes: Collection[str] = ()
    ) -> None:
        self._people = work.people.names([uid for uid in uids if uid is not None])
        self._organisations = work.organisations.names(organisation_codes)

    def person(self, uid: str) -> PersonReference:
        """The person's name, or the id when it is not a person's."""
        return PersonReference(uid, self._people.get(uid, uid))

    def organisation(self, code: str) -> str:
        """The organisation's name, or the code."""
        return self._organisations.get(code, code)


def request_summaries(work: Work, requests: Sequence[AccessRequest]) -> list[RequestSummary]:
    """Requests with the names of people, positions and organisations."""
    uids = {uid for each in requests for uid in (each.subject_uid, each.requested_by, each.taken_by)}
    names = Names(work, uids, [each.organisation_code for each in requests])
    positions = work.positions.names([each.position_id for each in requests])
    return [_request_summary(work, names, positions, request) for request in requests]


def _request_summary(
    work: Work, names: Names, positions: dict[str, str], request: AccessRequest
) -> RequestSummary:
    taken_by = request.taken_by_at(work.now)
    return RequestSummary(
        id=request.id,
        subject=names.person(request.subject_uid),
        position_id=request.position_id,
        position_name=positions.get(request.position_id, request.position_id),
        organisation_code=request.organisation_code,
        organisation_name=names.organisation(request.organisation_code),
        starts_on=request.starts_on,
        ends_on=request.ends_on,
        status=request.status,
        requested_by=names.person(request.requested_by),
        requested_at=request.requested_at,
        taken_by=names.person(taken_by) if taken_by else None,
    )


def role_records(work: Work, profiles: Sequence[RoleProfile]) -> tuple[RoleRecord, ...]:
    """Role profiles with the names of organisations, positions, job roles and activities."""
    names = Names(work, (), [profile.organisation_code for profile in profiles])
    positions = work.positions.names([profile.position_id for profile in profiles])
    return tuple(
        RoleRecord(
            profile=profile,
            organisation_name=names.organisation(profile.organisation_code),
            position_name=positions.get(profile.position_id, profile.position_id),
            job_role_name=_job_role_name(work, profile.job_role_code),
            activities=_named(work, profile.activity_codes),
            resolved=_named(work, work.rbac.resolve(profile.job_role_code, profile.activity_codes)),
        )
        for profile in profiles
    )


def _job_role_name(work: Work, code: str) -> str:
    job_role = work.rbac.job_role(code)
    return job_role.name if job_role else code


def _named(work: Work, activity_codes: Iterable[str]) -> tuple[tuple[str, str], ...]:
    return tuple((code, _activity_name(work, code)) for code in activity_codes)


def _activity_name(work: Work, code: str) -> str:
    activity = work.rbac.activity(code)
    return activity.name if activity else code


def card_records(work: Work, cards: Iterable[Card]) -> tuple[CardRecord, ...]:
    """Cards with their certificates, of which those of an earlier holder are no longer shown."""
    return tuple(
        CardRecord(
            card,
            tuple(each for each in work.certificates.of_card(card.serial) if each.uid == card.holder_uid),
        )
        for card in cards
    )


def issuance_record(work: Work, issuance: CardIssuance) -> IssuanceRecord:
    """An issuance with the names of holder and operator."""
    names = Names(work, (issuance.uid, issuance.operator_uid))
    return IssuanceRecord(
        id=issuance.id,
        holder=names.person(issuance.uid),
        operator=names.person(issuance.operator_uid) if issuance.operator_uid else None,
        status=issuance.status,
        steps=issuance.steps,
        card_serial=issuance.card_serial,
        begun_at=issuance.begun_at,
        finished_at=issuance.finished_at,
        terms=issuance.terms,
    )
