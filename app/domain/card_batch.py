"""A batch: many cards issued one after another at one desk, each as an issuance of its own.

They are issued locked, with nobody there; or the holders come to the desk, and each chooses their PIN there.

The batch only says who gets a card and which issuance that became; how far a card is stands in its issuance.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.domain.batch_list import LeftOut
from app.domain.desk_record import DeskRecord
from app.domain.issuance_terms import IssuanceTerms
from app.errors import Refusal


class BatchClosed(Refusal):
    """The batch was closed: no desk goes on with it."""

    code = "batch_closed"


class NobodyToPassOver(Refusal):
    """Nobody's turn is waiting at the desk, or their card is being made already."""

    code = "nobody_to_pass_over"


@dataclass(frozen=True, kw_only=True)
class CardBatch(DeskRecord):
    """A batch as it is stored. Its cards have many holders, so ``uid`` is its operator's.

    Attributes:
        title: what the operator calls it.
        usable_from: the first day of everybody in it; None when their cards may be used at once.
        left_out: the lines of its list for which no card is made, each with the reason.
        holders_present: each holder comes to the desk and chooses their PIN; otherwise the cards end locked.
    """

    title: str
    usable_from: date | None = None
    left_out: tuple[LeftOut, ...] = ()
    holders_present: bool = False

    @property
    def terms(self) -> IssuanceTerms:
        """How each of its cards is issued."""
        return IssuanceTerms(is_locked=not self.holders_present, usable_from=self.usable_from)


@dataclass(frozen=True)
class BatchItem:
    """One person of a batch.

    Attributes:
        position: from 1, in the order in which the desk comes to them.
        issuance_id: the latest issuance; None before the desk came to it.
        refused: why no card was made, as a sentence; empty otherwise.
    """

    batch_id: str
    position: int
    uid: str
    issuance_id: str | None = None
    refused: str = ""
