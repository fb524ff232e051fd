"""New ids: 12 digits with a check digit where other systems see them, otherwise random."""

from __future__ import annotations

from typing import Protocol
from uuid import uuid4

from app.domain.uuid import id_of
from app.ra.repositories import Sequences

SPINE_ID = "spine_id"
# Published ids begin with 1, 2, 4, 5, 6 and 9; ours begin with 7, so that none is taken for a real one.
FIRST_ID = 710_000_000


class Work(Protocol):
    """One open transaction."""

    @property
    def sequences(self) -> Sequences: ...


def new_id(work: Work) -> str:
    """The next free 12-digit id; people, places, role profiles and positions share one series."""
    return id_of(FIRST_ID + work.sequences.next(SPINE_ID))


def new_record_id() -> str:
    """A random id for a record of our own, e.g. a request or an issuance."""
    return str(uuid4())
