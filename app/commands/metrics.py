"""``spine-ra metrics``: serve the metrics for Prometheus."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

import click

from app.bootstrap import monitoring
from app.errors import SpineError
from app.metrics import application, server
from app.settings import load

_SHORTEST_TOKEN = 16


@click.command()
@click.pass_context
def metrics(context: click.Context) -> None:
    """Serve the metrics for Prometheus, until it is told to end."""
    try:
        settings = load(context.find_root().obj)
    except SpineError as error:
        raise click.ClickException(str(error)) from error
    where = settings.monitoring
    answering = application(monitoring.collector(settings), _token(where.token_file))
    try:
        serving = server(where.listen, where.port, answering)
    except OSError as fault:
        raise click.ClickException(f"{where.listen}:{where.port} cannot be listened on: {fault}") from fault
    for ending in (signal.SIGTERM, signal.SIGINT):
        # In a thread of its own: shutdown() waits for serve_forever(), which this thread runs.
        signal.signal(ending, lambda *_: threading.Thread(target=serving.shutdown).start())
    with serving:
        serving.serve_forever()
    sys.exit(0)


def _token(file: Path | None) -> str:
    """The token that Prometheus sends; empty when none is asked for."""
    if file is None:
        return ""
    try:
        token = file.read_text().strip()
    except OSError as fault:
        raise click.ClickException(f"[monitoring] token_file: {file} cannot be read: {fault}") from fault
    if len(token) < _SHORTEST_TOKEN:
        raise click.ClickException(
            f"[monitoring] token_file: {file} must hold at least {_SHORTEST_TOKEN} characters."
        )
    return token
