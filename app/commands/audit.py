"""``spine-ra audit``: the audit of everything that happened."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from app.commands.command_line import database_of, settings_of
from app.domain.audit_verification import story
from app.errors import SpineError
from app.storage.audit_verification import read_public_key, verify_audit

_FILE = click.Path(path_type=Path, dir_okay=False)
_TAMPERED, _NOT_VERIFIED = 1, 2


@click.group()
def audit() -> None:
    """The audit of everything that happened."""


@audit.command()
@click.option("--public-key", "key", type=_FILE, help="The audit key's public half; the CA's own without it.")
@click.option("--seals", type=_FILE, help="Seals that are kept beside the database; the CA's own without it.")
@click.pass_context
def verify(context: click.Context, key: Path | None, seals: Path | None) -> None:
    """Verify the whole audit with the public key alone. Ends with 0, or with 1 when it is not whole."""
    folder = settings_of(context).ca.folder
    try:
        public_key = read_public_key(key or folder / "public" / "audit-seal.pem")
        findings = verify_audit(database_of(context), public_key, seals or _seals_beside(folder))
    except SpineError as error:
        click.echo(f"The audit could not be verified: {error}", err=True)
        sys.exit(_NOT_VERIFIED)
    for line in story(findings, public_key):
        click.echo(line)
    if not findings.is_whole:
        sys.exit(_TAMPERED)


def _seals_beside(ca_folder: Path) -> Path | None:
    file = ca_folder / "audit-seals.jsonl"
    if not file.exists():
        click.echo(f"There is no {file}: only the seals in the database are looked at.")
        return None
    return file
