"""Requests for positions in the database."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.sql import ColumnElement

from app.domain.request import AccessRequest, RequestAlreadyOpen, RequestStatus
from app.storage.conflicts import conflict_means
from app.storage.tables import access as tables

_request = tables.access_request


class Requests:
    """Open and decided requests."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, request: AccessRequest) -> None:
        """Keep a new request.

        Raises:
            RequestAlreadyOpen: the same position was already asked for, for the same person.
        """
        taken = RequestAlreadyOpen("This position was already asked for. Wait for the decision.")
        with conflict_means(taken):
            self._connection.execute(
                insert(_request).values({**asdict(request), "status": request.status.value})
            )

    def get(self, request_id: str) -> AccessRequest | None:
        """The request with this id."""
        return next(iter(self._select(_request.c.id == request_id)), None)

    def get_to_decide(self, request_id: str) -> AccessRequest | None:
        """The request with this id; nobody else can decide it until this transaction ends."""
        chosen = select(_request).where(_request.c.id == request_id).with_for_update()
        row = self._connection.execute(chosen).one_or_none()
        return _request_of(row) if row else None

    def open(self) -> list[AccessRequest]:
        """Every open request, oldest first."""
        return self._select(_request.c.status == RequestStatus.OPEN.value)

    def decided_since(self, since: datetime) -> list[AccessRequest]:
        """Every request that was granted or rejected since then, the latest decision first."""
        decided = self._select(_request.c.decided_at >= since)
        return sorted(decided, key=lambda request: request.decided_at or since, reverse=True)

    def about(self, uid: str) -> list[AccessRequest]:
        """Every request about a person, oldest first."""
        return self._select(_request.c.subject_uid == uid)

    def take(self, request_id: str, by: str, until: datetime) -> None:
        """Note who is working on the request, and until when."""
        self._update(request_id, taken_by=by, taken_until=until)

    def decide(
        self,
        request_id: str,
        status: RequestStatus,
        by: str,
        role_profile: str | None,
        at: datetime,
        note: str,
    ) -> None:
        """Close the request."""
        self._update(
            request_id,
            status=status.value,
            decided_by=by,
            decided_role_profile=role_profile,
            decided_at=at,
            decision_note=note,
        )

    def _update(self, request_id: str, **values: object) -> None:
        self._connection.execute(update(_request).where(_request.c.id == request_id).values(values))

    def _select(self, *conditions: ColumnElement[bool]) -> list[AccessRequest]:
        chosen = select(_request).where(*conditions).order_by(_request.c.requested_at, _request.c.id)
        return [_request_of(row) for row in self._connection.execute(chosen)]


def _request_of(row: Row[tuple[object, ...]]) -> AccessRequest:
    fields = {name: row._mapping[name] for name in AccessRequest.__dataclass_fields__}
    return AccessRequest(**{**fields, "status": RequestStatus(fields["status"])})
