"""What unlocking needs of storage besides ``repositories.py``."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from app.domain.workstation import Workstation


class OfflineWorkstations(Protocol):
    """``app.storage.offline_workstations``."""

    def add(self, workstation: Workstation) -> None: ...
    def get(self, workstation_id: str) -> Workstation | None: ...
    def all(self) -> list[Workstation]: ...
    def register(
        self, ticket_hash: str, wrapped_key: bytes, invited_after: datetime
    ) -> Workstation | None: ...
    def retire(self, workstation_id: str, at: datetime) -> None: ...
