"""Card issuances in the database."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, or_, select, update

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
from app.storage.prepared import Prepared
from app.storage.role_profiles import FOUNDING_ID
from app.storage.tables import cards as tables
from app.storage.tables.card_batches import card_batch_item as _item

_issuance = tables.card_issuance
_OPEN = or_(*(_issuance.c.status == status.value for status in IssuanceStatus if status.is_open))

# Made once: making a statement takes several times as long as executing it (docs/architecture.md).
_ADD = Prepared(insert(_issuance))
_SAVE = Prepared(update(_issuance).where(_issuance.c.id == bindparam("of_id")))
_FOUND = select(_issuance).order_by(_issuance.c.begun_at, _issuance.c.uid)
_OF_ID = select(_issuance).where(_issuance.c.id == bindparam("id"))
_BY_ID, _BY_ID_TO_CHANGE = Prepared(_OF_ID), Prepared(_OF_ID.with_for_update())
_BY_TICKET_TO_CHANGE = Prepared(
    select(_issuance).where(_issuance.c.ticket_hash == bindparam("ticket_hash")).with_for_update()
)
_BY_JOB_TOKEN = Prepared(_FOUND.where(_issuance.c.job_token_hash == bindparam("job_token_hash")))
_ALL_OPEN = Prepared(_FOUND.where(_OPEN))
_OPEN_OF = Prepared(_FOUND.where(_OPEN, _issuance.c.uid == bindparam("uid")))
_OF_BATCH = Prepared(
    _FOUND.where(
        _issuance.c.id.in_(select(_item.c.issuance_id).where(_item.c.batch_id == bindparam("batch_id")))
    )
)

_OWN_FIELDS = tuple(name for name in CardIssuance.__dataclass_fields__ if name != "terms")
_FIXED = {"id", "uid", "operator_uid", "operator_role_profile", "begun_at"}
_CHANGING = tuple(name for name in _OWN_FIELDS if name not in _FIXED)


class Issuances:
    """Open, finished and undone issuances."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._read: dict[str, CardIssuance] = {}

    def add(self, issuance: CardIssuance) -> None:
        """Keep a new issuance.

        Raises:
            IssuanceAlreadyOpen: the person has an open one.
        """
        founding_id = FOUNDING_ID if issuance.belongs_to_founding else None
        with conflict_means(_already_open("person")):
            _ADD.change(self._connection, {**_row_of(issuance), "founding_id": founding_id})

    def save(self, issuance: CardIssuance) -> None:
        """Keep what became of an issuance that was read in this transaction, with ``..._to_change``.

        Raises:
            IssuanceAlreadyOpen: the card is in another open issuance.
        """
        before = self._read.get(issuance.id)
        row = {name: _stored(name, value) for name, value in _changed(before, issuance).items()}
        if row:
            with conflict_means(_already_open("card")):
                _SAVE.change(self._connection, {**row, "of_id": issuance.id})
            self._noted(issuance)

    def get(self, issuance_id: str) -> CardIssuance | None:
        """The issuance with this id."""
        return self._first(_BY_ID, id=issuance_id)

    def get_to_change(self, issuance_id: str) -> CardIssuance | None:
        """The issuance with this id; nobody else can change it until this transaction ends."""
        return self._noted(self._first(_BY_ID_TO_CHANGE, id=issuance_id))

    def _noted(self, issuance: CardIssuance | None) -> CardIssuance | None:
        """As it is on record now: what is saved later is what differs from it."""
        if issuance is not None:
            self._read[issuance.id] = issuance
        return issuance

    def of_ticket_to_change(self, ticket_hash: str) -> CardIssuance | None:
        """The issuance that the ticket was made for; of two who come with it, the other finds none."""
        return self._noted(self._first(_BY_TICKET_TO_CHANGE, ticket_hash=ticket_hash))

    def of_job_token(self, job_token_hash: str) -> CardIssuance | None:
        """The issuance that the desk's job token was made for."""
        return self._first(_BY_JOB_TOKEN, job_token_hash=job_token_hash)

    def open(self) -> list[CardIssuance]:
        """Every open issuance, oldest first."""
        return self._all(_ALL_OPEN)

    def open_of(self, uid: str) -> CardIssuance | None:
        """The person's open issuance."""
        return self._first(_OPEN_OF, uid=uid)

    def of_batch(self, batch_id: str) -> list[CardIssuance]:
        """The latest issuance of everybody in the batch for whom one was begun."""
        return self._all(_OF_BATCH, batch_id=batch_id)

    def _first(self, chosen: Prepared, **values: str) -> CardIssuance | None:
        row = chosen.first(self._connection, values)
        return _issuance_of(row) if row else None

    def _all(self, chosen: Prepared, **values: str) -> list[CardIssuance]:
        return [_issuance_of(row) for row in chosen.rows(self._connection, values)]


def _already_open(what: str) -> IssuanceAlreadyOpen:
    return IssuanceAlreadyOpen(
        f"This {what} is already in an issuance that is not finished. Go on with it or undo it."
    )


def _changed(before: CardIssuance | None, now: CardIssuance) -> dict[str, Any]:
    """The fields that may have changed: a field that did not is the same object."""
    known = vars(before) if before else {}
    return {
        name: getattr(now, name)
        for name in _CHANGING
        if name not in known or known[name] is not getattr(now, name)
    }


def _row_of(issuance: CardIssuance) -> dict[str, Any]:
    own = {name: _stored(name, getattr(issuance, name)) for name in _OWN_FIELDS}
    return {**own, **vars(issuance.terms)}


def _stored(name: str, value: Any) -> Any:
    match name:
        case "status":
            return value.value
        case "steps":
            return [step_row(step) for step in value]
        case "approval":
            return _approval_row(value)
    return value


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
    fields: dict[str, Any] = row._asdict()
    own = {name: fields[name] for name in _OWN_FIELDS}
    own |= {
        "status": IssuanceStatus(own["status"]),
        "steps": tuple(step_of(step) for step in own["steps"]),
        "approval": approval_of(own["approval"]),
        "terms": IssuanceTerms(**{name: fields[name] for name in IssuanceTerms.__dataclass_fields__}),
    }
    return CardIssuance(**own)
