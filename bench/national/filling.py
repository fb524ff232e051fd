"""Puts a nation into the product's own tables, in large transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date

from sqlalchemy import insert

from app.data import shipped
from app.domain.actor import Actor
from app.domain.organisation import Organisation, OrganisationStatus
from app.domain.person import name_key
from app.domain.rbac import NationalRoles
from app.domain.read_right import ReadRight, with_included
from app.domain.system import AccreditedSystem, FourEyes, MessageHandlingSystem, SystemStatus
from app.domain.uuid import id_of
from app.ra.importing_rbac import ImportingRbac
from app.storage.database import Database
from app.storage.role_profiles import FOUNDING_ID
from app.storage.tables.access import founding, organisation_person, position, role_profile
from app.storage.tables.people import person, professional_registration
from app.storage.work import Work
from bench.national.nation import NOW, TODAY, Nation, Role, Somebody

PHOTO = bytes(1000)
"""Smaller than a real one, so that a million fit; what publishes must not read it anyhow."""
_AT_ONCE = 5000
_FIRST_POSITION = 900_000_000
_SINCE = date(2002, 4, 1)
_APPROVAL = FourEyes("555000000033", NOW, "555000000074", NOW)

Done = Callable[[int], None]
Row = dict[str, object]


def load_national_roles(database: Database) -> NationalRoles:
    """Make the tables and import the national role tables that travel with the product."""
    database.migrate()
    ImportingRbac(database).run(Actor.system("bench"), shipped.shipped_rbac())
    with database.read() as work:
        return work.rbac.current()


def fill(database: Database, nation: Nation, done: Done) -> None:
    """Store the whole nation; ``done`` is told how many people were stored so far."""
    with database.change() as work:
        work.organisations.save(list(organisations(nation)), NOW, lambda _: None)
        _add_positions(work, nation)
        for number in range(nation.systems // 3):
            _add_system(work, nation, number)
    positions = {code: id_of(_FIRST_POSITION + number) for number, code in enumerate(nation.codes)}
    everybody, stored = nation.everybody(), 0
    while some := [each for _, each in zip(range(_AT_ONCE), everybody, strict=False)]:
        with database.change() as work:
            _add_people(work, positions, some)
        stored += len(some)
        done(stored)


def organisations(nation: Nation) -> Iterator[Organisation]:
    """Every organisation: the largest are trusts, the others practices of a trust's commissioner."""
    for number, code in enumerate(nation.codes):
        kind = ("NHS trust", "TR") if number < 300 else ("GP practice", "PR")
        yield Organisation(
            *(code, f"SURGERY {number}", *kind, OrganisationStatus.ACTIVE),
            *(("THE HEALTH CENTRE", f"{number % 99} HIGH STREET", "", f"TOWN {number % 500}", ""), "LS1 4AP"),
            *("0113 4960000", _SINCE, None, nation.codes[number // 100], None, _SINCE, None),
            *("Y63", "Q74", "B", "bench"),
        )


def _add_positions(work: Work, nation: Nation) -> None:
    """One position an organisation, and the one founding on which the role profiles hang."""
    ceremony = {"digest": "0" * 64, "organisation_code": nation.codes[0], "held_on": TODAY, "witnesses": []}
    work.connection.execute(insert(founding).values(id=FOUNDING_ID, at=NOW, **ceremony))
    same = {
        "name": "Everything",
        "notes": "",
        "approved_by": "bench",
        "approved_on": TODAY,
        "status": "open",
        "approval_reference": "bench",
        "created_by": "system:bench",
        "created_at": NOW,
    }
    rows = [
        same | {"id": id_of(_FIRST_POSITION + number), "organisation_code": code}
        for number, code in enumerate(nation.codes)
    ]
    work.connection.execute(insert(position), rows)


def _add_system(work: Work, nation: Nation, number: int) -> None:
    """An accredited system with two endpoints. The first one is that which asks."""
    code, interactions = nation.codes[number], nation.interactions_of(number)
    maker, party_key = nation.manufacturer(number), nation.party_key(number)
    reads = with_included([ReadRight.PEOPLE] if number == 0 else [])
    work.systems.add(
        AccreditedSystem(
            *(nation.asid(number), code, party_key, "", "System", "1.0", maker, interactions),
            *(SystemStatus.ACTIVE, _APPROVAL, reads),
        )
    )
    for nth, interaction in enumerate(interactions[:2]):
        handling = MessageHandlingSystem(
            *(f"S{100_000_000_000 + number * 2 + nth}", code, party_key, interaction, "HL7"),
            *(nation.address(number), nation.host(number), "System", maker),
            *({"retries": "2", "retry_interval": "PT1M"}, SystemStatus.ACTIVE, _APPROVAL),
        )
        work.systems.add_message_handling_system(handling)


def _add_people(work: Work, positions: Mapping[str, str], some: list[Somebody]) -> None:
    work.connection.execute(insert(person), [_person(each) for each in some])
    numbers = [
        {"uid": each.uid, "body": "GMC", "number": each.uid[2:9]} for each in some if each.uid[8] in "05"
    ]
    work.connection.execute(insert(professional_registration), numbers)
    work.connection.execute(insert(organisation_person), [row for each in some for row in _places(each)])
    profiles = [
        _role_profile(each, role) | {"position_id": positions[role.organisation]}
        for each in some
        for role in each.roles
    ]
    work.connection.execute(insert(role_profile), profiles)


def _person(each: Somebody) -> Row:
    return {
        "uid": each.uid,
        "title": "Dr",
        "given_name": each.given_name,
        "middle_names": "",
        "family_name": each.family_name,
        "card_name": f"{each.given_name} {each.family_name}",
        "given_name_key": name_key(each.given_name),
        "family_name_key": name_key(each.family_name),
        "date_of_birth": date(1970, 1, 1),
        "email": f"{each.uid}@example.nhs.uk",
        "mobile": "",
        "status": "active",
        "photo": PHOTO,
        "registered_at": NOW,
        "registered_by": "system:bench",
    }


def _places(each: Somebody) -> list[Row]:
    since: dict[tuple[str, str], date] = {}
    for role in each.roles:
        key = (role.place_id, role.organisation)
        since[key] = min(role.starts_on, since.get(key, role.starts_on))
    return [
        {"id": place, "uid": each.uid, "organisation_code": code, "opened_on": day, "closed_on": None}
        for (place, code), day in since.items()
    ]


def _role_profile(each: Somebody, role: Role) -> Row:
    return {
        "id": role.id,
        "organisation_person_id": role.place_id,
        "uid": each.uid,
        "organisation_code": role.organisation,
        "founding_id": FOUNDING_ID,
        "job_role_code": role.access.job_role_code,
        "activity_codes": list(role.access.activity_codes),
        "workgroups": [],
        "starts_on": role.starts_on,
        "ends_on": role.ends_on,
        "granted_at": NOW,
    }
