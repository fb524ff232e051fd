"""``spine-ra worker``: carry announcements."""

from __future__ import annotations

import logging
import signal
import threading

import click

from app.bootstrap.database import open_database
from app.bootstrap.loads import carrying_loads
from app.bootstrap.worker import worker as worker_of
from app.commands.command_line import running_beside, sentences, settings_of
from app.loaded import keep_what_is_loaded


@click.command()
@click.pass_context
def worker(context: click.Context) -> None:
    """Publish changes to the directory and relying parties, until it is told to end."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    stop = threading.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: stop.set())
    with sentences():
        settings = settings_of(context)
        carrier, loads = worker_of(settings), carrying_loads(open_database(settings))
        keep_what_is_loaded()
        with running_beside(loads.run):
            carrier.run(stop)
