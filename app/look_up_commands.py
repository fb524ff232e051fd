"""``spine-ra look-ups``: who may use the FHIR look-ups."""

from __future__ import annotations

import click

from app.key_commands import add_key_commands
from app.look_up_bootstrap import api_keys


@click.group("look-ups")
def look_ups() -> None:
    """The FHIR look-ups of systems and endpoints."""


add_key_commands(look_ups, api_keys)
