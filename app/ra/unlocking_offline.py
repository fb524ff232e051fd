"""Unlocking without network: RA staff take a challenge by telephone and give the response."""

from __future__ import annotations

from dataclasses import replace

from app.domain.actor import Actor
from app.domain.card_job import JobKind, require_other_than_holder
from app.domain.offline_unlock import IDENTITY_CHECKS, challenge_from_untrusted
from app.domain.permission import Permission
from app.domain.so_pin_release import ReleaseBasis
from app.errors import InvalidInput
from app.ra.ports import Database
from app.ra.unlocking import begin_unlocking, require_card


class UnlockingOffline:
    """Begins unlockings by challenge and response; the operator's card signs them at their own desk."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, actor: Actor, card_serial: str, challenge: str, identity_check: str, note: str) -> str:
        """Record the challenge and how the caller was known; the job's id.

        Raises:
            NotPermitted, CannotWorkOnOwnCard, NotFound, CardMoveNotAllowed, InvalidInput
        """
        with self._database.audited(actor, "card_job.begun", card_serial, kind=JobKind.UNLOCK.value) as work:
            actor.require(Permission.UNLOCK_CARD)
            card, holder = require_card(work, card_serial)
            require_other_than_holder(actor.uid, holder)
            if identity_check not in IDENTITY_CHECKS:
                raise InvalidInput({"identity_check": "Choose how you know who the caller is."})
            asked = challenge_from_untrusted(challenge)
            known = work.offline_workstations.get(asked.workstation_id.hex())
            if known is None or known.wrapped_key is None or known.retired_at is not None:
                raise InvalidInput({"challenge": "This computer is not registered for this."})
            job = begin_unlocking(work, card, holder, ReleaseBasis.OFFLINE, actor)
            facts = {**job.facts, "challenge": asked.of_card(card_serial).hex(), "workstation": known.id}
            work.card_jobs.save(replace(job, facts=facts))
            work.audit.details(workstation=known.id, identity_check=identity_check, note=note[:500])
            return job.id
