"""The picture of a card's life, drawn from the table of moves: ``python -m app.card_life_picture``.

It writes ``docs/card-life-cycle.svg``. A test compares the file with the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import hypot
from pathlib import Path

from app.domain.card_move import MOVES, CardMove, Place
from app.domain.card_status import BLANK, LIVE, CardStatus

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "card-life-cycle.svg"

S = CardStatus
_WIDTH, _HEIGHT, _BOX_WIDTH, _BOX_HEIGHT = 1180, 640, 120, 40
#: Where each state's box has its middle.
_PLACES: dict[CardStatus, tuple[int, int]] = {
    S.STOCK: (90, 110),
    S.RECYCLED: (90, 270),
    S.ASSIGNED: (290, 110),
    S.PERSONALISED: (490, 110),
    S.ACTIVE: (720, 110),
    S.LOCKED: (620, 260),
    S.SUSPENDED: (820, 260),
    S.EXPIRING: (960, 110),
    S.EXPIRED: (1090, 260),
    S.CANCELLED: (300, 440),
    S.LOST: (485, 440),
    S.STOLEN: (670, 440),
    S.DAMAGED: (855, 440),
    S.FAULTY: (1040, 440),
    S.DESTROYED: (670, 580),
}
_COLOURS = {Place.PAGE: "#005eb8", Place.DESK: "#007f3b", Place.ISSUANCE: "#212b32", Place.CLOCK: "#7c2855"}
_WHO = {
    Place.PAGE: "decided on a page",
    Place.DESK: "worked at a desk",
    Place.ISSUANCE: "a step of issuing",
    Place.CLOCK: "comes with time",
}


@dataclass(frozen=True)
class _Box:
    """A rectangle by its middle; a state's, or that around several states."""

    x: float
    y: float
    width: float
    height: float

    def towards(self, other: _Box) -> tuple[float, float]:
        """Where a line from the middle to the other's middle leaves the box."""
        across, down = other.x - self.x, other.y - self.y
        scale = min(
            self.width / 2 / abs(across) if across else float("inf"),
            self.height / 2 / abs(down) if down else float("inf"),
        )
        return self.x + across * scale, self.y + down * scale


#: Sets of states that moves leave together: each is one frame, its words at its head.
_FRAMES: tuple[tuple[frozenset[CardStatus], str, _Box], ...] = (
    (LIVE | {S.EXPIRED}, "in use", _Box(855, 185, 600, 250)),
    (BLANK, "blank", _Box(90, 185, 150, 250)),
    (
        frozenset({S.CANCELLED, S.LOST, S.STOLEN, S.DAMAGED, S.FAULTY}),
        "ended",
        _Box(670, 440, 900, 90),
    ),
)


def picture() -> str:
    """The whole SVG."""
    parts = [*_frames(), *_arrows(), *_boxes(), *_key()]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
        ' aria-labelledby="title" font-family="Arial, sans-serif" font-size="12">\n'
        '<title id="title">The life of a card</title>\n'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>\n<defs>{_heads()}</defs>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _heads() -> str:
    return "".join(
        f'<marker id="{place.value}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"'
        f' orient="auto-start-reverse"><path d="M0 0 8 4 0 8z" fill="{colour}"/></marker>'
        for place, colour in _COLOURS.items()
    )


def _frames() -> Iterator[str]:
    for _, words, box in _FRAMES:
        left, top = box.x - box.width / 2, box.y - box.height / 2
        yield (
            f'<rect x="{left:g}" y="{top:g}" width="{box.width:g}" height="{box.height:g}" rx="8"'
            ' fill="#f0f4f5" stroke="#768692" stroke-dasharray="5 4"/>'
        )
        yield f'<text x="{left + 10:g}" y="{top + 18:g}" fill="#4c6272">{words}</text>'


def _boxes() -> Iterator[str]:
    for status, (x, y) in _PLACES.items():
        yield (
            f'<rect x="{x - _BOX_WIDTH // 2}" y="{y - _BOX_HEIGHT // 2}" width="{_BOX_WIDTH}"'
            f' height="{_BOX_HEIGHT}" rx="4" fill="#ffffff" stroke="#212b32" stroke-width="1.5"/>'
        )
        yield f'<text x="{x}" y="{y + 5}" text-anchor="middle" font-weight="bold">{status.value}</text>'


def _arrows() -> Iterator[str]:
    for move in MOVES:
        for start in _starts(move):
            yield from _arrow(start, _box_of(move.to), move)


def _starts(move: CardMove) -> Iterator[_Box]:
    """A move that leaves a whole frame is one arrow; what is left of its states has arrows of their own."""
    left = set(move.sources)
    for states, _, box in _FRAMES:
        if states <= left and move.to not in states:
            left -= states
            yield box
    yield from (_box_of(status) for status in CardStatus if status in left)


def _box_of(status: CardStatus) -> _Box:
    x, y = _PLACES[status]
    return _Box(x, y, _BOX_WIDTH, _BOX_HEIGHT)


def _from(start: _Box, end: _Box) -> tuple[float, float]:
    """From a wide frame arrows go straight down; from anything else towards the middle of the other."""
    if start.width > 4 * _BOX_WIDTH and end.y > start.y:
        widest = start.width / 2 - 20
        return min(max(end.x, start.x - widest), start.x + widest), start.y + start.height / 2
    return start.towards(end)


def _arrow(start: _Box, end: _Box, move: CardMove) -> Iterator[str]:
    (x1, y1), (x2, y2) = _from(start, end), end.towards(start)
    length = hypot(x2 - x1, y2 - y1) or 1
    # Bent to its left, so that there and back are two lines.
    bend = min(length * 0.16, 34)
    across, down = (x1 + x2) / 2 + (y2 - y1) / length * bend, (y1 + y2) / 2 - (x2 - x1) / length * bend
    colour = _COLOURS[move.place]
    yield (
        f'<path d="M{x1:.0f} {y1:.0f}Q{across:.0f} {down:.0f} {x2:.0f} {y2:.0f}" fill="none"'
        f' stroke="{colour}" stroke-width="1.2" marker-end="url(#{move.place.value})"/>'
    )
    middle_x, middle_y = (x1 + 2 * across + x2) / 4, (y1 + 2 * down + y2) / 4
    yield (
        f'<text x="{middle_x:.0f}" y="{middle_y - 3:.0f}" text-anchor="middle" fill="{colour}"'
        f' stroke="#ffffff" stroke-width="3" paint-order="stroke" font-size="11">{move.verb}</text>'
    )


def _key() -> Iterator[str]:
    for number, (place, words) in enumerate(_WHO.items()):
        x = 20 + 170 * number
        yield f'<rect x="{x}" y="20" width="14" height="4" fill="{_COLOURS[place]}"/>'
        yield f'<text x="{x + 20}" y="26">{words}</text>'


if __name__ == "__main__":
    PICTURE.write_text(picture())
