"""How deliveries of cards are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.stock_delivery import Delivery, DeliveryStatus, DeliverySummary
from app.web.presenters.wording import Cell, Row, TableOf, Tag, counted, moment, moment_cell

_TAGS = {
    DeliveryStatus.PREVIEWED: Tag("To be decided", "blue"),
    DeliveryStatus.APPLIED: Tag("Taken in", "green"),
    DeliveryStatus.DISCARDED: Tag("Thrown away", "grey"),
}
_CARDS_SHOWN = 50


@dataclass(frozen=True)
class DeliveryPage:
    """One delivery: what the list would bring, or brought, and what of it is refused and why."""

    href: str
    tag: Tag
    what_now: str
    waiting: str
    may_decide: bool
    may_apply: bool
    details: tuple[Row, ...]
    cards: TableOf
    refused: TableOf | None

    @classmethod
    def of(cls, delivery: Delivery, place_name: str) -> DeliveryPage:
        """The page of a delivery."""
        is_open = delivery.status is DeliveryStatus.PREVIEWED
        return cls(
            href=f"/card-stock/deliveries/{delivery.id}",
            tag=_TAGS[delivery.status],
            what_now=_what_now(delivery),
            waiting=f"Taking {counted(len(delivery.cards), 'card')} into stock. This takes some seconds.",
            may_decide=is_open,
            may_apply=is_open and bool(delivery.cards),
            details=_details(delivery, place_name),
            cards=_cards(delivery),
            refused=_refused(delivery) if delivery.refused else None,
        )


def deliveries_table(deliveries: Sequence[DeliverySummary]) -> TableOf:
    """The newest deliveries."""
    rows = tuple(
        (
            Cell(each.file_name, href=f"/card-stock/deliveries/{each.id}"),
            Cell(each.supplier),
            moment_cell(each.handed_in_at),
            Cell(f"{each.cards:,}"),
            Cell(f"{each.refused:,}"),
            Cell(tag=_TAGS[each.status]),
        )
        for each in deliveries
    )
    heads = ("List", "Supplier", "Handed in", "Cards", "Refused lines", "State")
    return TableOf("Lists handed in", heads, rows, "No list has been handed in.")


def _what_now(delivery: Delivery) -> str:
    cards = counted(len(delivery.cards), "card")
    refused = counted(len(delivery.refused), "line")
    if delivery.status is DeliveryStatus.APPLIED:
        return f"{cards} taken into stock. {refused} refused."
    if delivery.status is DeliveryStatus.DISCARDED:
        return "The list was thrown away. Nothing of it was taken into stock."
    if not delivery.cards:
        return "No card of this list can be taken into stock. See why below, and throw it away."
    return (
        f"Nothing has been changed yet. {cards} would be taken into stock, {refused} would not. Compare the"
        " number with the box, then take the cards in or throw the list away."
    )


def _details(delivery: Delivery, place_name: str) -> tuple[Row, ...]:
    decided = f"{moment(delivery.decided_at)} by {delivery.decided_by}" if delivery.decided_at else ""
    rows = (
        Row("List", delivery.file_name),
        Row("Supplier", delivery.supplier),
        Row("Goes to", place_name),
        Row("Handed in", f"{moment(delivery.handed_in_at)} by {delivery.handed_in_by}"),
        Row("SHA-256", delivery.digest),
        Row("Decided", decided),
    )
    return tuple(row for row in rows if row.value)


def _cards(delivery: Delivery) -> TableOf:
    rows = tuple(
        (Cell(each.serial), Cell(each.card_profile), Cell(each.back_number))
        for each in delivery.cards[:_CARDS_SHOWN]
    )
    number = len(delivery.cards)
    caption = "Cards" if number <= _CARDS_SHOWN else f"Cards: the first {_CARDS_SHOWN} of {number:,}"
    return TableOf(caption, ("Card", "Card profile", "Back number"), rows, "No card.")


def _refused(delivery: Delivery) -> TableOf:
    rows = tuple(
        (Cell(f"{each.line}" if each.line else ""), Cell(each.row), Cell(each.reason))
        for each in delivery.refused
    )
    return TableOf("Refused lines", ("Line", "Begins with", "Why"), rows)
