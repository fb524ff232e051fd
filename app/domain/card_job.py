"""A card job: what is done with a card at a desk besides issuing it. Each kind has its own use case.

::

    begun ─► approved ─► done
      └─────────┴─► undone

``docs/card-jobs.md`` says how a kind is added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from app.domain.desk_record import DeskRecord
from app.domain.json_value import JsonValue
from app.errors import NotPermitted, Refusal


class JobKind(StrEnum):
    """What is done."""

    UNLOCK = "unlock"
    RENEW = "renew"
    REPAIR = "repair"
    CLEAR = "clear"
    EXPORT = "export"
    CHANGE_SO_PIN = "change_so_pin"


class JobStatus(StrEnum):
    """Where a job stands."""

    BEGUN = "begun"
    APPROVED = "approved"
    DONE = "done"
    UNDONE = "undone"

    @property
    def is_open(self) -> bool:
        """Whether it can go on or be undone."""
        return self in (JobStatus.BEGUN, JobStatus.APPROVED)


class CannotWorkOnOwnCard(NotPermitted):
    """The operator would be the holder."""

    code = "cannot_work_on_own_card"


class JobAlreadyOpen(Refusal):
    """The card is in another open job of that kind."""

    code = "job_already_open"


class JobNotOpen(Refusal):
    """The job is done or was undone."""

    code = "job_not_open"


class JobStepOutOfOrder(Refusal):
    """A step came before the one it needs, or after one that fixed its outcome."""

    code = "job_step_out_of_order"


class AlreadySigned(Refusal):
    """Somebody signs the same job a second time."""

    code = "already_signed"


@dataclass(frozen=True)
class JobApproval:
    """A signature, with the content-commitment key of somebody's own card, over what the job shall do.

    Attributes:
        signer_uid: never the holder; the database refuses that too.
        statement: the bytes that were signed.
        certificate: DER.
    """

    signer_uid: str
    statement: bytes
    signature: bytes
    certificate: bytes


@dataclass(frozen=True, kw_only=True)
class CardJob(DeskRecord):
    """A job as it is stored.

    Attributes:
        operator_uid: who began it for somebody else; None when it is the holder's own.
        card_serial: the card it is about; from the beginning.
        facts: what the kind must remember from step to step; JSON, never a secret.
    """

    kind: JobKind
    status: JobStatus
    facts: Mapping[str, JsonValue] = field(default_factory=dict)


def require_open(job: CardJob) -> None:
    """Refuse to go on with a job that is done or undone.

    Raises:
        JobNotOpen
    """
    if not job.status.is_open:
        raise JobNotOpen(f"This is already {job.status.value}. Begin again if it is still needed.")


def require_job_status(job: CardJob, *allowed: JobStatus) -> None:
    """Refuse a step that does not belong at this point.

    Raises:
        JobNotOpen, JobStepOutOfOrder
    """
    if job.status in allowed:
        return
    require_open(job)
    raise JobStepOutOfOrder(f"The job is {job.status.value}; this step belongs elsewhere. Open it again.")


def require_other_than_holder(operator_uid: str, holder_uid: str) -> None:
    """Refuse to let somebody work on their own card as its operator.

    Raises:
        CannotWorkOnOwnCard
    """
    if operator_uid == holder_uid:
        raise CannotWorkOnOwnCard("You cannot do this with your own card. Ask a colleague who may do it.")
