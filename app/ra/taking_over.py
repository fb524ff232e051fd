"""Taking over one batch of the old directory's entries, all of one kind, in the transaction of its audit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from app.domain.organisation import Organisation
from app.domain.professional_registration import ProfessionalRegistration
from app.domain.role_profile import OrganisationPerson, RoleProfile
from app.domain.system import AccreditedSystem
from app.ra.ids import new_id
from app.ra.keeping_identifiers import reserve
from app.ra.mapping_old_entries import MigratedPerson, Reductions, person_of, place_of, role_of
from app.ra.mapping_old_services import accredited_system_of, endpoint_of, organisation_of
from app.ra.migration_ports import Finding, Taken, Value, Work
from app.ra.old_entries import Kind, NotMappable, OldEntry

_TOPICS = {
    Kind.ORGANISATION: "directory.organisation",
    Kind.PERSON: "directory.person",
    Kind.PLACE: "directory.person",
    Kind.ROLE: "directory.person",
    Kind.ACCREDITED_SYSTEM: "directory.system",
    Kind.ENDPOINT: "directory.system",
}
_Map = Callable[[OldEntry, Reductions], Value]


@dataclass
class Batch:
    """What became of one batch."""

    kind: Kind
    taken: list[Taken] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unchanged: int = 0

    @property
    def counts(self) -> Counter[str]:
        """How many entries were taken over, unchanged, refused and taken over reduced."""
        refused = sum(each.kind == "refused" for each in self.findings)
        reduced = sum(not each.digest for each in self.taken)
        return Counter(
            {"taken": len(self.taken), "unchanged": self.unchanged, "refused": refused, "reduced": reduced}
        )

    @property
    def announcements(self) -> list[tuple[str, str]]:
        """Topic and key of what our directory must be told of, each once."""
        return list(dict.fromkeys(_announcement(self.kind, each) for each in self.taken))


def take_over(work: Work, kind: Kind, entries: Sequence[OldEntry]) -> Batch:
    """Keep what can be mapped and is new or changed; keep the reasons of what cannot."""
    batch = Batch(kind)
    mapping = _mapping(work, kind, entries)
    mapped = [found for entry in entries if (found := _mapped(entry, mapping, batch))]
    _keep_new_and_changed(work, mapped, batch)
    work.migrated.save(kind, batch.taken)
    reserve(work.sequences, batch.taken)
    work.migrated.note(batch.findings)
    return batch


def _mapping(work: Work, kind: Kind, entries: Sequence[OldEntry]) -> _Map:
    codes = work.organisations.known({code.upper() for each in entries for code in _codes(each)})
    match kind:
        case Kind.ORGANISATION:
            return lambda entry, _: organisation_of(entry, work.now.date())
        case Kind.PERSON:
            return _person_mapping(work, entries)
        case Kind.PLACE:
            return _place_mapping(work, entries, codes)
        case Kind.ROLE:
            return _role_mapping(work, entries, codes)
        case Kind.ACCREDITED_SYSTEM:
            return lambda entry, reductions: accredited_system_of(entry, codes, reductions)
        case Kind.ENDPOINT:
            return lambda entry, reductions: endpoint_of(entry, codes, reductions)


def _codes(entry: OldEntry) -> tuple[str, ...]:
    values = (value.strip() for value in entry.attributes.get("nhsidcode", ()))
    return tuple(value for value in values if value.isprintable())


def _person_mapping(work: Work, entries: Sequence[OldEntry]) -> _Map:
    """A number with a professional body is one person's: the first keeps it."""
    found = [_quietly(entry, lambda each: person_of(each, Reductions(), work.now)) for entry in entries]
    numbers = {each.number for person in found if person for each in person.registrations}
    owners = work.migrated.owners(numbers)

    def mapping(entry: OldEntry, reductions: Reductions) -> MigratedPerson:
        person = person_of(entry, reductions, work.now)
        kept = tuple(each for each in person.registrations if _may_keep(each, person, owners, reductions))
        return replace(person, registrations=kept)

    return mapping


