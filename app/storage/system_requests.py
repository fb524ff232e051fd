"""Requests about systems in the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.sql import ColumnElement

from app.domain.system_details import SystemDetails
from app.domain.system_request import (
    HostNamesCheck,
    SystemRequest,
    SystemRequestAlreadyOpen,
    SystemRequestKind,
    SystemRequestStatus,
)
from app.storage.conflicts import conflict_means
from app.storage.tables.system_requests import system_certificate
from app.storage.tables.system_requests import system_request as _request

_PLAIN = (
    *("id", "asid", "organisation_code", "product", "reason", "requested_by", "requested_role_profile"),
    *("requested_at", "csr", "spki_sha256", "batch", "decided_by", "decided_role_profile", "decided_at"),
    "decision_note",
)


class SystemRequests:
    """Open and decided requests about systems."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, request: SystemRequest) -> None:
        """Keep a new request.

        Raises:
            SystemRequestAlreadyOpen: something is asked for the same system already.
        """
        taken = SystemRequestAlreadyOpen(
            f"Something is asked for {request.product} at {request.organisation_code} already."
            " Wait for the decision, or have that request taken back."
        )
        with conflict_means(taken):
            self._connection.execute(insert(_request).values(_row_of(request)))

    def save(self, request: SystemRequest) -> None:
        """Keep a request as it is now."""
        changed = update(_request).where(_request.c.id == request.id)
        self._connection.execute(changed.values(_row_of(request)))

    def get(self, request_id: str) -> SystemRequest | None:
        """The request with this id."""
        return next(iter(self._select(_request.c.id == request_id)), None)

    def get_to_decide(self, request_id: str) -> SystemRequest | None:
        """The request with this id; nobody else can decide it until this transaction ends."""
        chosen = select(_request).where(_request.c.id == request_id).with_for_update()
        row = self._connection.execute(chosen).one_or_none()
        return _request_of(row) if row else None

    def open(self) -> list[SystemRequest]:
        """Every open request, oldest first."""
        return self._select(_request.c.status == SystemRequestStatus.OPEN.value)

    def of_batch(self, batch: str) -> list[SystemRequest]:
        """What came with one list, in its order."""
        return self._select(_request.c.batch == batch)

    def decided_since(self, since: datetime) -> list[SystemRequest]:
        """What was approved or rejected since then, oldest request first."""
        return self._select(_request.c.decided_at >= since)

    def about(self, asid: str) -> list[SystemRequest]:
        """Everything that was ever asked for a system, oldest first."""
        return self._select(_request.c.asid == asid)

    def approved_certificates(self) -> list[SystemRequest]:
        """Approved requests for certificates of which none is kept yet, oldest first."""
        kept = select(system_certificate.c.request_id).where(system_certificate.c.request_id.is_not(None))
        return self._select(
            _request.c.kind == SystemRequestKind.CERTIFICATE.value,
            _request.c.status == SystemRequestStatus.APPROVED.value,
            _request.c.id.not_in(kept),
        )

    def _select(self, *conditions: ColumnElement[bool]) -> list[SystemRequest]:
        chosen = select(_request).where(*conditions).order_by(_request.c.requested_at, _request.c.id)
        return [_request_of(row) for row in self._connection.execute(chosen)]


def _row_of(request: SystemRequest) -> dict[str, Any]:
    plain = {name: getattr(request, name) for name in _PLAIN}
    checked = request.hosts_checked
    return plain | {
        "kind": request.kind.value,
        "status": request.status.value,
        "details": request.details.as_json() if request.details else None,
        "new_hosts": list(request.new_hosts),
        "hosts_checked_by": checked.by if checked else None,
        "hosts_checked_role_profile": checked.role_profile if checked else None,
        "hosts_checked_at": checked.at if checked else None,
        "hosts_found": dict(checked.found) if checked else None,
    }


def _request_of(row: Row[Any]) -> SystemRequest:
    fields = row._mapping
    return SystemRequest(
        **{name: fields[name] for name in _PLAIN},
        kind=SystemRequestKind(fields["kind"]),
        status=SystemRequestStatus(fields["status"]),
        details=SystemDetails.of(fields["details"]) if fields["details"] else None,
        new_hosts=tuple(fields["new_hosts"]),
        hosts_checked=_hosts_checked(fields),
    )


def _hosts_checked(fields: Any) -> HostNamesCheck | None:
    by = fields["hosts_checked_by"]
    if by is None:
        return None
    return HostNamesCheck(
        by, fields["hosts_checked_role_profile"], fields["hosts_checked_at"], fields["hosts_found"]
    )
