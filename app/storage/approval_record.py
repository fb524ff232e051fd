"""What the registration authority's database says of an approval, read by the certificate authority."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from app.ca.ports import IssuanceOnRecord, JobOnRecord
from app.domain.card_job import CardJob, JobKind
from app.domain.issuance import IssuanceStatus
from app.domain.json_value import JsonValue
from app.domain.permission import Permission
from app.domain.permissions_policy import PermissionsPolicy
from app.domain.person import PersonStatus
from app.storage.card_jobs import CardJobs
from app.storage.database import Database
from app.storage.prepared import Prepared
from app.storage.receipt_background import background_of_card, background_of_system
from app.storage.role_profiles import RoleProfiles
from app.storage.tables.cards import card_issuance
from app.storage.tables.people import person
from app.storage.tables.systems import accredited_system

_ACTIVE = PersonStatus.ACTIVE.value
_ISSUANCE = Prepared(
    select(
        card_issuance.c.status,
        card_issuance.c.uid,
        card_issuance.c.card_serial,
        card_issuance.c.operator_uid,
        person.c.status.label("operator_status"),
    )
    .outerjoin(person, person.c.uid == card_issuance.c.operator_uid)
    .where(card_issuance.c.id == bindparam("id"))
)
_STATUS = select(person.c.status).where(person.c.uid == bindparam("uid"))


class StoredApprovals:
    """Read-only look-ups (``app.ca.ports.ApprovalRecord``).

    Args:
        database: the registration authority's.
        policy: which role profile carries which permission.
    """

    def __init__(self, database: Database, policy: PermissionsPolicy) -> None:
        self._database = database
        self._policy = policy

    def issuance(self, issuance_id: str, now: datetime) -> IssuanceOnRecord | None:
        """The issuance or renewal with this id, and whether an issuance's operator may issue cards now."""
        with self._database.read() as work:
            issuance = _ISSUANCE.first(work.connection, {"id": issuance_id})
            if issuance is None:
                return _renewal(CardJobs(work.connection).get(issuance_id))
            may_issue = issuance.operator_status == _ACTIVE and self._carries(
                work.connection, issuance.operator_uid, Permission.ISSUE_CARD, now
            )
        return IssuanceOnRecord(
            is_open=IssuanceStatus(issuance.status).is_open,
            holder_uid=issuance.uid,
            card_serial=issuance.card_serial,
            operator_uid=issuance.operator_uid,
            operator_may_issue=may_issue,
        )

    def may(self, uid: str, permission: Permission, now: datetime) -> bool:
        """Whether the person is active and holds a role profile that carries the permission now."""
        with self._database.read() as work:
            return self._may(work.connection, uid, permission, now)

    def is_colleague(self, uid: str, holder_uid: str, now: datetime) -> bool:
        """Whether the person is active and works now at an organisation where the holder does."""
        with self._database.read() as work:
            if not _is_active(work.connection, uid):
                return False
            roles = RoleProfiles(work.connection)
            places, holders = (
                {each.organisation_code for each in roles.counting(each_uid, now.date())}
                for each_uid in (uid, holder_uid)
            )
        return bool(places & holders)

    def card_job(self, job_id: str) -> JobOnRecord | None:
        """The card job with this id."""
        with self._database.read() as work:
            job = CardJobs(work.connection).get(job_id)
        if job is None:
            return None
        return JobOnRecord(
            kind=job.kind.value,
            is_open=job.status.is_open,
            holder_uid=job.uid,
            card_serial=job.card_serial,
            operator_uid=job.operator_uid,
            basis=str(job.facts.get("basis", "")),
        )

    def workstation_key(self, workstation_id: str) -> bytes | None:
        """The wrapped key of a computer that is registered and not retired."""
        with self._database.read() as work:
            found = work.offline_workstations.get(workstation_id)
        return found.wrapped_key if found and found.retired_at is None else None

    def escrowed_so_pins(self, card_serial: str) -> list[bytes]:
        """The card's wrapped SO PINs: the one it is known to have first, then the newest others."""
        with self._database.read() as work:
            return work.cards.wrapped_so_pins(card_serial)

    def is_system_approved(self, asid: str) -> bool:
        """Whether two people registered and approved the accredited system, and it is not closed."""
        chosen = select(accredited_system.c.asid).where(
            accredited_system.c.asid == asid,
            accredited_system.c.status == "active",
            accredited_system.c.requested_by != accredited_system.c.approved_by,
        )
        with self._database.read() as work:
            return work.connection.execute(chosen).first() is not None

    def background(self, issuance_id: str, holder_uid: str) -> Mapping[str, JsonValue]:
        """What a receipt tells of a person's registration and of the card's keys."""
        with self._database.read() as work:
            return background_of_card(work.connection, issuance_id, holder_uid)

    def system_background(self, asid: str) -> Mapping[str, JsonValue]:
        """What a receipt tells of an accredited system."""
        with self._database.read() as work:
            return background_of_system(work.connection, asid)

    def _may(self, connection: Connection, uid: str | None, permission: Permission, now: datetime) -> bool:
        if uid is None or not _is_active(connection, uid):
            return False
        return self._carries(connection, uid, permission, now)

    def _carries(self, connection: Connection, uid: str, permission: Permission, now: datetime) -> bool:
        return any(
            permission in self._policy.permissions_of(each.job_role_code, each.activity_codes)
            for each in RoleProfiles(connection).counting(uid, now.date())
        )


def _renewal(job: CardJob | None) -> IssuanceOnRecord | None:
    if job is None or job.kind is not JobKind.RENEW:
        return None
    return IssuanceOnRecord(
        is_open=job.status.is_open,
        holder_uid=job.uid,
        card_serial=job.card_serial,
        operator_uid=job.operator_uid,
        # Who signed a renewal, and what they may do, is looked at for each signature.
        operator_may_issue=False,
        is_renewal=True,
    )


def _is_active(connection: Connection, uid: str) -> bool:
    return connection.scalar(_STATUS, {"uid": uid}) == _ACTIVE
