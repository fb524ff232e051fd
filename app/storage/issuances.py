"""Card issuances in the database."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.sql import ColumnElement

from app.domain.certificate_order import (
    FoundingApproval,
    OrderApproval,
    RenewalApproval,
    SignedApproval,
)
from app.domain.issuance import (
    CardIssuance,
    IssuanceAlreadyOpen,
    IssuanceStatus,
)
from app.domain.issuance_terms import IssuanceTerms
from app.storage.conflicts import conflict_means
from app.storage.desk_steps import step_of, step_row
from app.storage.role_profiles import FOUNDING_ID
from app.storage.tables import cards as tables
from app.storage.tables.card_batches import card_batch_item as _item

_issuance = tables.card_issuance
_OPEN = _issuance.c.status.in_([status.value for status in IssuanceStatus if status.is_open])


class Issuances:
    """Open, finished and undone issuances."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, issuance: CardIssuance) -> None:
        """Keep a new issuance.

        Raises:
            IssuanceAlreadyOpen: the person has an open one.
        """
        founding_id = FOUNDING_ID if issuance.belongs_to_founding else None
        with conflict_means(_already_open("person")):
            self._connection.execute(insert(_issuance).values(**_row_of(issuance), founding_id=founding_id))

    def save(self, issuance: CardIssuance) -> None:
        """Keep what became of an issuance read with one of the ``..._to_change`` functions.

        Raises:
            IssuanceAlreadyOpen: the card is in another open issuance.
        """
        row = _row_of(issuance)
        with conflict_means(_already_open("card")):
            self._connection.execute(update(_issuance).where(_issuance.c.id == issuance.id).values(**row))

    def get(self, issuance_id: str) -> CardIssuance | None:
        """The issuance with this id."""
        return next(iter(self._select(_issuance.c.id == issuance_id)), None)

    def get_to_change(self, issuance_id: str) -> CardIssuance | None:
        """The issuance with this id; nobody else can change it until this transaction ends."""
        chosen = select(_issuance).where(_issuance.c.id == issuance_id).with_for_update()
        row = self._connection.execute(chosen).one_or_none()
        return _issuance_of(row) if row else None

    def of_ticket(self, ticket_hash: str) -> CardIssuance | None:
        """The issuance that the ticket was made for."""
        return next(iter(self._select(_issuance.c.ticket_hash == ticket_hash)), None)

    def of_job_token(self, job_token_hash: str) -> CardIssuance | None:
        """The issuance that the desk's job token was made for."""
        return next(iter(self._select(_issuance.c.job_token_hash == job_token_hash)), None)

    def open(self) -> list[CardIssuance]:
        """Every open issuance, oldest first."""
        return self._select(_OPEN)

    def open_of(self, uid: str) -> CardIssuance | None:
        """The person's open issuance."""
        return next(iter(self._select(_issuance.c.uid == uid, _OPEN)), None)

    def of_batch(self, batch_id: str) -> list[CardIssuance]:
        """The latest issuance of everybody in the batch for whom one was begun."""
        begun = select(_item.c.issuance_id).where(_item.c.batch_id == batch_id)
        return self._select(_issuance.c.id.in_(begun))

    def _select(self, *conditions: ColumnElement[bool]) -> list[CardIssuance]:
        chosen = select(_issuance).where(*conditions).order_by(_issuance.c.begun_at, _issuance.c.uid)
        return [_issuance_of(row) for row in self._connection.execute(chosen)]


def _already_open(what: str) -> IssuanceAlreadyOpen:
    return IssuanceAlreadyOpen(
        f"This {what} is already in an issuance that is not finished. Go on with it or undo it."
    )


def _row_of(issuance: CardIssuance) -> dict[str, Any]:
    names = CardIssuance.__dataclass_fields__.keys() - {"terms"}
    row = {name: getattr(issuance, name) for name in names} | asdict(issuance.terms)
    return row | {
        "status": issuance.status.value,
        "steps": [step_row(step) for step in issuance.steps],
        "approval": _approval_row(issuance.approval),
    }


def _approval_row(approval: OrderApproval | None) -> dict[str, Any] | None:
    match approval:
        case SignedApproval():
            return _signed_row(approval)
        case RenewalApproval(signatures):
            return {"signatures": [_signed_row(each) for each in signatures]}
        case FoundingApproval(founding_digest):
            return {"founding_digest": founding_digest}
        case None:
            return None


def _signed_row(approval: SignedApproval) -> dict[str, str]:
    names = SignedApproval.__dataclass_fields__
    return {name: b64encode(getattr(approval, name)).decode() for name in names}


def approval_of(row: Mapping[str, Any] | None) -> OrderApproval | None:
    """The approval as it stands in the ``approval`` column."""
    if row is None:
        return None
    if "founding_digest" in row:
        return FoundingApproval(row["founding_digest"])
    if "signatures" in row:
        return RenewalApproval(tuple(_signed_of(each) for each in row["signatures"]))
    return _signed_of(row)


def _signed_of(row: Mapping[str, str]) -> SignedApproval:
    return SignedApproval(**{name: b64decode(part) for name, part in row.items()})


def _issuance_of(row: Row[tuple[object, ...]]) -> CardIssuance:
    names = CardIssuance.__dataclass_fields__.keys() - {"terms"}
    fields = {name: row._mapping[name] for name in names}
    issuance = CardIssuance(**{**fields, "status": IssuanceStatus(fields["status"])})
    return replace(
        issuance,
        steps=tuple(step_of(step) for step in fields["steps"]),
        approval=approval_of(fields["approval"]),
        terms=IssuanceTerms(**{name: row._mapping[name] for name in IssuanceTerms.__dataclass_fields__}),
    )
