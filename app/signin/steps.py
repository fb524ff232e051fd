"""What follows the card: accepting the terms of use and choosing a role."""

from __future__ import annotations

from typing import ClassVar

from app.domain.actor import Actor
from app.domain.audit_event import AuditEvent
from app.errors import Refusal
from app.signin.ports import SignInDatabase, SignInWork
from app.signin.session import ChosenRole
from app.signin.staff import StaffRole
from app.signin.terms import TERMS_VERSION

#: More roles than this are searched instead of listed.
LONGEST_ROLE_LIST = 5


class RoleNotOffered(Refusal):
    """The role is not one of the person's, or no longer counts."""

    code: ClassVar[str] = "role_not_offered"


class TermsChanged(Refusal):
    """The terms that were read are no longer the ones in force."""

    code: ClassVar[str] = "terms_changed"


def settle_what_needs_no_question(
    work: SignInWork, session_id: str, uid: str, terms_version: str, address: str
) -> None:
    """Terms accepted before, and a role when there is none or one, are settled without asking."""
    if work.sign_ins.terms_accepted_at(uid, terms_version) is not None:
        work.sessions.settle_terms(session_id)
    roles = work.sign_ins.role_profiles(uid, work.now.date())
    if not roles:
        work.sessions.settle_role(session_id, None)
    elif len(roles) == 1:
        _choose(work, session_id, Actor(uid, "", address=address), roles[0])


def _choose(work: SignInWork, session_id: str, actor: Actor, role: ChosenRole) -> None:
    work.sessions.settle_role(session_id, role.role_profile_id)
    work.sign_ins.remember_role(actor.uid, role.role_profile_id)
    details = {
        "session": session_id,
        "organisation_code": role.organisation_code,
        "job_role_code": role.job_role_code,
    }
    work.audit.record(AuditEvent.by(actor, "role.chosen", role.role_profile_id, details))


class SignInSteps:
    """Terms and role of a signed-in person. No step asks for the PIN again."""

    def __init__(self, database: SignInDatabase, terms_version: str = TERMS_VERSION) -> None:
        self._database = database
        self.terms_version = terms_version

    def accept_terms(self, actor: Actor, session_id: str, version: str) -> None:
        """Keep that the person accepts this version of the terms.

        Raises:
            TermsChanged: another version came into force meanwhile.
        """
        if version != self.terms_version:
            raise TermsChanged("The terms of use have changed meanwhile. Read them again.")
        with self._database.change() as work:
            work.sign_ins.accept_terms(actor.uid, version)
            work.sessions.settle_terms(session_id)
            work.audit.record(AuditEvent.by(actor, "terms.accepted", actor.uid, {"version": version}))

    def roles(self, uid: str) -> tuple[StaffRole, ...]:
        """The roles that count today, the one used last first."""
        with self._database.read() as work:
            return work.sign_ins.roles(uid, work.now.date())

    def choose_role(self, actor: Actor, session_id: str, role_profile_id: str) -> None:
        """Work in this role from now on.

        Raises:
            RoleNotOffered
        """
        if not self._was_chosen(actor, session_id, role_profile_id):
            raise RoleNotOffered("This role is not yours or no longer counts. Choose one that is listed.")

    def _was_chosen(self, actor: Actor, session_id: str, role_profile_id: str) -> bool:
        """Chosen, or its refusal recorded: the refusal itself is raised after the transaction."""
        with self._database.change() as work:
            offered = work.sign_ins.role_profiles(actor.uid, work.now.date())
            role = next((role for role in offered if role.role_profile_id == role_profile_id), None)
            if role is None:
                tried = AuditEvent.by(actor, "role.chosen", role_profile_id, {"session": session_id})
                work.audit.record(tried.refused(RoleNotOffered.code))
                return False
            _choose(work, session_id, actor, role)
            return True


def roles_matching(roles: tuple[StaffRole, ...], text: str) -> tuple[StaffRole, ...]:
    """The roles whose position, organisation or job role, by name or code, has every word of the text."""
    words = text.casefold().split()
    return tuple(role for role in roles if all(word in _searchable(role) for word in words))


def _searchable(role: StaffRole) -> str:
    named = (role.organisation, role.job_role)
    return " ".join([role.position_name, *(f"{each.code} {each.name}" for each in named)]).casefold()
