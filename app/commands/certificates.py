"""``spine-ra certificates``: whether a certificate that somebody shows is to be believed, and why not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from app.bootstrap.validation import path_validator, revocation_status
from app.clock import utc_now
from app.commands.command_line import sentences, settings_of
from app.domain.certificate_order import CertificatePurpose
from app.validation.anchors import TrustAnchorsNotUsable
from app.validation.path import CertificationPath
from app.validation.refusals import PathRefused

_PURPOSES = {
    "sign-in": CertificatePurpose.AUTHENTICATION,
    "signatures": CertificatePurpose.CONTENT_COMMITMENT,
    "systems": CertificatePurpose.SYSTEM,
}


@click.group("certificates")
def certificates() -> None:
    """Certificates of cards and systems."""


@certificates.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--for", "use", type=click.Choice(list(_PURPOSES)), required=True, help="what it is shown for")
@click.option("--at", type=click.DateTime(), help="at which time (UTC); now unless given")
@click.pass_context
def check(context: click.Context, file: Path, use: str, at: datetime | None) -> None:
    """Validate the certificate in FILE (PEM or DER) and its path, and look for it in the revocation lists."""
    settings, now = settings_of(context), utc_now()
    moment = at.replace(tzinfo=UTC) if at else now
    try:
        with _installation_told():
            paths = path_validator(settings, _PURPOSES[use])
        path = paths.validate_from_untrusted(_der_in(file), moment)
        click.echo(f"Its path is valid for {use} at {moment:%Y-%m-%d %H:%M} UTC.")
        with _installation_told():
            status = revocation_status(settings)
        told = [status.revocation(*link, now) for link in _links(path)]
    except PathRefused as refused:
        click.echo(f"Not to be believed ({refused.code}): {refused}.", err=True)
        sys.exit(1)
    for revoked in filter(None, told):
        click.echo(f"Revoked since {revoked.at:%Y-%m-%d %H:%M} UTC ({revoked.reason}).", err=True)
        sys.exit(1)
    click.echo("Neither it nor its CA is revoked.")


@contextmanager
def _installation_told() -> Iterator[None]:
    """Tell what is wrong with our own CA certificates as a sentence."""
    with sentences():
        try:
            yield
        except TrustAnchorsNotUsable as fault:
            sentence = f"The CA certificates of this installation cannot be used: {fault}."
            raise click.ClickException(sentence) from fault


def _links(path: CertificationPath) -> list[tuple[x509.Certificate, x509.Certificate]]:
    return [(path.certificate, path.issuer), (path.issuer, path.root)]


def _der_in(file: Path) -> bytes:
    data = file.read_bytes()
    if b"-----BEGIN" not in data:
        return data
    try:
        return x509.load_pem_x509_certificate(data).public_bytes(Encoding.DER)
    except ValueError as error:
        raise click.ClickException(f"{file} holds no certificate that can be read.") from error
