"""Registering the computers that can unlock cards without network."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from app.domain.actor import Actor
from app.domain.desk_record import TicketNotValid, hash_of, new_secret
from app.domain.offline_unlock import ID_BYTES
from app.domain.permission import Permission
from app.domain.pin_policy import PinPolicy
from app.domain.workstation import INVITATION_LASTS, Workstation
from app.errors import InvalidInput, NotFound
from app.ra.desk_access import STRANGER
from app.ra.ports import CertificateAuthority, Database


class RegisteringWorkstations:
    """Invites computers, takes their keys in, and retires them.

    ``pin_policy`` is told to each, because without network there is nobody whom it could ask.
    """

    def __init__(
        self,
        database: Database,
        certificate_authority: CertificateAuthority,
        pin_policy: PinPolicy | None = None,
    ) -> None:
        self._database = database
        self._certificate_authority = certificate_authority
        self.pin_policy = pin_policy or PinPolicy()

    def escrow_key(self) -> bytes:
        """The public key, PEM, to which a computer wraps its key. Raises Unavailable."""
        return self._certificate_authority.escrow_public_key()

    def invite(self, actor: Actor, name: str) -> str:
        """Invite this computer; the one-time ticket, valid for five minutes, for its card agent.

        Raises:
            NotPermitted, InvalidInput
        """
        ticket, workstation_id = new_secret(), secrets.token_hex(ID_BYTES)
        with self._database.audited(actor, "workstation.invited", workstation_id, name=name) as work:
            actor.require(Permission.ISSUE_CARD)
            if not name.strip():
                raise InvalidInput({"name": "Enter the computer's place, such as: Ward 7, by the window."})
            work.offline_workstations.add(
                Workstation(workstation_id, name.strip(), actor.uid, work.now, hash_of(ticket))
            )
        return ticket

    def register(self, ticket: str, wrapped_key: bytes) -> Workstation:
        """Keep the computer's wrapped key.

        Raises:
            TicketNotValid
        """
        with self._database.audited(STRANGER, "workstation.registered", "(unknown)") as work:
            since = work.now - INVITATION_LASTS
            found = work.offline_workstations.register(hash_of(ticket), wrapped_key, since)
            if found is None:
                raise TicketNotValid("This link was used or has run out. Begin again on the site.")
            work.audit.details(workstation=found.id)
            return found

    def invited(self, ticket: str) -> Workstation:
        """The computer that the ticket invites, to be told its id. Raises TicketNotValid."""
        with self._database.read() as work:
            found = [each for each in work.offline_workstations.all() if each.ticket_hash == hash_of(ticket)]
        if not found:
            raise TicketNotValid("This link was used or has run out. Begin again on the site.")
        return found[0]

    def all(self, actor: Actor) -> Sequence[Workstation]:
        """Every computer, newest first. Raises NotPermitted."""
        actor.require(Permission.ISSUE_CARD)
        with self._database.read() as work:
            return work.offline_workstations.all()

    def retire(self, actor: Actor, workstation_id: str) -> None:
        """Refuse the computer's challenges from now on. Raises NotPermitted, NotFound."""
        with self._database.audited(actor, "workstation.retired", workstation_id) as work:
            actor.require(Permission.ISSUE_CARD)
            if work.offline_workstations.get(workstation_id) is None:
                raise NotFound("There is no such computer.")
            work.offline_workstations.retire(workstation_id, work.now)
