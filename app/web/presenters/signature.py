"""What is shown of a verdict on a signature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.signatures.verdict import Verdict
from app.web.presenters.wording import Cell, Row, TableOf, Tag, grouped, moment


@dataclass(frozen=True)
class VerdictPage:
    """A verdict in words: one sentence, what is wrong, what else to know, the facts."""

    tag: Tag
    sentence: str
    reasons: TableOf
    notes: Sequence[str]
    facts: tuple[Row, ...]

    @classmethod
    def of(cls, verdict: Verdict) -> VerdictPage:
        """The page of one verdict."""
        rows = tuple((Cell(each.failing.value), Cell(each.explanation)) for each in verdict.reasons)
        return cls(
            tag=Tag("Valid", "green") if verdict.is_valid else Tag("Not valid", "red"),
            sentence=_sentence(verdict),
            reasons=TableOf("Why it is not valid", ("Text", "Explanation"), rows),
            notes=verdict.notes,
            facts=_facts(verdict),
        )


def _sentence(verdict: Verdict) -> str:
    if verdict.is_valid:
        return "This prescription was signed with this card and was not changed since."
    return "Do not rely on this signature."


def _facts(verdict: Verdict) -> tuple[Row, ...]:
    facts = [Row("Signed", moment(verdict.signed_at))] if verdict.signed_at else []
    if verdict.signer:
        facts += [
            Row("Signer", verdict.signer.name),
            Row("User id", grouped(verdict.signer.uid)),
            Row("Certificate", verdict.signer.serial_number),
        ]
    return (*facts, Row("Checked", moment(verdict.verified_at)))
