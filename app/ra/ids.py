"""New ids: 12 digits with a check digit where other systems see them, otherwise random."""

from __future__ import annotations

from uuid import uuid4

from app.domain.uuid import id_of
from app.ra.ports import Work

SPINE_ID = "spine_id"
# Published ids begin with 1, 2, 4, 5, 6 and 9; ours begin with 7, so that none is taken for a real one.
_FIRST = 710_000_000


def new_id(work: Work) -> str:
    """The next free 12-digit id; people, places, role profiles and positions share one series."""
    return id_of(_FIRST + work.sequences.next(SPINE_ID))


def new_record_id() -> str:
    """A random id for a record of our own, e.g. a request or an issuance."""
    return str(uuid4())
