"""What the worker carries to the certificate authority: revocations, undone orders, CRL renewal, seals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from app.adapters.ca_client import CaClient
from app.domain.revocation import RevocationReason
from app.storage.outbox import OutboxRow


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
    """Have every CRL that is due made anew; to be called every few minutes. Raises Unavailable."""
    for name in client.certificates():
        client.crl(name)


def _reason(row: OutboxRow) -> str:
    return str(row.payload.get("reason", RevocationReason.UNSPECIFIED.value))


def _since(row: OutboxRow) -> datetime:
    """From when it counts: what the announcement says, else when it was made."""
    said = row.payload.get("revoked_at")
    return datetime.fromisoformat(str(said)) if said else row.created_at
