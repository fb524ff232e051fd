"""What the worker carries to the certificate authority and back: revocations, undone orders, CRLs, seals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from app.adapters.ca_client import CaClient
from app.domain.revocation import RevocationReason
from app.errors import Unavailable
from app.storage.outbox import OutboxRow
from app.validation.anchors import RevokedByRoot
from directory.errors import DirectoryUnavailable
from directory.revocation import RevocationLists, RevokedNow


def ca_outbox_handlers(client: CaClient) -> Mapping[str, Callable[[OutboxRow], None]]:
    """A handler for each topic of the certificate authority; every one may be called again."""

    def revoke(row: OutboxRow) -> None:
        client.revoke(row.key, _reason(row), _since(row))

    def withdraw(row: OutboxRow) -> None:
        client.withdraw(row.key, _reason(row), _since(row))

    def seal(row: OutboxRow) -> None:
        client.seal_audit_head()

    return {"ca.revoke": revoke, "ca.revoke_issuance": withdraw, "ca.seal": seal}


def renew_crls(client: CaClient) -> None:
    """Have every CRL and OCSP responder that is due made anew; to be called every few minutes.

    Raises:
        Unavailable
    """
    for name in client.certificates():
        client.crl(name)
    client.renew_ocsp_signers()


def tell_directory_of_revocations(
    client: CaClient, issuing_cas: Sequence[str], revocations: RevocationLists, by_root: RevokedByRoot
) -> None:
    """Have slapd refuse the system certificates that are revoked by now; to be called every few seconds.

    Args:
        issuing_cas: the names of the CAs of accredited systems' certificates.

    Raises:
        Unavailable: the certificate authority or the directory is down.
    """
    lists = [x509.load_der_x509_crl(client.crl(name).der) for name in issuing_cas]
    crls = [each.public_bytes(Encoding.PEM) for each in (*lists, *by_root.lists)]
    authorities = [each.public_bytes(Encoding.PEM) for each in by_root.authorities]
    try:
        revocations.renew(RevokedNow(b"".join(crls), b"".join(authorities)))
    except DirectoryUnavailable as outage:
        raise Unavailable("directory", "The directory cannot be told of revoked certificates.") from outage


def _reason(row: OutboxRow) -> str:
    return str(row.payload.get("reason", RevocationReason.UNSPECIFIED.value))


def _since(row: OutboxRow) -> datetime:
    """From when it counts: what the announcement says, else when it was made."""
    said = row.payload.get("revoked_at")
    return datetime.fromisoformat(str(said)) if said else row.created_at
