"""``spine-ra receipt …``: why a certificate was issued, and whether that is true."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

from app.adapters.attestation_roots import makers_roots
from app.adapters.ca_client import CaClient
from app.adapters.public_files import public_material
from app.ca.attestation import ProvenanceCheck
from app.ca_files import PUBLIC_FOLDER
from app.commands.command_line import sentences, settings_of
from app.domain.receipt import receipt_from_untrusted
from app.domain.receipt_verification import Finding, verify_receipt

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
@click.option(
    "--founding",
    type=_FILE,
    help="The founding file, for the receipt of a founder's card: whether it names the holder.",
)
@click.option(
    "--makers",
    type=_FOLDER,
    help="The roots of the cards' makers (PEM): whether the cards' proofs that they made their keys hold.",
)
@click.pass_context
def verify(
    context: click.Context, file: Path, folder: Path | None, founding: Path | None, makers: Path | None
) -> None:
    """Verify a receipt offline, with public keys alone. Ends with 0, or with 1 when something is wrong.

    What could not be verified is said, and why; it is neither right nor wrong.
    """
    with sentences():
        public = public_material(folder or settings_of(context).ca.folder / PUBLIC_FOLDER)
        prove = ProvenanceCheck(makers_roots(makers), is_required=False).of if makers else None
        public = replace(public, founding_file=founding.read_bytes() if founding else None, prove=prove)
        findings = verify_receipt(receipt_from_untrusted(file.read_bytes()), public)
    for each in findings:
        _tell(each)
    if any(each.problem for each in findings):
        sys.exit(1)


def _tell(finding: Finding) -> None:
    word = "WRONG" if finding.problem else "not verified" if finding.not_verified else "right"
    click.echo(f"{word:<12}  {finding.checked}")
    for sentence in filter(None, (finding.problem, finding.not_verified)):
        click.echo(f"              {sentence}")
