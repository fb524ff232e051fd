"""Ends what was begun with cards that nobody believes any more, because the root revoked their CA.

Sign-in asks the root's list each time; a session that is open asks nobody. The worker looks for those.
"""

from __future__ import annotations

from collections.abc import Callable

from app.signin.ports import SignInDatabase

REASON = "authority_revoked"
_AT_ONCE = 200


class EndingSessions:
    """Ends sessions of cards whose CA is revoked; ``is_revoked`` answers whether the root's list says so."""

    def __init__(self, database: SignInDatabase, is_revoked: Callable[[], bool]) -> None:
        self._database = database
        self._is_revoked = is_revoked

    def sweep(self) -> int:
        """End every session that a card began, when the CA of cards is revoked; returns how many ended.

        Relying parties are told of each. Killed in between, the next sweep ends what is left.
        """
        ended = 0
        while self._is_revoked() and (some := self._end_some()):
            ended += some
        return ended

    def _end_some(self) -> int:
        with self._database.change() as work:
            return work.sessions.end_some_of_cards(REASON, _AT_ONCE)
