"""What was taken over from another directory, in the database: kept in batches, over what it was before."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Column, Connection, Table, delete, func, insert, select, update

from app.domain.professional_registration import ProfessionalBody, ProfessionalRegistration
from app.ra.mapping_old_entries import REGISTERED_BY, PlaceOf
from app.ra.migration_ports import Finding, Migration, Taken
from app.ra.old_entries import Kind
from app.storage.migrated_ends import endings
from app.storage.migrated_rows import RowsOf
from app.storage.tables.access import organisation_person, position, role_profile
from app.storage.tables.migration import migrated_record, migration, migration_finding
from app.storage.tables.organisations import organisation
from app.storage.tables.people import person, professional_registration
from app.storage.tables.systems import accredited_system, message_handling_system
from app.storage.upsert import insert_or

MIGRATION_ID = 1
_REFERENCE = "migration"
_POSITION = "Access taken over from the directory before"

_TABLES: Mapping[Kind, tuple[Table, Column[str]]] = {
    Kind.ORGANISATION: (organisation, organisation.c.code),
    Kind.PERSON: (person, person.c.uid),
    Kind.PLACE: (organisation_person, organisation_person.c.id),
    Kind.ROLE: (role_profile, role_profile.c.id),
    Kind.ACCREDITED_SYSTEM: (accredited_system, accredited_system.c.asid),
    Kind.ENDPOINT: (message_handling_system, message_handling_system.c.id),
}


class Migrated:
    """The migration as one transaction sees it. Batches are of at most a thousand records."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def state(self) -> Migration | None:
        """How far it has come; None before it begins."""
        row = self._connection.execute(select(migration)).one_or_none()
        return Migration(row.source, row.followed_to, row.cut_over_at) if row else None

    def begin(self, source: str) -> None:
        """Note that entries of the source are taken over; what was found in it before is found anew."""
        row = {"id": MIGRATION_ID, "source": source[:200], "begun_at": self._now}
        begun = insert_or(self._connection, migration).values(row)
        self._connection.execute(begun.on_conflict_do_nothing(index_elements=["id"]))
        self._connection.execute(delete(migration_finding).where(migration_finding.c.source == source[:200]))

    def note_followed(self, number: int) -> None:
        """Note that the old directory's changes up to this one were taken over."""
        self._connection.execute(update(migration).values(followed_to=number))

    def cut_over(self) -> None:
        """Note that from now on nothing is taken over."""
        self._connection.execute(update(migration).values(cut_over_at=self._now))

    def note(self, findings: Sequence[Finding]) -> None:
        """Keep what could not be mapped, and why."""
        rows = [asdict(each) | {"at": self._now, "source": each.source[:200]} for each in findings]
        if rows:
            self._connection.execute(insert(migration_finding), rows)

    def findings(self, kind: str, limit: int) -> list[Finding]:
        """The first findings of a kind, in the order in which they were found."""
        columns = [migration_finding.c[name] for name in Finding.__dataclass_fields__]
        chosen = select(*columns).where(migration_finding.c.kind == kind).order_by(migration_finding.c.id)
        return [Finding(*row) for row in self._connection.execute(chosen.limit(limit))]

    def count_findings(self) -> dict[str, int]:
        """How many findings there are of each kind."""
        chosen = select(migration_finding.c.kind, func.count()).group_by(migration_finding.c.kind)
        return {row[0]: row[1] for row in self._connection.execute(chosen)}

    def digests(self, kind: Kind, ids: Collection[str]) -> dict[str, str]:
        """The digest of each of these records that was taken over."""
        chosen = select(migrated_record.c.id, migrated_record.c.digest)
        wanted = chosen.where(migrated_record.c.kind == kind.value, migrated_record.c.id.in_(ids))
        return {row.id: row.digest for row in self._connection.execute(wanted)}

    def existing(self, kind: Kind, ids: Collection[str]) -> set[str]:
        """Which of these exist here, taken over or not."""
        _, key = _TABLES[kind]
        return set(self._connection.scalars(select(key).where(key.in_(ids))))

    def places(self, uids: Collection[str]) -> dict[tuple[str, str], PlaceOf]:
        """People's places by user id and organisation."""
        chosen = select(organisation_person).where(organisation_person.c.uid.in_(uids))
        rows = self._connection.execute(chosen)
        return {(row.uid, row.organisation_code): PlaceOf(row.id, row.opened_on) for row in rows}

    def owners(self, numbers: Collection[str]) -> dict[ProfessionalRegistration, str]:
        """Whose the professional numbers are, by body and number."""
        chosen = select(professional_registration).where(professional_registration.c.number.in_(numbers))
        rows = self._connection.execute(chosen)
        return {ProfessionalRegistration(ProfessionalBody(row.body), row.number): row.uid for row in rows}

    def positions(self, codes: Collection[str]) -> dict[str, str]:
        """The closed position on which what was taken over hangs, by organisation."""
        chosen = select(position.c.organisation_code, position.c.id).where(
            position.c.organisation_code.in_(codes), position.c.approval_reference == _REFERENCE
        )
        return {row.organisation_code: row.id for row in self._connection.execute(chosen)}

    def add_positions(self, ids: Mapping[str, str]) -> None:
        """Make such positions. They are closed: nobody can be given one."""
        same = {
            "name": _POSITION,
            "notes": "",
            "status": "closed",
            "approval_reference": _REFERENCE,
            "approved_by": _POSITION,
            "approved_on": self._now.date(),
            "created_by": REGISTERED_BY,
            "created_at": self._now,
        }
        rows = [{"organisation_code": code, "id": identifier} | same for code, identifier in ids.items()]
        if rows:
            self._connection.execute(insert(position), rows)

    def save(self, kind: Kind, taken: Sequence[Taken]) -> None:
        """Keep records of one kind, over what they were."""
        table, key = _TABLES[kind]
        rows = RowsOf(MIGRATION_ID, self._now)
        self._upsert(table, [key.name], [rows.row(each.value) for each in taken])
        if kind is Kind.PERSON:
            self._save_registrations([each.id for each in taken], rows.registrations(taken))
        records = [{"kind": kind.value, "id": each.id, "digest": each.digest} for each in taken]
        self._upsert(migrated_record, ["kind", "id"], records)

    def end(self, kind: Kind, identifier: str) -> None:
        """End what the old directory has deleted. Nothing is removed; what was not taken over is left."""
        if identifier in self.digests(kind, [identifier]):
            for statement in endings(kind, identifier, self._now):
                self._connection.execute(statement)
            forgotten = migrated_record.c.kind == kind.value, migrated_record.c.id == identifier
            # So that the same entry, added again, is taken over again.
            self._connection.execute(update(migrated_record).where(*forgotten).values(digest=""))

    def _upsert(self, table: Table, key: list[str], rows: Sequence[Mapping[str, object]]) -> None:
        if not rows:
            return
        statement = insert_or(self._connection, table)
        replaced = {name: statement.excluded[name] for name in rows[0] if name not in key}
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=key, set_=replaced), list(rows)
        )

    def _save_registrations(self, uids: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
        """The numbers that a person has now, instead of those of before."""
        kept = professional_registration.c.uid.in_(uids)
        self._connection.execute(delete(professional_registration).where(kept))
        if rows:
            self._connection.execute(insert(professional_registration), list(rows))
