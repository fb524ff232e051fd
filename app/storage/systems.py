"""Accredited systems and message handling systems in the database."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Connection, Row, Text, cast, func, insert, or_, select, update
from sqlalchemy.sql import ColumnElement

from app.domain.read_right import ReadRight
from app.domain.system import (
    AccreditedSystem,
    DnsApproval,
    FourEyes,
    MessageHandlingSystem,
    SystemStatus,
)
from app.storage.tables.systems import accredited_system, message_handling_system

_FOUR_EYES = tuple(FourEyes.__dataclass_fields__)
_LIVE = message_handling_system.c.status != SystemStatus.CLOSED.value


class Systems:
    """Every registered system."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, system: AccreditedSystem) -> None:
        """Register an accredited system."""
        self._connection.execute(insert(accredited_system).values(row_of(system)))

    def add_message_handling_system(self, system: MessageHandlingSystem) -> None:
        """Register where an interaction is reached."""
        self._connection.execute(insert(message_handling_system).values(row_of(system)))

    def save(self, system: AccreditedSystem) -> None:
        """Keep an accredited system as it is now."""
        changed = update(accredited_system).where(accredited_system.c.asid == system.asid)
        self._connection.execute(changed.values(row_of(system)))

    def save_message_handling_system(self, system: MessageHandlingSystem) -> None:
        """Keep a message handling system as it is now."""
        changed = update(message_handling_system).where(message_handling_system.c.id == system.id)
        self._connection.execute(changed.values(row_of(system)))

    def search(self, text: str, status: SystemStatus | None, limit: int) -> list[AccreditedSystem]:
        """Those whose ASID, organisation, party key, product, maker or an interaction has the text."""
        conditions = [accredited_system.c.status == status.value] if status else []
        if text:
            conditions.append(_mentions(text))
        return self._accredited(*conditions, limit=limit)

    def endpoints_of(self, party_key: str) -> list[MessageHandlingSystem]:
        """The message handling systems of the party that are not closed."""
        return self._message_handling(message_handling_system.c.party_key == party_key, _LIVE)

    def accredited_system(self, asid: str) -> AccreditedSystem | None:
        """The accredited system with this id."""
        return next(iter(self._accredited(accredited_system.c.asid == asid)), None)

    def message_handling_system(self, mhs_id: str) -> MessageHandlingSystem | None:
        """The message handling system with this id."""
        return next(iter(self._message_handling(message_handling_system.c.id == mhs_id)), None)

    def accredited_system_of(self, organisation_code: str, product: str) -> AccreditedSystem | None:
        """The accredited system of that product there that is not closed."""
        table = accredited_system.c
        found = self._accredited(
            table.organisation_code == organisation_code,
            table.product == product,
            table.status != SystemStatus.CLOSED.value,
        )
        return next(iter(found), None)

    def message_handling_system_of(self, party_key: str, interaction: str) -> MessageHandlingSystem | None:
        """Where that interaction of the party is reached; None when that is closed."""
        table = message_handling_system.c
        found = self._message_handling(table.party_key == party_key, table.interaction == interaction, _LIVE)
        return next(iter(found), None)

    def all_accredited_systems(self) -> list[AccreditedSystem]:
        """Every accredited system by id."""
        return self._accredited()

    def followers(self) -> list[str]:
        """The ASIDs of the active systems that may read the change log, sorted."""
        table = accredited_system.c
        # As text: SQLite and PostgreSQL have no common way to ask what a JSON list contains.
        may_follow = cast(table.read_rights, Text).contains(f'"{ReadRight.CHANGES}"')
        active = table.status == SystemStatus.ACTIVE.value
        return list(
            self._connection.scalars(select(table.asid).where(active, may_follow).order_by(table.asid))
        )

    def all_message_handling_systems(self) -> list[MessageHandlingSystem]:
        """Every message handling system by id."""
        return self._message_handling()

    def all_ids(self) -> list[str]:
        """ASIDs and ids of message handling systems, those that take part no more too."""
        ids = (accredited_system.c.asid, message_handling_system.c.id)
        return [
            found for column in ids for found in self._connection.scalars(select(column).order_by(column))
        ]

    def _accredited(
        self, *conditions: ColumnElement[bool], limit: int | None = None
    ) -> list[AccreditedSystem]:
        chosen = select(accredited_system).where(*conditions).order_by(accredited_system.c.asid).limit(limit)
        return [_accredited_system_of(row) for row in self._connection.execute(chosen)]

    def _message_handling(self, *conditions: ColumnElement[bool]) -> list[MessageHandlingSystem]:
        chosen = select(message_handling_system).where(*conditions).order_by(message_handling_system.c.id)
        return [_message_handling_system_of(row) for row in self._connection.execute(chosen)]


def row_of(system: AccreditedSystem | MessageHandlingSystem) -> dict[str, object]:
    """The system's row."""
    row: dict[str, object] = asdict(system) | {"status": system.status.value}
    del row["approval"]
    if isinstance(system, MessageHandlingSystem):
        del row["dns"]
        row |= _dns_columns(system.dns)
    else:
        row |= {"interactions": list(system.interactions), "read_rights": sorted(system.read_rights)}
    return row | asdict(system.approval)


def _dns_columns(dns: DnsApproval | None) -> dict[str, object]:
    return {
        "dns_approved_by": dns.approved_by if dns else None,
        "dns_approved_at": dns.approved_at if dns else None,
    }


def _mentions(text: str) -> ColumnElement[bool]:
    table = accredited_system.c
    # The interactions are a JSON text in both databases, and every id in it stands whole.
    columns = (table.asid, table.organisation_code, table.party_key, table.product, table.manufacturer_code)
    wanted = text.casefold()
    in_columns = [func.lower(column).contains(wanted, autoescape=True) for column in columns]
    interactions = cast(table.interactions, Text)
    return or_(*in_columns, func.lower(interactions).contains(wanted, autoescape=True))


def _shared(row: Row[tuple[object, ...]]) -> dict[str, object]:
    fields = dict(row._mapping)
    approval = FourEyes(**{name: fields.pop(name) for name in _FOUR_EYES})
    return fields | {"status": SystemStatus(fields["status"]), "approval": approval}


def _accredited_system_of(row: Row[tuple[object, ...]]) -> AccreditedSystem:
    fields = _shared(row)
    lists = {
        "interactions": tuple(row._mapping["interactions"]),
        "read_rights": frozenset(map(ReadRight, row._mapping["read_rights"])),
    }
    return AccreditedSystem(**fields | lists)  # type: ignore[arg-type]


def _message_handling_system_of(row: Row[tuple[object, ...]]) -> MessageHandlingSystem:
    fields = _shared(row)
    by, at = fields.pop("dns_approved_by"), fields.pop("dns_approved_at")
    dns = DnsApproval(by, at) if by else None  # type: ignore[arg-type]
    return MessageHandlingSystem(**fields, dns=dns)  # type: ignore[arg-type]
