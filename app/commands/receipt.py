"""``spine-ra receipt …``: why a certificate was issued, and whether that is true."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from app.adapters.ca_client import CaClient
from app.adapters.public_files import public_material
from app.ca_files import PUBLIC_FOLDER
from app.commands.command_line import sentences, settings_of
from app.domain.receipt import receipt_from_untrusted
from app.domain.receipt_verification import verify_receipt

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)


@click.group()
def receipt() -> None:
    """Receipts: the complete reason of a certificate."""


@receipt.command()
@click.argument("serial_number")
@click.pass_context
def show(context: click.Context, serial_number: str) -> None:
    """Print the receipt of the certificate with this serial number (hexadecimal), as a file to keep."""
    with sentences():
        document = CaClient(settings_of(context).ca.socket).receipt(serial_number)
    click.echo(document.decode())


@receipt.command()
@click.argument("file", type=_FILE)
@click.option(
    "--public",
    "folder",
    type=_FOLDER,
    help="The key ceremony's public files; those of this installation without it.",
)
@click.pass_context
def verify(context: click.Context, file: Path, folder: Path | None) -> None:
    """Verify a receipt offline, with public keys alone. Ends with 0, or with 1 when something is wrong."""
    with sentences():
        public = public_material(folder or settings_of(context).ca.folder / PUBLIC_FOLDER)
        findings = verify_receipt(receipt_from_untrusted(file.read_bytes()), public)
    for each in findings:
        click.echo(f"{'WRONG' if each.problem else 'right'}  {each.checked}")
        if each.problem:
            click.echo(f"       {each.problem}")
    if any(each.problem for each in findings):
        sys.exit(1)
