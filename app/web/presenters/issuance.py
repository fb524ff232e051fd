"""What the pages of a card being issued show, and the message that keeps the open page up to date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from app.domain.actor import Actor
from app.domain.issuance import IssuanceStatus
from app.domain.issuance_terms import TEMPORARY_REASONS, IssuanceTerms
from app.domain.permission import Permission
from app.ra.records import IssuanceRecord
from app.web.presenters.job_steps import StepShown, steps_shown
from app.web.presenters.states import issuance_tag
from app.web.presenters.wording import Cell, Row, TableOf, Tag, day, moment, moment_cell

_SO_PIN_ESCROWED = "so_pin_escrowed"
_ACTIVATED = "activated"
#: What the desk calls its steps when one of them fails, in words (``card_agent.progress.IssueStep``).
_AT_THE_DESK = {
    "collect": "Opening at the desk",
    "record_intention": "Approving with the operator's card, and choosing the card",
    "initialise": "Erasing the card and setting its PIN",
    "generate_keys": "Making keys on the card",
    "request_certificates": "Proving that the card holds the keys",
    "certify": "Signing the certificates",
    "write_certificates": "Writing the certificates on the card",
    "read_back": "Reading the certificates back",
    "complete": "Checking the card",
}
#: The steps of every card in order, in words.
_STAGES = {
    "begun": "Begun",
    "opened_at_the_desk": "Opened at the desk",
    "approved": "Approved with the operator's card",
    _SO_PIN_ESCROWED: "Card chosen, and its security officer's PIN kept safely",
    "keys_presented": "Keys made on the card",
    "certified": "Certificates signed",
    _ACTIVATED: "Card checked and active",
}
_WHAT_NOW = {
    IssuanceStatus.BEGUN: "Have the person with you. Put your own card in one reader and a new card in "
    "the other, then open the desk. It asks for your PIN; then the person chooses theirs.",
    IssuanceStatus.APPROVED: "The founding has approved the card. Put a new card in a reader, then open the "
    "desk; the person chooses a PIN.",
    IssuanceStatus.PERSONALISING: "The card is being made at the desk. If the desk has stopped, open it and "
    "go on with the same card: it is begun afresh, and the person chooses a PIN again.",
    IssuanceStatus.CERTIFIED: "The certificates are signed and must be written on the card. Open the desk "
    "and go on with the same card. The person enters the PIN that they chose; if it is forgotten, undo.",
    IssuanceStatus.ACTIVE: "The card is issued and works. Give it to the person: they can sign in now.",
}

#: What differs for a card that is issued locked.
_WHAT_NOW_LOCKED = {
    IssuanceStatus.BEGUN: "The person need not be there. Put your own card in one reader and a new card in "
    "the other, then open the desk. It asks for your PIN. The card gets a PIN that nobody knows.",
    IssuanceStatus.PERSONALISING: "The card is being made at the desk. If the desk has stopped, open it and "
    "go on with the same card: it is begun afresh.",
    IssuanceStatus.CERTIFIED: "The certificates are signed and must be written on the card. Go on at the "
    "desk that began. If it has stopped, nobody knows the card's PIN any more: undo, and take another card.",
    IssuanceStatus.ACTIVE: "The card is issued, locked. Keep it safe until the person comes, then unlock it: "
    "they choose their PIN.",
}


@dataclass(frozen=True)
class IssuancePage:
    """One card being issued."""

    heading: str
    href: str
    person_href: str
    status: str
    version: str
    status_tag: Tag
    what_now: str
    details: tuple[Row, ...]
    steps: tuple[StepShown, ...]
    is_open: bool
    may_go_to_desk: bool
    may_undo: bool
    undo_summary: str = "Undo: the person does not get this card"
    undo_label: str = "Why the card is not being issued"
    person_link: str = "Go to the person's page"
    is_own: bool = False
    print_href: str = ""

    @classmethod
    def of(cls, record: IssuanceRecord, actor: Actor) -> IssuancePage:
        """The page of one issuance as it stands, for one actor."""
        is_operator = record.operator is not None and record.operator.uid == actor.uid
        return cls(
            heading=f"Card for {record.holder.name}",
            href=f"/issuances/{record.id}",
            person_href=f"/people/{record.holder.uid}",
            status=record.status.value,
            version=_version(record),
            status_tag=issuance_tag(record.status),
            what_now=_what_now(record, is_operator),
            details=_details(record),
            steps=_steps(record),
            is_open=record.status.is_open,
            may_go_to_desk=record.status.is_open and is_operator,
            may_undo=record.status.is_open and actor.uid != record.holder.uid,
            print_href=_print_href(record, actor),
        )


def _print_href(record: IssuanceRecord, actor: Actor) -> str:
    """Where the finished card is printed; empty for who may not print it."""
    may_print = Permission.PRINT_CARD in actor.permissions and actor.uid != record.holder.uid
    is_finished = record.status is IssuanceStatus.ACTIVE and record.card_serial is not None
    if not (may_print and is_finished):
        return ""
    return f"/people/{record.holder.uid}/cards/{record.card_serial}/print"


def _steps(record: IssuanceRecord) -> tuple[StepShown, ...]:
    return steps_shown(record.steps, _STAGES, _AT_THE_DESK, is_open=record.status.is_open)


def _what_now(record: IssuanceRecord, is_operator: bool) -> str:
    if record.status is IssuanceStatus.UNDONE:
        return _after_undoing(record)
    if record.status.is_open and not is_operator:
        return f"{_operator(record)} began this card and must go on with it. Undo it to begin your own."
    if record.terms.is_locked:
        return _WHAT_NOW_LOCKED.get(record.status, _WHAT_NOW[record.status])
    return _WHAT_NOW[record.status]


def _after_undoing(record: IssuanceRecord) -> str:
    """What to do with the card depends on whether it was touched (``app/ra/issuing.py``)."""
    again = "If the person still needs a card, begin again on their page."
    if record.card_serial is None:
        return f"Undone. No card was used. {again}"
    if any(step.name == _SO_PIN_ESCROWED for step in record.steps):
        put_aside = "may hold keys and certificates that are not valid: put it aside and do not give it out."
        return f"Undone. Card {record.card_serial} {put_aside} {again}"
    return f"Undone. Nothing was written on card {record.card_serial}: it is blank stock again. {again}"


def _operator(record: IssuanceRecord) -> str:
    return record.operator.name if record.operator else "The founding ceremony"


def _version(record: IssuanceRecord) -> str:
    """Changes whenever something was added: steps are only ever appended."""
    return str(len(record.steps))


def _details(record: IssuanceRecord) -> tuple[Row, ...]:
    return (
        Row("For", record.holder.name, href=f"/people/{record.holder.uid}"),
        Row("Issued by", _operator(record)),
        Row("Card", record.card_serial or ("Chosen at the desk" if record.status.is_open else "None")),
        *_terms_rows(record.terms),
        Row("Begun", moment(record.begun_at)),
    )


def _terms_rows(terms: IssuanceTerms) -> tuple[Row, ...]:
    rows = (
        Row("PIN", "Issued locked: set when the card is unlocked" if terms.is_locked else ""),
        Row("Can be used from", day(terms.usable_from)),
        Row("Temporary access card", f"{terms.temporary_hours} hours" if terms.temporary_hours else ""),
        Row("Why", TEMPORARY_REASONS.get(terms.temporary_reason or "", "")),
    )
    return tuple(row for row in rows if row.value)


def progress_message(record: IssuanceRecord) -> dict[str, Any]:
    """The steps as JSON for the script that keeps the page up to date."""
    return {
        "status": record.status.value,
        "version": _version(record),
        "steps": [asdict(step) for step in _steps(record)],
    }


def open_issuances_table(records: Sequence[IssuanceRecord]) -> TableOf:
    """The cards that are not finished."""
    return TableOf(
        "Not finished",
        ("For", "Issued by", "Card", "Begun", "State"),
        tuple(
            (
                Cell(record.holder.name, href=f"/issuances/{record.id}"),
                Cell(_operator(record)),
                Cell(record.card_serial or "Not chosen yet"),
                moment_cell(record.begun_at),
                Cell(tag=issuance_tag(record.status)),
            )
            for record in records
        ),
        when_empty="No card is being issued at the moment.",
    )
