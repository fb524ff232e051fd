"""What a new data folder gets before its programs start for the first time. Later starts do not load this."""

from __future__ import annotations

from pathlib import Path

from app.bootstrap.founding import founding_ceremony
from app.service.card_delivery import deliver_first_cards
from app.service.layout import Layout
from app.service.look_ups import prepare_look_ups
from app.service.preflight import CannotStart
from app.service.preparation import prepare
from app.service.system_certificates import order_system_certificates
from app.service.telling import Terminal
from app.service.whole import public_files
from app.settings import Settings
from app.storage.database import Database


def begin(settings: Settings, layout: Layout, database: Database, terminal: Terminal) -> None:
    """Make what is missing. Every step can be killed and is done again.

    Raises:
        CannotStart: the database is another folder's.
    """
    _require_own_database(settings, layout, database)
    prepare(settings, database, terminal)
    deliver_first_cards(layout, database, terminal)
    with terminal.step("Certificates of the accredited systems"):
        order_system_certificates(settings, database, layout.systems)
        prepare_look_ups(settings, database, layout)


def _require_own_database(settings: Settings, layout: Layout, database: Database) -> None:
    """Check that the database was not founded with another data folder's CA keys.

    Raises:
        CannotStart
    """
    if founding_ceremony(database).is_founded() and not all(map(Path.exists, public_files(settings))):
        raise CannotStart(
            f"The database {settings.database.url} holds a registration authority whose CA keys are not in"
            f" {settings.ca.folder}. Start it with its own data folder, or give an empty database and begin"
            f" again: {layout.command} --fresh --database-url URL"
        )
