"""``spine-ra signatures``: which programs may have signatures of prescriptions verified."""

from __future__ import annotations

import click

from app.bootstrap.api_keys import signature_keys
from app.commands.keys import add_key_commands


@click.group("signatures")
def signatures() -> None:
    """The verification of prescriptions' signatures."""


add_key_commands(signatures, signature_keys)
