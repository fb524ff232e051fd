"""Registering somebody the registration authority has never known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from app.domain.actor import Actor
from app.domain.evidence import Evidence, require_sufficient
from app.domain.permission import Permission
from app.domain.person import (
    DocumentAlreadyKnown,
    KnownPerson,
    LikelyDuplicates,
    Person,
    PersonStatus,
    PersonSummary,
    Registration,
    names_in,
    normalised_mobile,
    reason_for_likely_duplicate,
    require_personal_details,
)
from app.domain.personal_name import written_name
from app.domain.photo import Crop
from app.domain.professional_registration import require_registrations
from app.errors import InvalidInput
from app.ra.ids import new_id
from app.ra.ports import Database, Photos, Work
from app.ra.summaries import person_summary


class Registering:
    """Searches for duplicates, checks the evidence and registers."""

    def __init__(self, database: Database, photos: Photos) -> None:
        self._database = database
        self._photos = photos

    def possible_duplicates(
        self,
        actor: Actor,
        given_name: str,
        family_name: str,
        date_of_birth: date,
        document_numbers: Sequence[str],
        email: str = "",
    ) -> list[PersonSummary]:
        """People who may be the one to be registered, each with the reason.

        Raises:
            NotPermitted
        """
        known = KnownPerson(given_name, family_name, date_of_birth, email.strip())
        name = f"{given_name} {family_name}"
        with self._database.audited(actor, "person.duplicates_searched", name) as work:
            actor.require(Permission.REGISTER_PERSON)
            found = likely_duplicates(work, known, normalised(document_numbers))
            work.audit.details(found=len(found))
            return found

    def require_may_register(self, actor: Actor) -> None:
        """Refuse somebody who may not register people, on record, before anything that was sent is read.

        Raises:
            NotPermitted
        """
        if Permission.REGISTER_PERSON not in actor.permissions:
            with self._database.audited(actor, "person.registered", "(not read)"):
                actor.require(Permission.REGISTER_PERSON)

    def cropped_photo_from_untrusted(self, picture: bytes, crop: Crop) -> bytes:
        """The part of the picture that the card will carry, for the form that is being filled in.

        Raises:
            InvalidInput: under ``photo``.
        """
        return self._photos.card_photo_from_untrusted(picture, crop)

    def register(self, actor: Actor, registration: Registration) -> str:
        """Register the person and return the new 12-digit user id.

        Raises:
            NotPermitted, InvalidInput, DocumentAlreadyKnown, LikelyDuplicates
        """
        name = f"{registration.given_name} {registration.family_name}"
        with self._database.audited(actor, "person.registered", name) as work:
            actor.require(Permission.REGISTER_PERSON)
            uid = register_person(work, self._photos, registration, actor.uid, work.now.date())
            work.audit.details(uid=uid)
            return uid


def register_person(
    work: Work, photos: Photos, registration: Registration, registered_by: str, evidence_on: date
) -> str:
    """Check everything and keep the person; the evidence is judged as of ``evidence_on``.

    Raises:
        InvalidInput, DocumentAlreadyKnown, LikelyDuplicates
    """
    _require_confirmed(registration)
    require_personal_details(registration, work.now.date())
    registrations = require_registrations(registration.registrations)
    evidence = require_sufficient(registration.evidence, evidence_on)
    photo = photos.card_photo_from_untrusted(registration.photo)
    _require_no_duplicates(work, registration, evidence)
    person = _person(registration, new_id(work), registered_by, work)
    work.people.add(person, photo, evidence, registrations)
    work.outbox.add("directory.person", person.uid)
    return person.uid


def _require_confirmed(registration: Registration) -> None:
    if not registration.confirmed_checked:
        raise InvalidInput({"confirmed_checked": "Tick to say that you have checked the original documents."})


def _require_no_duplicates(work: Work, registration: Registration, evidence: Sequence[Evidence]) -> None:
    owners = work.people.with_documents(_identifying(evidence))
    if owners:
        found = names_in([person_summary(person) for person in owners])
        raise DocumentAlreadyKnown(
            f"One of the documents already belongs to {found}. Open that record instead."
        )
    known = KnownPerson(
        registration.given_name,
        registration.family_name,
        registration.date_of_birth,
        registration.email.strip(),
    )
    similar = likely_duplicates(work, known, ())
    if similar and not registration.duplicates_considered:
        raise LikelyDuplicates(
            f"This may be somebody we know: {names_in(similar)}. Look, then say that it is another person."
        )


def _identifying(evidence: Sequence[Evidence]) -> tuple[str, ...]:
    return tuple(document.number for document in evidence if document.rule.identifies)


def likely_duplicates(work: Work, known: KnownPerson, document_numbers: Sequence[str]) -> list[PersonSummary]:
    """People who share a document with the person, or look like them."""
    owners = work.people.with_documents(document_numbers) if document_numbers else []
    found = {person.uid: person_summary(person, "one of the same documents") for person in owners}
    for person in work.people.who_might_be(known):
        other = KnownPerson(person.given_name, person.family_name, person.date_of_birth, person.email)
        why = reason_for_likely_duplicate(known, other)
        if why:
            found.setdefault(person.uid, person_summary(person, why))
    return list(found.values())


def normalised(document_numbers: Sequence[str]) -> tuple[str, ...]:
    """Document numbers as they are stored."""
    plain = ("".join(each for each in number if each.isalnum()).upper() for number in document_numbers)
    return tuple(number for number in plain if number)


def _person(registration: Registration, uid: str, registered_by: str, work: Work) -> Person:
    return Person(
        uid=uid,
        title=written_name(registration.title),
        given_name=written_name(registration.given_name),
        middle_names=written_name(registration.middle_names),
        family_name=written_name(registration.family_name),
        card_name=registration.name_on_card,
        date_of_birth=registration.date_of_birth,
        email=registration.email.strip().casefold(),
        mobile=normalised_mobile(registration.mobile),
        status=PersonStatus.ACTIVE,
        registered_at=work.now,
        registered_by=registered_by,
    )
