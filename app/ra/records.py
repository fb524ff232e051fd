"""What the use cases answer: values that carry all that a page shows, with names beside codes and ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from app.domain.card import Card, CardStatus
from app.domain.card_job import JobKind, JobStatus
from app.domain.certificate import CardCertificate
from app.domain.desk_record import JobStep
from app.domain.evidence import Evidence
from app.domain.issuance import IssuanceStatus
from app.domain.issuance_terms import IssuanceTerms
from app.domain.person import Person, PersonSummary
from app.domain.position import Position
from app.domain.professional_registration import ProfessionalRegistration
from app.domain.request import RequestStatus
from app.domain.role_profile import RoleProfile


@dataclass(frozen=True)
class PersonReference:
    """Somebody by id and name."""

    uid: str
    name: str


@dataclass(frozen=True)
class PeopleFound:
    """What a search found. ``notice`` is a sentence about what was typed, e.g. a mistyped id."""

    people: list[PersonSummary]
    notice: str | None = None


@dataclass(frozen=True)
class RoleRecord:
    """A role profile with its names.

    ``activities`` are (code, name) of the additional activities; ``resolved`` of everything that the role
    may do today: the baseline of its job role, the additional activities and those that they include.
    """

    profile: RoleProfile
    organisation_name: str
    position_name: str
    job_role_name: str
    activities: tuple[tuple[str, str], ...]
    resolved: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class CardRecord:
    """A card with every certificate that was ever issued for it to its present holder."""

    card: Card
    certificates: tuple[CardCertificate, ...]


@dataclass(frozen=True)
class RequestSummary:
    """A request as a list shows it. ``taken_by`` is who is working on it now."""

    id: str
    subject: PersonReference
    position_id: str
    position_name: str
    organisation_code: str
    organisation_name: str
    starts_on: date
    ends_on: date | None
    status: RequestStatus
    requested_by: PersonReference
    requested_at: datetime
    taken_by: PersonReference | None


@dataclass(frozen=True)
class RequestRecord:
    """A request with all its details and its decision.

    ``subject_needs_card`` says that the person has no working card and none is being issued.
    """

    summary: RequestSummary
    reason: str
    position: Position
    taken_until: datetime | None
    decided_by: PersonReference | None
    decided_at: datetime | None
    decision_note: str | None
    subject_needs_card: bool


@dataclass(frozen=True)
class IssuanceRecord:
    """A card issuance as the page shows it. ``operator`` is None when the founding ceremony approved it."""

    id: str
    holder: PersonReference
    operator: PersonReference | None
    status: IssuanceStatus
    steps: tuple[JobStep, ...]
    card_serial: str | None
    begun_at: datetime
    finished_at: datetime | None
    terms: IssuanceTerms


@dataclass(frozen=True)
class CardJobRecord:
    """A card job as the page shows it.

    Attributes:
        operator: None when it is the holder's own.
        must_go_on: why it can only be finished, by anybody who may, and what to do; empty when it can be
            given up.
    """

    id: str
    kind: JobKind
    holder: PersonReference
    operator: PersonReference | None
    status: JobStatus
    steps: tuple[JobStep, ...]
    card_serial: str
    begun_at: datetime
    finished_at: datetime | None
    must_go_on: str


@dataclass(frozen=True)
class EndingCard:
    """A card whose certificates end soon."""

    holder: PersonReference
    card_serial: str
    status: CardStatus
    ends_at: datetime


@dataclass(frozen=True)
class PersonRecord:
    """Everything about one person. ``roles`` include past and future ones; newest cards first."""

    person: Person
    evidence: tuple[Evidence, ...]
    registrations: tuple[ProfessionalRegistration, ...]
    roles: tuple[RoleRecord, ...]
    requests: tuple[RequestSummary, ...]
    cards: tuple[CardRecord, ...]
    open_issuance: IssuanceRecord | None


@dataclass(frozen=True)
class ClaimedJob:
    """A claimed job as the desk gets it (JSON), and the secret with which the desk goes on."""

    job: Mapping[str, object]
    job_token: str
