"""Challenges of card sign-ins, accepted terms, and who signs in with which roles."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from app.domain.card import CardStatus
from app.domain.certificate import CertificateStatus
from app.domain.person import PersonStatus
from app.domain.role_profile import RoleProfile
from app.ra.taking_into_use import first_used
from app.signin.session import ChosenRole
from app.signin.signature import NonceHashes
from app.signin.staff import CardHolder, CodedName, StaffMember, StaffRole
from app.storage.tables.cards import card, certificate
from app.storage.tables.people import person, professional_registration
from app.storage.tables.sessions import role_choice, sign_in_challenge, terms_acceptance
from app.storage.upsert import insert_or

if TYPE_CHECKING:
    from app.storage.work import Work


class SignIns:
    """What sign-in reads and writes, in one transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._connection = work.connection

    def add_challenge(self, nonce: NonceHashes, session_key_hash: str, expires_at: datetime) -> None:
        """Keep a challenge for one browser session."""
        self._connection.execute(
            insert(sign_in_challenge).values(
                nonce_sha256=nonce.sha256.hex(),
                nonce_sha384=nonce.sha384.hex(),
                session_key_hash=session_key_hash,
                expires_at=expires_at,
            )
        )

    def claim_challenges(self, session_key_hash: str) -> list[NonceHashes]:
        """Use up the session's pending challenges (one a tab); of two calls at once, one gets them."""
        table = sign_in_challenge.c
        pending = (table.session_key_hash == session_key_hash) & table.used_at.is_(None)
        claimed = (
            update(sign_in_challenge)
            .where(pending, table.expires_at > self._work.now)
            .values(used_at=self._work.now)
            .returning(table.nonce_sha256, table.nonce_sha384)
        )
        rows = self._connection.execute(claimed)
        return [NonceHashes(bytes.fromhex(sha256), bytes.fromhex(sha384)) for sha256, sha384 in rows]

    def card_holder(self, serial_number: str) -> CardHolder | None:
        """The authentication certificate with this serial number, its card and holder.

        The card cannot be ended until this transaction is over, so a report that comes now ends the session.
        """
        chosen = (
            select(
                certificate.c.der,
                certificate.c.status.label("certificate_status"),
                card.c.serial,
                card.c.status.label("card_status"),
                card.c.usable_from,
                person.c.uid,
                person.c.given_name,
                person.c.family_name,
                person.c.status.label("person_status"),
            )
            .join(card, card.c.serial == certificate.c.card_serial)
            .join(person, person.c.uid == certificate.c.uid)
            .where(certificate.c.serial_number == serial_number, certificate.c.purpose == "authentication")
            .with_for_update(read=True, of=card)
        )
        row = self._connection.execute(chosen).one_or_none()
        return _holder_of(row) if row else None

    def take_into_use(self, serial_number: str, address: str) -> bool:
        """Whether it is a renewed card's, used for the first time: from now on it counts, not the old."""
        return first_used(self._work, serial_number, address)

    def terms_accepted_at(self, uid: str, version: str) -> datetime | None:
        """When the person accepted this version."""
        of_person = (terms_acceptance.c.uid == uid) & (terms_acceptance.c.version == version)
        return self._connection.scalar(select(terms_acceptance.c.accepted_at).where(of_person))

    def accept_terms(self, uid: str, version: str) -> None:
        """Keep that the person accepts this version now; a second time changes nothing."""
        statement = insert_or(self._connection, terms_acceptance).values(
            uid=uid, version=version, accepted_at=self._work.now
        )
        self._connection.execute(statement.on_conflict_do_nothing())

    def remember_role(self, uid: str, role_profile_id: str) -> None:
        """Keep which role the person used last."""
        used = {"role_profile_id": role_profile_id, "chosen_at": self._work.now}
        statement = insert_or(self._connection, role_choice).values(uid=uid, **used)
        self._connection.execute(statement.on_conflict_do_update(index_elements=["uid"], set_=used))

    def _counting(self, uid: str, today: date) -> list[RoleProfile]:
        """Role profiles that count today, the one used last first."""
        last = self._connection.scalar(select(role_choice.c.role_profile_id).where(role_choice.c.uid == uid))
        counting = self._work.role_profiles.counting(uid, today)
        return sorted(counting, key=lambda profile: profile.id != last)

    def role_profiles(self, uid: str, today: date) -> tuple[ChosenRole, ...]:
        """What the person may choose from today, the one used last first."""
        return tuple(
            ChosenRole(profile.id, profile.organisation_code, profile.job_role_code, profile.activity_codes)
            for profile in self._counting(uid, today)
        )

    def roles(self, uid: str, today: date) -> tuple[StaffRole, ...]:
        """The same, with all names and resolved activities."""
        counting = self._counting(uid, today)
        positions = self._work.positions.names([profile.position_id for profile in counting])
        return tuple(self._role_of(profile, positions[profile.position_id]) for profile in counting)

    def _role_of(self, profile: RoleProfile, position_name: str) -> StaffRole:
        organisation = self._work.organisations.get(profile.organisation_code)
        return StaffRole(
            role_profile_id=profile.id,
            organisation_person_id=profile.organisation_person_id,
            organisation=CodedName(
                profile.organisation_code, organisation.name if organisation else profile.organisation_code
            ),
            position_name=position_name,
            job_role=self._job_role(profile.job_role_code),
            activities=tuple(self._activity(code) for code in profile.activity_codes),
            workgroups=profile.workgroups,
            resolved_activities=tuple(
                self._activity(code)
                for code in self._work.rbac.resolve(profile.job_role_code, profile.activity_codes)
            ),
        )

    def _job_role(self, code: str) -> CodedName:
        found = self._work.rbac.job_role(code)
        return CodedName(found.full_code, found.full_name) if found else CodedName(code, code)

    def _activity(self, code: str) -> CodedName:
        found = self._work.rbac.activity(code)
        return CodedName(code, found.name if found else code)

    def staff_member(self, uid: str, today: date) -> StaffMember | None:
        """The active person with the roles that count today, the one used last first."""
        row = self._connection.execute(
            select(person).where(person.c.uid == uid, person.c.status == PersonStatus.ACTIVE.value)
        ).one_or_none()
        if row is None:
            return None
        return StaffMember(
            uid,
            row.title,
            row.given_name,
            row.middle_names,
            row.family_name,
            row.email,
            self._registrations(uid),
            self.roles(uid, today),
        )

    def _registrations(self, uid: str) -> dict[str, str]:
        table = professional_registration.c
        rows = self._connection.execute(select(table.body, table.number).where(table.uid == uid))
        return {row.body: row.number for row in rows}


def _holder_of(row: Any) -> CardHolder:
    return CardHolder(
        row.der,
        CertificateStatus(row.certificate_status),
        row.serial,
        CardStatus(row.card_status),
        row.uid,
        f"{row.given_name} {row.family_name}",
        PersonStatus(row.person_status),
        row.usable_from,
    )
