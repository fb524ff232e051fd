"""What the FHIR look-ups need at a first start: a system's certificate of their own, and a key to try."""

from __future__ import annotations

from app.bootstrap.api_keys import look_up_keys
from app.service.layout import Layout
from app.service.trial_keys import give_key
from app.settings import Settings
from app.storage.database import Database

ORGANISATION, PRODUCT = "15N", "Spine RA look-ups"
"""The look-ups in ``config/systems.toml``."""
_TRIAL = "a key to try, made at the first start"


def prepare_look_ups(settings: Settings, database: Database, layout: Layout) -> None:
    """Name the look-ups' certificate as the settings do, and make a key. Harmless when done already.

    Raises:
        Unavailable: the database cannot be used.
    """
    with database.read() as work:
        system = work.systems.accredited_system_of(ORGANISATION, PRODUCT)
    assert system is not None, "config/systems.toml has the look-ups"
    for ending in ("pem", "key"):
        link = layout.systems / f"look-ups.{ending}"
        link.unlink(missing_ok=True)
        link.symlink_to(f"{system.asid}.{ending}")
    give_key(look_up_keys(settings), _TRIAL, layout.look_ups_key)
