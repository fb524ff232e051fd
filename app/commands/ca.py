"""``spine-ra ca …``: what operators do with the certificate authority."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path

import click
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from app.ca_ceremony import hold_ceremony
from app.ca_files import CEREMONY_FILE, PROTOCOL
from app.ca_root import revoke_authority
from app.ca_server import certificate_authority_at_rest
from app.ca_server import serve as serve_socket
from app.ca_succession import succeed_authority
from app.domain.actor import Actor
from app.domain.certificate_order import SystemCertificateOrder
from app.domain.revocation import Giver, RevocationReason
from app.errors import SpineError
from app.ra.certifying_systems import IssuingSystemCertificates
from app.settings import Settings, load
from app.storage.database import Database

OPERATOR = Actor.system("ca-operator")


def _or_as_for_all(context: click.Context, _: click.Parameter, given: Path | None) -> Path | None:
    """The file given here, or else before the command; never the default installation instead of that."""
    return given or context.find_root().obj


_SETTINGS = click.option(
    "--settings",
    "settings_file",
    type=click.Path(path_type=Path),
    callback=_or_as_for_all,
    help="Settings file; that of spine-ra without it.",
)


@click.group()
def ca() -> None:
    """The certificate authority: its keys and its process."""


@ca.command()
@_SETTINGS
@click.option(
    "--file",
    "ceremony_file",
    type=click.Path(path_type=Path),
    default=CEREMONY_FILE,
    help="The reviewed ceremony file.",
)
def ceremony(settings_file: Path | None, ceremony_file: Path) -> None:
    """Make the keys and CA certificates, or go on with an interrupted ceremony, and print the protocol."""
    try:
        protocol = hold_ceremony(load(settings_file), ceremony_file, progress=click.echo)
    except SpineError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"\n{protocol.read_text()}\nThis protocol is kept in {protocol}.")


@ca.command()
@_SETTINGS
def serve(settings_file: Path | None) -> None:
    """Run the certificate authority's process until it is told to end."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        serve_socket(load(settings_file))
    except SpineError as error:
        raise click.ClickException(str(error)) from error


@ca.command()
@_SETTINGS
def protocol(settings_file: Path | None) -> None:
    """Print the protocol of the key ceremony again."""
    path = load(settings_file).ca.folder / PROTOCOL
    if not path.exists():
        raise click.ClickException("No key ceremony was held yet. Run: spine-ra ca ceremony")
    click.echo(path.read_text())


@ca.command("certify-system")
@_SETTINGS
@click.argument("asid")
@click.argument("csr_file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def certify_system(settings_file: Path | None, asid: str, csr_file: Path) -> None:
    """Print the client certificate of an approved accredited system, for its CSR (PEM).

    Run it on the certificate authority's machine while its process is stopped. The same CSR again gives the
    same certificate.
    """
    try:
        csr = x509.load_pem_x509_csr(csr_file.read_bytes()).public_bytes(Encoding.DER)
        order = SystemCertificateOrder(f"{asid}-{sha256(csr).hexdigest()[:16]}", asid, csr)
        with _issuing(load(settings_file)) as issuing:
            issued = issuing.issue(OPERATOR, order, None).der
    except (SpineError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(x509.load_der_x509_certificate(issued).public_bytes(Encoding.PEM).decode(), nl=False)


@ca.command("certify-approved")
@_SETTINGS
def certify_approved(settings_file: Path | None) -> None:
    """Issue every client certificate of a system that two people asked for and approved.

    Run it on the certificate authority's machine while its process is stopped. Again does nothing twice. The
    certificates stand on the systems' pages afterwards.
    """
    try:
        with _issuing(load(settings_file)) as issuing:
            issued, refused = issuing.issue_approved(OPERATOR)
    except SpineError as error:
        raise click.ClickException(str(error)) from error
    for certificate in issued:
        click.echo(f"issued {certificate.serial_number} for {certificate.asid}")
    for request, sentence in refused:
        click.echo(f"refused request {request.id} for {request.asid}: {sentence}", err=True)
    if refused:
        raise click.ClickException(f"{len(refused)} were refused.")


@ca.command()
@_SETTINGS
@click.argument("serial_number")
@click.argument("reason", type=click.Choice([each.value for each in RevocationReason]))
def revoke(settings_file: Path | None, serial_number: str, reason: str) -> None:
    """Revoke a certificate for any reason, cACompromise too, which nobody else may give.

    Run it on the certificate authority's machine while its process is stopped. Pages end cards.
    """
    try:
        with certificate_authority_at_rest(load(settings_file)) as operations:
            operations.revoker.revoke(serial_number, reason, operations.clock(), Giver.CA_OPERATOR)
    except SpineError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{serial_number} is revoked: {reason}")


@ca.command("revoke-authority")
@_SETTINGS
@click.argument("file", type=click.Path(path_type=Path))
def revoke_an_authority(settings_file: Path | None, file: Path) -> None:
    """Have the root revoke an issuing CA for good, as a reviewed file says, and print the protocol.

    Run it on the certificate authority's machine with the root's token there; its process may run meanwhile.
    The same file again goes on where it was interrupted, or prints the protocol again.
    """
    _as_reviewed(
        revoke_authority, settings_file, file, "Type the name of the authority to revoke it for good"
    )
    click.echo("Take the root's token away again, and copy public/root.crl to every web server.")
    click.echo("What comes next: docs/revocation.md, After a CA was revoked.")


@ca.command()
@_SETTINGS
@click.argument("file", type=click.Path(path_type=Path))
def succeed(settings_file: Path | None, file: Path) -> None:
    """Make the issuing CA that takes over from another, as a reviewed file says, and print the protocol.

    Run it on the certificate authority's machine with the root's token there and its process stopped. The
    same file again goes on where it was interrupted, or prints the protocol again.
    """
    _as_reviewed(succeed_authority, settings_file, file, "Type the name of the new authority to make it")
    click.echo("Take the root's token away again, and copy the folder public to every machine that has it.")
    click.echo("What comes next: docs/revocation.md, A new CA takes over.")


def _as_reviewed(
    carry_out: Callable[..., Path], settings_file: Path | None, file: Path, question: str
) -> None:
    """Carry out what a reviewed file says, once the authority's name was typed, and print the protocol."""
    try:
        protocol = carry_out(load(settings_file), file, partial(_typed, question), progress=click.echo)
    except SpineError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"\n{protocol.read_text()}\nThis protocol is kept in {protocol}.")


def _typed(question: str, review: str, name: str) -> bool:
    click.echo(f"{review}\n")
    return bool(click.prompt(question, default="") == name)


@ca.command("renew-ocsp-signers")
@_SETTINGS
def renew_ocsp_signers(settings_file: Path | None) -> None:
    """Make a new key and certificate for every OCSP responder, without a ceremony.

    The certificate authority's process does so by itself for those that end soon. Run this on its machine
    while it is stopped, when a responder's key is to be exchanged before that.
    """
    try:
        with certificate_authority_at_rest(load(settings_file)) as operations:
            renewed = operations.signers.renew(operations.clock(), all_of_them=True)
    except SpineError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"New OCSP responders: {', '.join(renewed)}")


@contextmanager
def _issuing(settings: Settings) -> Iterator[IssuingSystemCertificates]:
    with (
        certificate_authority_at_rest(settings) as operations,
        closing(Database(settings.database.url)) as database,
    ):
        yield IssuingSystemCertificates(database, operations.authority.issue_system_certificate)
