"""People in the database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, insert, or_, select, update
from sqlalchemy.sql import ColumnElement

from app.domain.evidence import DOCUMENT_RULES, Evidence, EvidenceKind
from app.domain.person import Assurance, DocumentAlreadyKnown, KnownPerson, Person, PersonStatus, name_key
from app.domain.professional_registration import ProfessionalBody, ProfessionalRegistration
from app.domain.uuid import compact_id
from app.storage.conflicts import conflict_means
from app.storage.prepared import Prepared
from app.storage.tables import people as tables

_person, _evidence, _registration = (
    tables.person,
    tables.identity_evidence,
    tables.professional_registration,
)
_PERSON_COLUMNS = [_person.c[name] for name in Person.__dataclass_fields__]
#: No name has as many; the shortest professional number has.
_FEWEST_DIGITS = 4
_BY_UID = Prepared(select(*_PERSON_COLUMNS).where(_person.c.uid == bindparam("uid")))
_NAMED = select(_person.c.uid, _person.c.given_name, _person.c.family_name)
_NAMES = _NAMED.where(_person.c.uid.in_(bindparam("uids", expanding=True)))
_NAMES_OF_TWO = Prepared(
    _NAMED.where(or_(_person.c.uid == bindparam("one"), _person.c.uid == bindparam("other")))
)
_EVIDENCE_OF = Prepared(select(_evidence).where(_evidence.c.uid == bindparam("uid")).order_by(_evidence.c.id))
_IDENTIFYING = [kind.value for kind, rule in DOCUMENT_RULES.items() if rule.identifies]


class People:
    """Registered people, their evidence and their professional registrations."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self,
        person: Person,
        photo: bytes,
        evidence: Sequence[Evidence],
        registrations: Sequence[ProfessionalRegistration],
    ) -> None:
        """Keep a new person with everything that proves who they are.

        Raises:
            DocumentAlreadyKnown: one of the documents or professional numbers is somebody else's.
        """
        taken = DocumentAlreadyKnown(
            "One of the documents or professional numbers already belongs to somebody. Search for them first."
        )
        with conflict_means(taken):
            self._connection.execute(insert(_person).values(person_row(person, photo)))
            self._add_evidence(person, evidence)
            for each in registrations:
                self._connection.execute(
                    insert(_registration).values(uid=person.uid, body=each.body.value, number=each.number)
                )

    def _add_evidence(self, person: Person, evidence: Sequence[Evidence]) -> None:
        for document in evidence:
            row = {**asdict(document), "kind": document.kind.value}
            row |= {
                "uid": person.uid,
                "checked_by": person.registered_by,
                "checked_at": person.registered_at,
            }
            self._connection.execute(insert(_evidence).values(row))

    def get(self, uid: str) -> Person | None:
        """The person with this id."""
        row = _BY_UID.first(self._connection, {"uid": uid})
        return _person_of(row) if row else None

    def rename(self, person: Person) -> None:
        """Keep the person's new names."""
        self._connection.execute(
            update(_person)
            .where(_person.c.uid == person.uid)
            .values(
                given_name=person.given_name,
                middle_names=person.middle_names,
                family_name=person.family_name,
                card_name=person.card_name,
                given_name_key=name_key(person.given_name),
                family_name_key=name_key(person.family_name),
            )
        )

    def photo(self, uid: str) -> bytes | None:
        """The person's photo, JPEG."""
        photo: bytes | None = self._connection.scalar(select(_person.c.photo).where(_person.c.uid == uid))
        return photo

    def names(self, uids: Collection[str]) -> dict[str, str]:
        """Given and family name of each known id."""
        return {uid: f"{given} {family}" for uid, given, family in self._named(list(uids))}

    def _named(self, uids: list[str]) -> Iterable[Any]:
        """Holder and operator are asked for oftener than anybody else."""
        if len(uids) > 2:
            return self._connection.execute(_NAMES, {"uids": uids})
        return _NAMES_OF_TWO.rows(self._connection, {"one": uids[0], "other": uids[-1]}) if uids else ()

    def evidence(self, uid: str) -> tuple[Evidence, ...]:
        """The documents that were seen, in the order in which they were entered."""
        rows = _EVIDENCE_OF.rows(self._connection, {"uid": uid})
        return tuple(
            Evidence(EvidenceKind(row.kind), row.number, row.issued_on, row.expires_on) for row in rows
        )

    def registrations(self, uid: str) -> tuple[ProfessionalRegistration, ...]:
        """The person's numbers with professional bodies."""
        rows = self._connection.execute(
            select(_registration).where(_registration.c.uid == uid).order_by(_registration.c.body)
        )
        return tuple(ProfessionalRegistration(ProfessionalBody(row.body), row.number) for row in rows)

    def search(self, text: str, limit: int) -> list[Person]:
        """People whose names begin with the text's words in any order, or whose id, e-mail or number it is.

        A number is one that a professional body gave.
        """
        chosen = (
            select(*_PERSON_COLUMNS)
            .where(_known_by(text))
            .order_by(_person.c.family_name_key, _person.c.given_name_key, _person.c.uid)
            .limit(limit)
        )
        return [_person_of(row) for row in self._connection.execute(chosen)]

    def who_might_be(self, known: KnownPerson) -> list[Person]:
        """People who share the e-mail, the date of birth or both names: to be compared more closely."""
        same_names = and_(
            _person.c.family_name_key == name_key(known.family_name),
            _person.c.given_name_key == name_key(known.given_name),
        )
        chosen = select(*_PERSON_COLUMNS).where(
            or_(
                _person.c.date_of_birth == known.date_of_birth,
                and_(_person.c.email == known.email.casefold(), _person.c.email != ""),
                same_names,
            )
        )
        return [_person_of(row) for row in self._connection.execute(chosen)]

    def with_documents(self, numbers: Collection[str]) -> list[Person]:
        """People one of whose identifying documents has one of the (normalised) numbers."""
        owners = select(_evidence.c.uid).where(
            _evidence.c.number.in_(numbers), _evidence.c.kind.in_(_IDENTIFYING)
        )
        chosen = select(*_PERSON_COLUMNS).where(_person.c.uid.in_(owners))
        return [_person_of(row) for row in self._connection.execute(chosen)]

    def each_uid(self) -> Iterator[str]:
        """Every id in order, read little by little."""
        after = ""
        while found := self.uids(after):
            yield from found
            after = found[-1]

    def uids(self, after: str, limit: int = 1000) -> list[str]:
        """The ids after that one, in order."""
        chosen = select(_person.c.uid).where(_person.c.uid > after).order_by(_person.c.uid).limit(limit)
        return list(self._connection.scalars(chosen))


