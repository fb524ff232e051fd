"""What the page of a card job shows. Whoever adds a kind adds its words to ``WORDS``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from app.domain.actor import Actor
from app.domain.card_job import JobKind, JobStatus
from app.ra.records import CardJobRecord
from app.web.presenters.job_steps import StepShown, steps_shown
from app.web.presenters.states import job_tag
from app.web.presenters.wording import Row, Tag, moment


@dataclass(frozen=True)
class JobWords:
    """How the page speaks of one kind of job.

    Attributes:
        heading: ``{name}`` is the holder's.
        before, after: what to do next while it is open, and once it is done.
        stages: every step of the kind in order, by its name in the record.
    """

    heading: str
    before: str
    after: str
    stages: Mapping[str, str]


_ALL = {"begun": "Begun", "opened_at_the_desk": "Opened at the desk"}
_APPROVED = {"approved": "Approved with the operator's card"}

WORDS: dict[JobKind, JobWords] = {
    JobKind.UNLOCK: JobWords(
        "Unlock the card of {name}",
        "Have the person with you. Put your own card in one reader and their locked card in the other, then "
        "open the desk. It asks for your PIN; then the person chooses a new one.",
        "The card is unlocked. The person can sign in with the new PIN now.",
        _ALL
        | _APPROVED
        | {
            "so_pin_released": "SO PIN released to this desk",
            "next_so_pin_escrowed": "The card's next SO PIN put in escrow",
            "unlocked": "New PIN set on the card",
        },
    ),
    JobKind.CLEAR: JobWords(
        "Clear the card of {name}",
        "Put the card in a reader, and your own card in the other, then open the desk. The card is erased "
        "and shows that its keys are gone.",
        "The card is blank stock again. It can be issued to anybody.",
        _ALL | {"cleared": "Erased, with nothing left on it"},
    ),
}
_RENEWED = {
    "keys_presented": "New keys made on the card",
    "approved": "Signed for these keys",
    "certified": "Certificates signed",
    "in_use": "New certificates used, old ones withdrawn",
    "old_keys_removed": "Old keys removed from the card",
}
WORDS[JobKind.RENEW] = JobWords(
    "Renew the card of {name}",
    "Put the card in a reader, and the card of whoever signs in the other, then open the desk. It asks for "
    "the PINs and does the rest. The card goes on working until the new certificates are in use.",
    "The card is renewed. Its PIN is the same as before.",
    _ALL | _RENEWED,
)
WORDS[JobKind.REPAIR] = JobWords(
    "Repair the card of {name}",
    "Have the person with you, put their card in a reader and open the desk. They enter their PIN, and "
    "the certificates are written on the card again.",
    "The card carries its certificates again. The person can sign in with it.",
    _ALL | {"repaired": "Certificates put back on the card"},
)
WORDS[JobKind.EXPORT] = JobWords(
    "Export the SO PIN of the card of {name}",
    "Have the second RA manager with you, put your card in a reader and open the desk; theirs comes next. "
    "The desk shows the SO PIN once. When the card is back, open the desk again: it gets another one.",
    "This export is over. If the card got another SO PIN, what was shown is worth nothing now.",
    _ALL
    | {
        "approved": "Signed by both",
        "so_pin_released": "SO PIN released to this desk",
        "so_pin_exported": "SO PIN shown at the desk",
        "so_pin_changed": "The card has another SO PIN",
    },
)
WORDS[JobKind.CHANGE_SO_PIN] = JobWords(
    "Change what unlocks the card of {name}",
    "Put the card in a reader and open the desk. It asks for the PIN once; the PIN stays the same.",
    "This is done. If the card got another SO PIN, what was seen is worth nothing now.",
    _ALL
    | {
        "approved": "Signed with the card itself",
        "so_pin_released": "SO PIN released to this desk",
        "next_so_pin_escrowed": "The card's next SO PIN put in escrow",
        "so_pin_changed": "The card has another SO PIN",
    },
)
_UNNAMED = JobWords("Card of {name}", "Open the desk and go on there.", "This is done.", _ALL)


@dataclass(frozen=True)
class CardJobPage:
    """One card job. The template is that of a card being issued."""

    heading: str
    href: str
    person_href: str
    person_link: str
    is_own: bool
    status: str
    version: str
    status_tag: Tag
    what_now: str
    details: tuple[Row, ...]
    steps: tuple[StepShown, ...]
    is_open: bool
    may_go_to_desk: bool
    may_undo: bool
    undo_summary: str = "Give this up"
    undo_label: str = "Why it is given up"
    print_href: str = ""

    @classmethod
    def of(cls, record: CardJobRecord, actor: Actor) -> CardJobPage:
        """The page of one job as it stands, for one actor."""
        is_own = record.holder.uid == actor.uid
        is_theirs = record.operator.uid == actor.uid if record.operator else is_own
        return cls(
            heading=_words(record).heading.format(name=record.holder.name),
            href=f"/card-jobs/{record.id}",
            person_href="/my" if is_own else f"/people/{record.holder.uid}",
            person_link="Go to my page" if is_own else "Go to the person's page",
            is_own=is_own,
            status=record.status.value,
            version=_version(record),
            status_tag=job_tag(record.status),
            what_now=record.must_go_on or _what_now(record, is_theirs),
            details=_details(record),
            steps=_steps(record),
            is_open=record.status.is_open,
            may_go_to_desk=record.status.is_open and (is_theirs or bool(record.must_go_on)),
            may_undo=record.status.is_open and not record.must_go_on and (is_theirs or not is_own),
        )


def _words(record: CardJobRecord) -> JobWords:
    return WORDS.get(record.kind, _UNNAMED)


def _what_now(record: CardJobRecord, is_theirs: bool) -> str:
    if record.status is JobStatus.UNDONE:
        return "This was given up. Begin again if it is still needed."
    if record.status.is_open and not is_theirs:
        return f"{_by(record)} began this and must go on with it. Give it up to begin your own."
    return _words(record).before if record.status.is_open else _words(record).after


def _by(record: CardJobRecord) -> str:
    return record.operator.name if record.operator else record.holder.name


def _version(record: CardJobRecord) -> str:
    """Changes whenever something was added: steps are only ever appended."""
    return str(len(record.steps))


def _steps(record: CardJobRecord) -> tuple[StepShown, ...]:
    return steps_shown(record.steps, _words(record).stages, is_open=record.status.is_open)


def _details(record: CardJobRecord) -> tuple[Row, ...]:
    return (
        Row("For", record.holder.name),
        Row("Begun by", _by(record)),
        Row("Card", record.card_serial),
        Row("Begun", moment(record.begun_at)),
    )


def job_progress_message(record: CardJobRecord) -> dict[str, Any]:
    """The steps as JSON for the script that keeps the page up to date."""
    return {
        "status": record.status.value,
        "version": _version(record),
        "steps": [asdict(step) for step in _steps(record)],
    }
