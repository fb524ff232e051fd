"""Giving a standing accredited system a password, for one that cannot show a certificate; and taking it away.

It is done at the registration authority's own machine: two people approved the system and what it may read,
and whoever has that machine hands the password over, which is shown once.
"""

from __future__ import annotations

from app.domain.actor import Actor
from app.domain.system import SystemStatus
from app.domain.system_password import hashed, new_password
from app.domain.system_request import SystemInOtherState
from app.errors import NotFound
from app.ra.ports import Database, Work


class GivingSystemPasswords:
    """Gives and takes away the passwords of systems."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def give(self, actor: Actor, asid: str) -> str:
        """Make a new password, in place of any before, and return it. Only its hash is kept.

        Raises:
            NotFound, SystemInOtherState, Unavailable
        """
        password = new_password()
        with self._database.audited(actor, "system.password_given", asid) as work:
            _require_active(work, asid)
            work.system_passwords.put(asid, hashed(password), work.now)
            work.outbox.add("directory.system", asid)
        return password

    def take_away(self, actor: Actor, asid: str) -> None:
        """Let the system's password count no more.

        Raises:
            NotFound: it has none.
            Unavailable
        """
        with self._database.audited(actor, "system.password_taken_away", asid) as work:
            if not work.system_passwords.remove(asid):
                raise NotFound("This system has no password.")
            work.outbox.add("directory.system", asid)


def _require_active(work: Work, asid: str) -> None:
    system = work.systems.accredited_system(asid)
    if system is None:
        raise NotFound("There is no accredited system of this id.")
    if system.status is not SystemStatus.ACTIVE:
        raise SystemInOtherState("Only a system that is in use is given a password.")
