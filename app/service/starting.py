"""A start in order: check, prepare what is missing, start the programs, staff the desk, say what to try."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from sqlalchemy.exc import DBAPIError

from app.bootstrap.database import open_database
from app.clock import utc_now
from app.errors import SpineError, Unavailable
from app.service import programs, welcome
from app.service.data_files import make_certificates, make_folders, write_settings
from app.service.data_folder import State, remember, state_of
from app.service.directory_start import is_built
from app.service.layout import Layout
from app.service.preflight import CannotStart, require_free_ports
from app.service.relying_party import write_relying_party
from app.service.stopping import StopRequest
from app.service.supervisor import Supervisor
from app.service.system_authorities import write_system_authorities
from app.service.telling import Terminal
from app.service.trial_keys import give_prescribing_screen_its_key
from app.service.whole import require_whole
from app.settings import Settings, load
from app.storage.database import Database

_PORTS_OF_A_KILLED_START_ARE_FREE_WITHIN = 5.0


def start(layout: Layout, database_url: str | None, terminal: Terminal, stop: StopRequest) -> None:
    """Start everything on a locked data folder and keep it running until KeyboardInterrupt.

    Raises:
        CannotStart, StartFailed: with what to do.
    """
    state = state_of(layout)
    is_new = not layout.settings_file.exists()
    require_free_ports(layout, 0.0 if is_new else _PORTS_OF_A_KILLED_START_ARE_FREE_WITHIN)
    _write_files(layout, database_url, state, terminal)
    with _forgotten_if_refused(layout, is_new):
        settings = load(layout.settings_file)
        require_whole(settings, layout, state)
        _migrate(settings, terminal)
    with closing(open_database(settings)) as database:
        _prepare(settings, layout, database, state, terminal)
    _serve(settings, layout, terminal, stop)


@contextmanager
def _forgotten_if_refused(layout: Layout, is_new: bool) -> Iterator[None]:
    """New settings are kept once their database is known to answer: a mistyped address is given again."""
    try:
        yield
    except (SpineError, CannotStart):
        if is_new:
            layout.settings_file.unlink()
        raise


def _write_files(layout: Layout, database_url: str | None, state: State, terminal: Terminal) -> None:
    if state is not State.COMPLETE:
        terminal.say(f"First start: making {layout.folder}. It can be interrupted and goes on where it was.")
    remember(layout, state)
    make_folders(layout)
    if make_certificates(layout, utc_now()) and state is State.COMPLETE:
        terminal.say(f"The TLS authority was made anew. Trust it in your browser again: {layout.tls}/ca.pem")
    write_settings(layout, database_url)
    write_relying_party(layout)


def _prepare(
    settings: Settings, layout: Layout, database: Database, state: State, terminal: Terminal
) -> None:
    """Whatever is missing before programs can run."""
    if state is State.NEW:
        # Only a first start takes the time to load what it needs alone. So do the others here.
        from app.service.beginning import begin

        begin(settings, layout, database, terminal)
    give_prescribing_screen_its_key(settings, layout)
    write_system_authorities(settings, layout)
    if state is State.NEW or not is_built(layout):
        from app.service.directory_building import build_directory

        build_directory(settings, layout, database, terminal)
    if state is State.NEW:
        remember(layout, State.PREPARED)


def _migrate(settings: Settings, terminal: Terminal) -> None:
    """Make the tables. A newer version of the product brings new ones."""
    try:
        with closing(open_database(settings)) as database, terminal.step("Database tables"):
            database.migrate()
    except (DBAPIError, Unavailable) as fault:
        told = fault if isinstance(fault, DBAPIError) else fault.__cause__
        reason = told.orig if isinstance(told, DBAPIError) else fault
        raise CannotStart(
            f"The database {settings.database.url} cannot be used: {str(reason).strip()}."
            " See that it runs, can be reached and is whole."
        ) from fault


def _serve(settings: Settings, layout: Layout, terminal: Terminal, stop: StopRequest) -> None:
    supervisor = Supervisor(layout.logs, terminal.say, stop)
    try:
        for together in programs.in_order(layout):
            with terminal.step(f"Starting {', '.join(program.name for program in together)}"):
                supervisor.start(*together)
        if state_of(layout) is State.PREPARED:
            from app.service.first_start import staff_the_desk

            staff_the_desk(settings, layout, terminal)
            remember(layout, State.COMPLETE)
        terminal.say(welcome.page(settings, layout))
        supervisor.watch()
    finally:
        with terminal.step("Stopping"):
            supervisor.stop()
