"""``spine-ra look-ups``: who may use the FHIR look-ups."""

from __future__ import annotations

import click

from app.bootstrap.api_keys import look_up_keys
from app.commands.keys import add_key_commands


@click.group("look-ups")
def look_ups() -> None:
    """The FHIR look-ups of systems and endpoints."""


add_key_commands(look_ups, look_up_keys)
