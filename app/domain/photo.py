"""The photo on a card: its frame, and which part of a picture goes into it."""

from __future__ import annotations

from dataclasses import dataclass

#: The frame on the card: 4 wide to 5 high, in pixels.
FRAME = (480, 600)
#: The largest file taken, in bytes.
LARGEST_FILE_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Crop:
    """Which part of a picture is kept; without more, its middle.

    Attributes:
        zoom: percent; 100 keeps as much as the frame's shape allows, 400 a quarter of that width and height.
        across: percent; 0 keeps the left edge, 50 the middle, 100 the right edge.
        down: percent; 0 keeps the top edge, 50 the middle, 100 the bottom edge.
    """

    zoom: int = 100
    across: int = 50
    down: int = 50

    def box(self, width: int, height: int) -> tuple[float, float, float, float]:
        """The part kept of a picture of this size: left, top, right, bottom, in pixels."""
        frame_width, frame_height = FRAME
        scale = min(width / frame_width, height / frame_height) * 100 / self.zoom
        kept_width, kept_height = frame_width * scale, frame_height * scale
        left = (width - kept_width) * self.across / 100
        top = (height - kept_height) * self.down / 100
        return left, top, min(left + kept_width, width), min(top + kept_height, height)


MIDDLE = Crop()