def _may_keep(
    registration: ProfessionalRegistration,
    person: MigratedPerson,
    owners: dict[ProfessionalRegistration, str],
    reductions: Reductions,
) -> bool:
    owner = owners.setdefault(registration, person.person.uid)
    if owner != person.person.uid:
        reductions.note(f"{registration.body.value} {registration.number} belongs to {owner}; left out.")
    return owner == person.person.uid


def _place_mapping(work: Work, entries: Sequence[OldEntry], codes: set[str]) -> _Map:
    """One place in an organisation for each person: a second is refused, its roles hang on the first."""
    uids = _uids(entries)
    people, places = work.migrated.existing(Kind.PERSON, uids), work.migrated.places(uids)
    ids = {key: place.id for key, place in places.items()}

    def mapping(entry: OldEntry, _: Reductions) -> OrganisationPerson:
        place = place_of(entry, codes)
        if place.uid not in people:
            raise NotMappable(f"The person {place.uid} was not taken over.")
        first = ids.setdefault((place.uid, place.organisation_code), place.id)
        if first != place.id:
            raise NotMappable(f"{place.uid} has a place at {place.organisation_code} already: {first}.")
        return place

    return mapping


def _role_mapping(work: Work, entries: Sequence[OldEntry], codes: set[str]) -> _Map:
    places, national = work.migrated.places(_uids(entries)), work.rbac.current()
    positions = _positions(work, codes)
    return lambda entry, reductions: role_of(entry, places, positions, national, reductions)


def _positions(work: Work, codes: set[str]) -> dict[str, str]:
    """A closed position for each organisation, on which what was taken over there hangs."""
    known = work.migrated.positions(codes)
    new = {code: new_id(work) for code in sorted(codes - known.keys())}
    work.migrated.add_positions(new)
    return known | new


def _uids(entries: Sequence[OldEntry]) -> set[str]:
    return {value for each in entries for name, value in each.rdns if name == "uid"}


def _quietly(entry: OldEntry, mapping: Callable[[OldEntry], MigratedPerson]) -> MigratedPerson | None:
    try:
        return mapping(entry)
    except NotMappable:
        return None


def _mapped(entry: OldEntry, mapping: _Map, batch: Batch) -> tuple[OldEntry, Taken] | None:
    reductions = Reductions()
    try:
        value = mapping(entry, reductions)
    except NotMappable as reason:
        batch.findings.append(_finding(entry, "refused", str(reason)))
        return None
    batch.findings += [_finding(entry, "reduced", sentence) for sentence in reductions.said]
    return entry, Taken(_id_of(value), "" if reductions.said else entry.digest, value)


def _keep_new_and_changed(work: Work, mapped: Sequence[tuple[OldEntry, Taken]], batch: Batch) -> None:
    ids = {taken.id for _, taken in mapped}
    known = work.migrated.digests(batch.kind, ids)
    here = work.migrated.existing(batch.kind, ids) - known.keys()
    seen: set[str] = set()
    for entry, taken in mapped:
        if taken.id in here:
            reason = f"{taken.id} was registered here; it was left as it is."
            batch.findings.append(_finding(entry, "refused", reason))
        elif taken.digest and known.get(taken.id) == taken.digest:
            batch.unchanged += 1
        elif taken.id in seen:
            batch.findings.append(_finding(entry, "refused", f"{taken.id} stands further up already."))
        else:
            batch.taken.append(taken)
        seen.add(taken.id)


def _finding(entry: OldEntry, kind: str, reason: str) -> Finding:
    return Finding(entry.source, entry.place, entry.dn, kind, reason)


def _id_of(value: Value) -> str:
    match value:
        case MigratedPerson(person=person):
            return person.uid
        case Organisation(code=identifier) | AccreditedSystem(asid=identifier):
            return identifier
        case _:
            return value.id


def _announcement(kind: Kind, taken: Taken) -> tuple[str, str]:
    match taken.value:
        case OrganisationPerson(uid=uid) | RoleProfile(uid=uid):
            return "directory.person", uid
    return _TOPICS[kind], taken.id


def announcement_of(kind: Kind, rdns: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Topic and key of what our directory must be told when the entry with this DN ends."""
    owner = next((value for name, value in rdns if name == "uid"), rdns[0][1])
    return _TOPICS[kind], owner
