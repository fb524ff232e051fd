"""Changing somebody's name, and replacing the card that carries the old one.

The old card goes on working until the new one is active, and is cancelled in that same transaction.
"""

from __future__ import annotations

from dataclasses import replace

from app.domain.actor import Actor
from app.domain.card import CardStatus
from app.domain.name_change import CannotChangeOwnName, NameChange, require_sound
from app.domain.permission import Permission
from app.domain.person import Person
from app.domain.personal_name import written_name
from app.ra.finding import require_person
from app.ra.ports import Database, Work
from app.ra.requesting import require_active
from app.ra.revoking import revoke_certificates

NAME_CHANGED = "name_changed"


class ChangingNames:
    """Changes names, on evidence."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def change(self, actor: Actor, uid: str, change: NameChange) -> str | None:
        """Change the person's name; the serial of the card that must be replaced for it, if there is one.

        Raises:
            NotPermitted, CannotChangeOwnName, NotFound, PersonClosed, InvalidInput
        """
        with self._database.audited(actor, "person.name_changed", uid) as work:
            actor.require(Permission.CHANGE_PERSON)
            if actor.uid == uid:
                raise CannotChangeOwnName("Another RA manager or agent changes your name.")
            person = require_person(work, uid)
            require_active(person)
            require_sound(change, person)
            renamed = _renamed(person, change)
            work.people.rename(renamed)
            card = work.cards.live_of(uid)
            if card is not None:
                work.cards.mark_for_replacement(card.serial, NAME_CHANGED)
            work.outbox.add("directory.person", uid)
            work.audit.details(
                before=_full_name(person),
                after=_full_name(renamed),
                reason_given=change.reason.value,
                document=change.document_number.strip(),
                card=card.serial if card else None,
            )
            return card.serial if card else None


def _renamed(person: Person, change: NameChange) -> Person:
    given, family = written_name(change.given_name), written_name(change.family_name)
    return replace(
        person,
        given_name=given,
        middle_names=written_name(change.middle_names),
        family_name=family,
        card_name=f"{given} {family}",
    )


def _full_name(person: Person) -> str:
    return " ".join(name for name in (person.given_name, person.middle_names, person.family_name) if name)


def end_replaced_card(work: Work, uid: str) -> None:
    """Cancel the card that a new one replaces, as the new one becomes active in this transaction."""
    card = work.cards.live_of(uid)
    if card is None or card.replace_for is None:
        return
    work.cards.end(card, CardStatus.CANCELLED, work.now, card.replace_for)
    revoked = revoke_certificates(work, work.certificates.of_card(card.serial), card.replace_for)
    work.sessions.end_all(uid, f"card_{card.replace_for}")
    work.audit.details(replaced=card.serial, revoked=revoked)
