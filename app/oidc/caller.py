"""The program that calls an endpoint of the provider, as the audit records it."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.audit_event import AuditEvent


@dataclass(frozen=True)
class Caller:
    """Where a server-to-server request came from, for the audit."""

    address: str
    request_id: str

    def event(self, name: str, client_id: str, details: dict[str, str]) -> AuditEvent:
        """An event about the relying party; without an id, nobody proved to be one."""
        actor = f"client:{client_id}" if client_id else "anonymous"
        return AuditEvent(name, client_id, actor, None, self.address, self.request_id, details=details)
