"""What a check of a receipt can come to besides right and wrong."""

from __future__ import annotations


class NotVerified(str):
    """A sentence of a check that found nothing wrong, and could not look at everything."""


class DoesNotApply(Exception):
    """The receipt has nothing that this check is about."""
