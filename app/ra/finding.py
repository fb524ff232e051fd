"""Finding people, and everything that is known about one."""

from __future__ import annotations

from app.domain.actor import Actor
from app.domain.permission import Permission
from app.domain.person import Person
from app.domain.uuid import mistyped_notice
from app.errors import InvalidInput, NotFound, NotPermitted
from app.ra.ports import Database, Work
from app.ra.records import PeopleFound, PersonRecord
from app.ra.summaries import card_records, issuance_record, person_summary, request_summaries, role_records

MOST_SHOWN = 50


class Finding:
    """Searches people and reads their records and photos. Each is audited, but for one's own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def search(self, actor: Actor, text: str) -> PeopleFound:
        """People by the beginnings of their names, or by user id, with a notice when the id looks mistyped.

        Raises:
            NotPermitted, InvalidInput
        """
        words = " ".join(text.split())[:100]
        with self._database.audited(actor, "person.searched", words or "(nothing)") as work:
            actor.require(Permission.FIND_PEOPLE)
            if not words:
                raise InvalidInput({"q": "Enter a name or a user id (UUID)."})
            found = work.people.search(words, MOST_SHOWN + 1)
            work.audit.details(found=min(len(found), MOST_SHOWN))
            return PeopleFound([person_summary(each) for each in found[:MOST_SHOWN]], _notice(words, found))

    def person(self, actor: Actor, uid: str) -> PersonRecord:
        """Everything about one person.

        Raises:
            NotPermitted, NotFound
        """
        if uid == actor.uid:
            return self.own(actor)
        with self._database.audited(actor, "person.viewed", uid) as work:
            actor.require(Permission.FIND_PEOPLE)
            return _record(work, uid)

    def own(self, actor: Actor) -> PersonRecord:
        """Everything about the actor; needs no permission.

        Raises:
            NotFound
        """
        if not actor.is_person:
            raise NotPermitted("Sign in first.")
        with self._database.read() as work:
            return _record(work, actor.uid)

    def photo(self, actor: Actor, uid: str) -> bytes:
        """The person's photo, JPEG.

        Raises:
            NotPermitted, NotFound
        """
        if uid == actor.uid:
            with self._database.read() as work:
                return _photo(work, uid)
        with self._database.audited(actor, "person.photo_viewed", uid) as work:
            actor.require(Permission.FIND_PEOPLE)
            return _photo(work, uid)


def _photo(work: Work, uid: str) -> bytes:
    photo = work.people.photo(uid)
    if not photo:
        raise NotFound(f"There is no photo of {uid}.")
    return photo


def _notice(words: str, found: list[Person]) -> str | None:
    if len(found) > MOST_SHOWN:
        return f"More than {MOST_SHOWN} people match. Add another name."
    return None if found else mistyped_notice(words)


def _unknown(uid: str) -> NotFound:
    return NotFound(f"Nobody with the user id {uid} is registered here.")


def require_person(work: Work, uid: str) -> Person:
    """The person with this id.

    Raises:
        NotFound
    """
    person = work.people.get(uid)
    if person is None:
        raise _unknown(uid)
    return person


def _record(work: Work, uid: str) -> PersonRecord:
    person = require_person(work, uid)
    issuance = work.issuances.open_of(uid)
    return PersonRecord(
        person=person,
        evidence=work.people.evidence(uid),
        registrations=work.people.registrations(uid),
        roles=role_records(work, work.role_profiles.of(uid)),
        requests=tuple(request_summaries(work, work.requests.about(uid))),
        cards=card_records(work, work.cards.of(uid)),
        open_issuance=issuance_record(work, issuance) if issuance else None,
    )
