"""Ends what was begun with cards that nobody believes any more, because the root revoked their CA.

Sign-in asks the root's list each time; a session that is open asks nobody. The worker looks for those.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from app.signin.ports import SignInDatabase

REASON = "authority_revoked"
_AT_ONCE = 200


class EndingSessions:
    """Ends sessions of cards; ``distrusted_before`` answers before which sign-in a session is of no worth.

    It is None while the root's list revokes no CA of cards.
    """

    def __init__(self, database: SignInDatabase, distrusted_before: Callable[[], datetime | None]) -> None:
        self._database = database
        self._distrusted_before = distrusted_before

    def sweep(self) -> int:
        """End every session that a card began before that moment; returns how many ended.

        Relying parties are told of each. Killed in between, the next sweep ends what is left.
        """
        ended = 0
        while (moment := self._distrusted_before()) and (some := self._end_some(moment)):
            ended += some
        return ended

    def _end_some(self, moment: datetime) -> int:
        with self._database.change() as work:
            return work.sessions.end_some_of_cards(REASON, moment, _AT_ONCE)
