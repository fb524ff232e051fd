"""Two colleagues vouch for somebody whose card is locked, with their own cards.

The first of them begins it on their own page, so that nobody outside learns who has a card. Both sign at the
desk; what they sign, and that they work where the holder works, is verified here and by the CA.
"""

from __future__ import annotations

from app.domain.actor import Actor
from app.domain.card_job import JobKind, require_other_than_holder
from app.domain.desk_record import new_secret, with_ticket
from app.domain.so_pin_release import ReleaseBasis
from app.domain.unlocking import can_be_unlocked
from app.errors import NotPermitted
from app.ra.ports import Database
from app.ra.signing_releases import are_colleagues
from app.ra.unlocking import begin_unlocking


class Vouching:
    """Begins unlockings that colleagues vouch for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, actor: Actor, uid: str) -> str:
        """Begin to unlock a colleague's card; the ticket for the desk.

        Raises:
            CannotWorkOnOwnCard, NotPermitted: there is no such colleague with a card that can be unlocked.
        """
        ticket = new_secret()
        with self._database.audited(actor, "card_job.begun", uid[:12], kind=JobKind.UNLOCK.value) as work:
            require_other_than_holder(actor.uid, uid)
            card = next((each for each in work.cards.of(uid) if can_be_unlocked(each)), None)
            if card is None or not are_colleagues(work, actor.uid, uid):
                raise NotPermitted(
                    "You can vouch only for somebody with a card who works where you do. Check the user id."
                )
            job = begin_unlocking(work, card, uid, ReleaseBasis.COLLEAGUES)
            work.card_jobs.save(with_ticket(job, ticket, work.now))
        return ticket
