"""Counting cards: what a stock-take finds, and the second person who settles it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.errors import NotPermitted, Refusal


class TakeStatus(StrEnum):
    """Where a stock-take stands."""

    OPEN = "open"
    CLOSED = "closed"
    ABANDONED = "abandoned"


class FindingKind(StrEnum):
    """How what was seen differs from the ledger."""

    MISSING = "missing"
    SURPLUS = "surplus"
    WRONG_PLACE = "wrong_place"
    UNEXPECTED = "unexpected"


class Decision(StrEnum):
    """What becomes of a finding."""

    WRITE_OFF = "write_off"
    FOUND = "found"
    TAKE_IN = "take_in"
    MOVE_HERE = "move_here"
    LEAVE = "leave"


DECISIONS: Mapping[FindingKind, tuple[Decision, ...]] = {
    FindingKind.MISSING: (Decision.WRITE_OFF, Decision.FOUND),
    FindingKind.SURPLUS: (Decision.TAKE_IN, Decision.LEAVE),
    FindingKind.WRONG_PLACE: (Decision.MOVE_HERE, Decision.LEAVE),
    FindingKind.UNEXPECTED: (Decision.LEAVE,),
}
"""What may be decided about each kind of finding."""


class StockTakeNotOpen(Refusal):
    """The stock-take is closed or was abandoned."""

    code = "stock_take_not_open"


class StockTakeAlreadyOpen(Refusal):
    """Somebody counts at this place already."""

    code = "stock_take_already_open"


class FindingSettled(Refusal):
    """Somebody has settled the finding already."""

    code = "finding_settled"


class SettledByWhoRaisedIt(NotPermitted):
    """Whoever counted would decide on what the count found."""

    code = "settled_by_who_raised_it"


@dataclass(frozen=True)
class StockTake:
    """One count of the cards at a place.

    Attributes:
        expected: how many cards the ledger had there when the count was closed.
    """

    id: str
    place_id: str
    status: TakeStatus
    counted_by: str
    begun_at: datetime
    closed_at: datetime | None = None
    expected: int | None = None


@dataclass(frozen=True)
class Finding:
    """A difference between what was seen and the ledger.

    Attributes:
        place_id: where the card was missed or seen.
        stock_take_id: None when a desk presented the card, and no count found it.
    """

    id: str
    kind: FindingKind
    serial: str
    place_id: str
    raised_at: datetime
    raised_by: str
    stock_take_id: str | None = None
    decision: Decision | None = None
    settled_by: str | None = None
    settled_at: datetime | None = None
    note: str = ""

    @property
    def is_open(self) -> bool:
        """Whether nobody has decided on it yet."""
        return self.decision is None


def differences(
    place_id: str, expected: Collection[str], counted: Collection[str], places: Mapping[str, str]
) -> Iterator[tuple[FindingKind, str]]:
    """What the count of a place found, by serial.

    Args:
        expected: serials that the ledger has there.
        counted: serials that were seen there.
        places: where the ledger has each counted card that it knows.
    """
    for serial in sorted({*expected, *counted}):
        if serial not in counted:
            yield FindingKind.MISSING, serial
        elif serial not in places:
            yield FindingKind.SURPLUS, serial
        elif places[serial] != place_id:
            yield FindingKind.WRONG_PLACE, serial


def require_counting(take: StockTake, uid: str) -> None:
    """Refuse to add to a count that is over, or that somebody else makes.

    Raises:
        StockTakeNotOpen, NotPermitted
    """
    if take.status is not TakeStatus.OPEN:
        raise StockTakeNotOpen(f"This stock-take is {take.status.value}. Begin a new one to count again.")
    if take.counted_by != uid:
        raise NotPermitted("Somebody else makes this count. Only they can add to it or close it.")


def require_may_settle(finding: Finding, uid: str, decision: Decision) -> None:
    """Refuse a decision by whoever raised the finding, a second one, or one that does not fit.

    Raises:
        FindingSettled, SettledByWhoRaisedIt, Refusal
    """
    if not finding.is_open:
        raise FindingSettled("Somebody has settled this already. Nothing was changed.")
    if finding.raised_by == uid:
        raise SettledByWhoRaisedIt("A second person must decide on this: you raised it yourself.")
    if decision not in DECISIONS[finding.kind]:
        raise Refusal("That cannot be decided about this finding. Choose one of the answers of the page.")
