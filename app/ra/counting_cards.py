"""Stock-takes: count the cards at a place by serial number, and have a second person settle what differs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.domain.actor import Actor
from app.domain.card import BLANK, Card, CardStatus
from app.domain.permission import Permission
from app.domain.stock import MISSING, Place, PostingKind, StockCard, require_movable
from app.domain.stock_take import (
    DECISIONS,
    Decision,
    Finding,
    StockTake,
    TakeStatus,
    differences,
    require_counting,
    require_may_settle,
)
from app.errors import InvalidInput, NotFound, NotPermitted
from app.ra.ids import new_record_id
from app.ra.stocking_cards import require_kept_place
from app.ra.stocking_ports import Database, Work

SHOWN = 50


@dataclass(frozen=True)
class TakePage:
    """A stock-take: what was counted so far, and what it found.

    Attributes:
        expected: how many cards the ledger has there now; when it is closed, had there then.
        names: of people, by id.
    """

    take: StockTake
    place: Place
    counted: Sequence[str]
    expected: int
    findings: Sequence[Finding]
    names: Mapping[str, str]


@dataclass(frozen=True)
class FindingPage:
    """A finding with what may be decided about it, and where the ledger has the card; empty when nowhere."""

    finding: Finding
    place: Place
    recorded: str
    decisions: Sequence[Decision]
    names: Mapping[str, str]


class CountingCards:
    """Counts cards.

    Args:
        card_profile: of a card that is taken in because a count found it.
    """

    def __init__(self, database: Database, card_profile: str) -> None:
        self._database = database
        self._card_profile = card_profile

    def begin(self, actor: Actor, place_id: str) -> str:
        """Begin to count at a place; the stock-take's id.

        Raises:
            NotPermitted, InvalidInput, StockTakeAlreadyOpen
        """
        take_id = new_record_id()
        with self._database.audited(actor, "stock_take.begun", take_id, place=place_id) as work:
            actor.require(Permission.KEEP_STOCK)
            require_kept_place(work, place_id, "place")
            take = StockTake(take_id, place_id, TakeStatus.OPEN, actor.uid, work.now)
            work.stock_takes.add(take, actor.role_profile_id)
            return take_id

    def count(self, actor: Actor, take_id: str, serials: Sequence[str]) -> int:
        """Note cards that are there; how many of them were not noted before.

        Raises:
            NotPermitted, NotFound, StockTakeNotOpen
        """
        with self._database.audited(actor, "stock_take.counted", take_id, seen=len(serials)) as work:
            actor.require(Permission.KEEP_STOCK)
            require_counting(_take(work, take_id, to_change=True), actor.uid)
            return work.stock_takes.count(take_id, serials, work.now)

    def uncount(self, actor: Actor, take_id: str, serial: str) -> None:
        """Take back a serial number that was entered by mistake.

        Raises:
            NotPermitted, NotFound, StockTakeNotOpen
        """
        with self._database.audited(actor, "stock_take.corrected", take_id, serial=serial) as work:
            actor.require(Permission.KEEP_STOCK)
            require_counting(_take(work, take_id, to_change=True), actor.uid)
            work.stock_takes.uncount(take_id, serial)

    def close(self, actor: Actor, take_id: str) -> int:
        """End the count: what differs becomes findings; how many there are.

        Raises:
            NotPermitted, NotFound, StockTakeNotOpen
        """
        with self._database.audited(actor, "stock_take.closed", take_id) as work:
            actor.require(Permission.KEEP_STOCK)
            take = _take(work, take_id, to_change=True)
            require_counting(take, actor.uid)
            expected, counted = work.stock.serials_at(take.place_id), work.stock_takes.counted(take_id)
            places = {each.card.serial: each.place.id for each in work.stock.cards(counted)}
            found = list(differences(take.place_id, expected, counted, places))
            work.stock_findings.add(found, take.place_id, actor.uid, take_id)
            work.stock_takes.end(take_id, TakeStatus.CLOSED, work.now, len(expected))
            work.audit.details(expected=len(expected), counted=len(counted), findings=len(found))
            return len(found)

    def abandon(self, actor: Actor, take_id: str) -> None:
        """End the count without any finding.

        Raises:
            NotPermitted, NotFound, StockTakeNotOpen
        """
        with self._database.audited(actor, "stock_take.abandoned", take_id) as work:
            actor.require(Permission.KEEP_STOCK)
            take = _take(work, take_id, to_change=True)
            if take.status is not TakeStatus.OPEN or Permission.CONFIRM_STOCK not in actor.permissions:
                require_counting(take, actor.uid)
            work.stock_takes.end(take_id, TakeStatus.ABANDONED, work.now, None)

    def takes(self, actor: Actor) -> list[StockTake]:
        """The newest stock-takes. Raises NotPermitted."""
        actor.require(Permission.KEEP_STOCK)
        with self._database.read() as work:
            return work.stock_takes.newest(SHOWN)

    def take(self, actor: Actor, take_id: str) -> TakePage:
        """One stock-take.

        Raises:
            NotPermitted, NotFound
        """
        actor.require(Permission.KEEP_STOCK)
        with self._database.read() as work:
            take = _take(work, take_id)
            place = work.stock_places.get(take.place_id)
            assert place is not None
            expected = len(work.stock.serials_at(place.id)) if take.expected is None else take.expected
            findings = work.stock_findings.of_take(take_id)
            uids = {take.counted_by, *(each.settled_by for each in findings if each.settled_by)}
            names = work.people.names(uids)
            return TakePage(take, place, work.stock_takes.counted(take_id), expected, findings, names)

    def finding(self, actor: Actor, finding_id: str) -> FindingPage:
        """One finding.

        Raises:
            NotPermitted, NotFound
        """
        actor.require(Permission.KEEP_STOCK)
        with self._database.read() as work:
            finding = _required(work.stock_findings.get(finding_id))
            place = work.stock_places.get(finding.place_id)
            assert place is not None
            recorded = work.stock.card(finding.serial)
            may_settle = Permission.CONFIRM_STOCK in actor.permissions and actor.uid != finding.raised_by
            decisions = DECISIONS[finding.kind] if finding.is_open and may_settle else ()
            names = work.people.names({finding.raised_by, finding.settled_by or finding.raised_by})
            return FindingPage(finding, place, recorded.place.name if recorded else "", decisions, names)

    def settle(self, actor: Actor, finding_id: str, decision: Decision, note: str) -> None:
        """Decide on a finding; never whoever raised it. What it moves is posted in the same transaction.

        Raises:
            NotPermitted, SettledByWhoRaisedIt, NotFound, FindingSettled, CannotMoveCard, InvalidInput
        """
        with self._database.audited(actor, "stock_finding.settled", finding_id) as work:
            actor.require(Permission.CONFIRM_STOCK)
            finding = _required(work.stock_findings.get_to_settle(finding_id))
            require_may_settle(finding, actor.uid, decision)
            if not note.strip():
                raise InvalidInput({"note": "Say what was found out."})
            _CARRY_OUT.get(decision, _nothing)(work, finding, self._card_profile)
            work.stock_findings.settle(finding_id, decision, actor, note.strip()[:500])
            work.audit.details(
                serial=finding.serial,
                kind=finding.kind.value,
                decision=decision.value,
                note=note.strip()[:500],
            )


def _take(work: Work, take_id: str, *, to_change: bool = False) -> StockTake:
    take = work.stock_takes.get_to_change(take_id) if to_change else work.stock_takes.get(take_id)
    if take is None:
        raise NotFound("There is no such stock-take.")
    return take


def _required(finding: Finding | None) -> Finding:
    if finding is None:
        raise NotFound("There is no such finding.")
    return finding


def _nothing(work: Work, finding: Finding, card_profile: str) -> None:
    """Nothing moves: the ledger is right."""


def _write_off(work: Work, finding: Finding, card_profile: str) -> None:
    card = _card(work, finding)
    if card.place.id != finding.place_id:
        raise NotPermitted(
            f"Card {finding.serial} has moved since the count: by the ledger it is in another place. Decide"
            " that it was found."
        )
    note = "missing at a stock-take, written off"
    work.stock.post(PostingKind.WRITTEN_OFF, [finding.serial], MISSING, note=note, reference=finding.id)


def _take_in(work: Work, finding: Finding, card_profile: str) -> None:
    if work.cards.known([finding.serial]):
        raise NotPermitted(f"Card {finding.serial} is known by now. Leave the ledger as it is.")
    work.cards.add_delivered([Card(finding.serial, card_profile, None, CardStatus.STOCK, work.now)])
    note = "surplus at a stock-take, taken in"
    work.stock.post(PostingKind.TAKEN_IN, [finding.serial], finding.place_id, note=note, reference=finding.id)


def _move_here(work: Work, finding: Finding, card_profile: str) -> None:
    card, here = _card(work, finding), work.stock_places.get(finding.place_id)
    assert here is not None
    if not (card.place.id == MISSING and card.card.status in BLANK):
        require_movable(card.card, card.place, here)
    note = "seen at a stock-take"
    work.stock.post(PostingKind.FOUND, [finding.serial], here.id, note=note, reference=finding.id)


def _card(work: Work, finding: Finding) -> StockCard:
    (card,) = work.stock.cards([finding.serial], to_change=True)
    return card


_CARRY_OUT: Mapping[Decision, Callable[[Work, Finding, str], None]] = {
    Decision.WRITE_OFF: _write_off,
    Decision.TAKE_IN: _take_in,
    Decision.MOVE_HERE: _move_here,
}
