"""A business database in which nothing can be audited any more."""

from __future__ import annotations

from sqlalchemy import text

from tests.support.certificates import RegistrationRecord


def break_audit(record: RegistrationRecord) -> None:
    """The disk of the audit is full, as far as the database can tell."""
    with record.database.change() as work:
        work.connection.execute(
            text(
                "CREATE TRIGGER full_disk BEFORE INSERT ON audit_event "
                "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
            )
        )


def mend_audit(record: RegistrationRecord) -> None:
    with record.database.change() as work:
        work.connection.execute(text("DROP TRIGGER full_disk"))
