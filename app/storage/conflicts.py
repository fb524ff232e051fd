"""A constraint said no: what two transactions at once did becomes the refusal that the second one gets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError

from app.errors import Refusal


@contextmanager
def conflict_means(refusal: Refusal) -> Iterator[None]:
    """Turn a violated constraint of the statements inside into the refusal."""
    try:
        yield
    except IntegrityError as violated:
        raise refusal from violated
