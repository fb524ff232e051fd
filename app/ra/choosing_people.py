"""Choosing whom a batch of cards is for: from a list, from an organisation, or by name.

Each person is looked at before the batch begins, so that the operator reads of everybody who can have no
card, and why, while nothing has happened yet.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

from app.domain.actor import Actor
from app.domain.batch_list import (
    MOST_CARDS,
    LeftOut,
    ListedPerson,
    fingerprint,
    list_from_untrusted,
    mistyped_or_unknown,
)
from app.domain.issuance import IssuanceAlreadyOpen
from app.domain.issuance_terms import IssuanceTerms, require_possible
from app.domain.permission import Permission
from app.errors import InvalidInput, NotFound, Refusal
from app.ra.issuing import require_can_have_card
from app.ra.ports import Database, Work
from app.ra.records import PersonReference

MOST_FOUND = 50


@dataclass(frozen=True)
class ChosenPerson:
    """Somebody who can have a card: where they stand in the list, and who they are."""

    line: int
    person: PersonReference


@dataclass(frozen=True)
class PeopleChecked:
    """Everybody of a list: those who can have a card, and the lines that are left out with the reasons.

    Attributes:
        are_more: there are more people than are shown here.
    """

    people: tuple[ChosenPerson, ...]
    left_out: tuple[LeftOut, ...]
    are_more: bool = False

    @property
    def uids(self) -> tuple[str, ...]:
        """The ids of those who can have a card, in order."""
        return tuple(each.person.uid for each in self.people)

    @property
    def fingerprint(self) -> str:
        """Tells whether somebody was shown these same people."""
        return fingerprint(self.uids)


class ChoosingPeople:
    """Tells who of a list, an organisation or a search can have a card of a batch."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def check(
        self, actor: Actor, text: str, usable_from: date | None, *, holders_present: bool = False
    ) -> PeopleChecked:
        """Everybody of a list. Nothing in the text is an error: what cannot be used is left out and said.

        Raises:
            NotPermitted
            InvalidInput: under ``people``, the list is empty; under ``usable_from``, the day has begun.
        """
        listed = list_from_untrusted(text)
        with self._database.audited(actor, "card_batch.people_checked", "(a list)") as work:
            actor.require(Permission.ISSUE_CARD)
            terms = IssuanceTerms(is_locked=not holders_present, usable_from=usable_from)
            require_possible(terms, work.now.date())
            if not listed.people and not listed.left_out:
                raise InvalidInput({"people": "Give the user ids, one a line, or choose a file."})
            checked = _checked(work, actor, listed.people)
            work.audit.details(people=len(checked.people), left_out=len(checked.left_out))
        left_out = sorted((*listed.left_out, *checked.left_out), key=lambda each: each.line)
        return replace(checked, left_out=tuple(left_out))

    def at_organisation(self, actor: Actor, organisation_code: str) -> PeopleChecked:
        """Everybody with a position there, now or later, who has no regular card and none being made.

        Raises:
            NotPermitted, NotFound
        """
        subject = f"people without a card at {organisation_code}"
        with self._database.audited(actor, "card_batch.people_checked", subject) as work:
            actor.require(Permission.ISSUE_CARD)
            if work.organisations.get(organisation_code) is None:
                raise NotFound(f"There is no organisation {organisation_code}.")
            found = work.card_batches.people_without_card(organisation_code, work.now.date(), MOST_CARDS + 1)
            return self._found(work, actor, found, MOST_CARDS)

    def by_name(self, actor: Actor, text: str) -> PeopleChecked:
        """People by the beginnings of their names, or by user id.

        Raises:
            NotPermitted
        """
        words = " ".join(text.split())[:100]
        with self._database.audited(actor, "card_batch.people_checked", words) as work:
            actor.require(Permission.ISSUE_CARD)
            found = [each.uid for each in work.people.search(words, MOST_FOUND + 1)]
            return self._found(work, actor, found, MOST_FOUND)

    def _found(self, work: Work, actor: Actor, uids: Sequence[str], most: int) -> PeopleChecked:
        listed = [ListedPerson(line, uid) for line, uid in enumerate(uids[:most], 1)]
        checked = _checked(work, actor, listed)
        work.audit.details(people=len(checked.people), left_out=len(checked.left_out))
        return replace(checked, are_more=len(uids) > most)


def _checked(work: Work, actor: Actor, listed: Collection[ListedPerson]) -> PeopleChecked:
    names = work.people.names([each.uid for each in listed])
    people, left_out = [], []
    for each in listed:
        name = names.get(each.uid)
        if name is None:
            left_out.append(LeftOut(each.line, each.uid, mistyped_or_unknown(each.uid)))
        elif reason := why_no_card(work, actor, each.uid):
            left_out.append(LeftOut(each.line, each.uid, reason, name))
        else:
            people.append(ChosenPerson(each.line, PersonReference(each.uid, name)))
    return PeopleChecked(tuple(people), tuple(left_out))


def why_no_card(work: Work, actor: Actor, uid: str) -> str:
    """Why the actor can make no card for this person in a batch now, as a sentence; empty when they can."""
    try:
        require_can_have_card(work, actor, uid, IssuanceTerms(is_locked=True))
        if work.issuances.open_of(uid) is not None:
            raise IssuanceAlreadyOpen("A card is being issued to this person. Go on with it or undo it.")
    except Refusal as refusal:
        return str(refusal)
    waits_in = work.card_batches.open_with(uid)
    return f"This person waits in the batch “{waits_in.title}”, which is not finished." if waits_in else ""
