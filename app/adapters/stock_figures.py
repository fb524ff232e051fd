"""The stock of cards as figures."""

from __future__ import annotations

from collections.abc import Iterator

from app.domain import figures
from app.domain.figures import Figure
from app.ra.stocking_cards import StockState


def stock_figures(state: StockState) -> Iterator[Figure]:
    """Blank cards where they are kept, and what nobody has settled, so that nothing missing reads as 0."""
    for each in state.places:
        if each.place.is_kept:
            yield Figure(figures.STOCK_BLANK, each.blank, (each.place.name,))
            yield Figure(figures.STOCK_LOW, float(each.is_low), (each.place.name,))
    for kind, number in state.open_counts.items():
        yield Figure(figures.STOCK_FINDINGS, number, (kind.value,))