def _known_by(text: str) -> ColumnElement[bool]:
    """One index each: a database looks through everybody when names and numbers are asked for at once."""
    if "@" in text:
        return _person.c.email == text.strip().casefold()
    number = compact_id(text)
    if sum(character.isdigit() for character in number) < _FEWEST_DIGITS:
        return _named(name_key(text))
    return or_(_person.c.uid == number, _registered_as(number))


def _registered_as(number: str) -> ColumnElement[bool]:
    # Naming every body lets the database use the index of the uniqueness of body and number.
    bodies = [body.value for body in ProfessionalBody]
    owners = select(_registration.c.uid).where(
        _registration.c.body.in_(bodies), _registration.c.number == number.upper()
    )
    return _person.c.uid.in_(owners)


def _named(key: str) -> ColumnElement[bool]:
    family, given = _person.c.family_name_key, _person.c.given_name_key
    words = [or_(family.startswith(word), given.startswith(word)) for word in key.split()]
    # A family name of several words ("van der Berg") is found as it is typed.
    return or_(family.startswith(key), and_(*words)) if words else family == ""


def person_row(person: Person, photo: bytes) -> dict[str, object]:
    """The person's row."""
    return {
        **asdict(person),
        "status": person.status.value,
        "assurance": person.assurance.value,
        "photo": photo,
        "given_name_key": name_key(person.given_name),
        "family_name_key": name_key(person.family_name),
    }


def _person_of(row: Row[tuple[object, ...]]) -> Person:
    fields = row._asdict()
    kept = {"status": PersonStatus(fields["status"]), "assurance": Assurance(fields["assurance"])}
    return Person(**{**fields, **kept})
