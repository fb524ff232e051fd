"""``spine-ra signatures``: which programs may have signatures of prescriptions verified."""

from __future__ import annotations

import click

from app.key_commands import add_key_commands
from app.signature_bootstrap import signature_keys


@click.group("signatures")
def signatures() -> None:
    """The verification of prescriptions' signatures."""


add_key_commands(signatures, signature_keys)
