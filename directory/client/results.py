"""What the directory tells about people's roles and systems' endpoints."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Coded:
    """A code and its name, e.g. ``B0420`` and ``Prepare a prescription``. The name may be empty."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Role:
    """A role profile of a person.

    Attributes:
        id: 12-digit role profile id.
        organisation: where it counts: ODS code and name.
        job_role: short code and name.
        job_role_code: as published, three parts where they are known: ``S8000:G8000:R8003``.
        activities: codes of all that the role allows, however it came by them. This decides.
        granted: the activities given in addition to the job role's baseline.
        starts_at, ends_at: UTC; the end is the first moment without the role. None is open.
    """

    id: str
    organisation: Coded
    job_role: Coded
    job_role_code: str
    activities: frozenset[str]
    granted: tuple[Coded, ...]
    areas_of_work: tuple[Coded, ...]
    workgroups: tuple[Coded, ...]
    starts_at: datetime | None
    ends_at: datetime | None

    def is_held(self, moment: datetime) -> bool:
        """Whether the role is held at ``moment``, which needs a time zone."""
        return (self.starts_at is None or self.starts_at <= moment) and (
            self.ends_at is None or moment < self.ends_at
        )


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and how an organisation receives one interaction.

    Attributes:
        address: URL, or the root of a FHIR service.
        id: of the message handling system; cpa_id: of its collaboration protocol agreement.
        retries, retry_interval, persist_duration, duplicate_elimination, ack_requested, sync_reply, actor:
            ebXML reliability as published; empty where nothing is. The durations are ISO 8601.
    """

    address: str
    organisation: str
    interaction: str
    party_key: str
    id: str
    cpa_id: str
    fqdn: str
    retries: str
    retry_interval: str
    persist_duration: str
    duplicate_elimination: str
    ack_requested: str
    sync_reply: str
    actor: str


_OPEN_START = "00010101000000Z"
_OPEN_END = "99991231235959Z"


def moment_from(generalized_time: str) -> datetime | None:
    """A moment as the directory writes it (RFC 4517 section 3.3.13, always in UTC); None stands for open.

    Raises:
        ValueError: it is written otherwise.
    """
    if generalized_time in (_OPEN_START, _OPEN_END):
        return None
    return datetime.strptime(generalized_time, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def coded(pair: str) -> Coded:
    """Code and name out of one value, ``B0420 Prepare a prescription``."""
    code, _, name = pair.partition(" ")
    return Coded(code, name)
