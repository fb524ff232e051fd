"""Who of the starting staff the database knows already, so that an interrupted first start goes on."""

from __future__ import annotations

import tomllib
from datetime import date
from typing import Any

from app.ca_files import CEREMONY_FILE, CONFIG
from app.domain.card import CardStatus
from app.domain.founding import founding_file_from_untrusted
from app.domain.request import AccessRequest
from app.storage.database import Database

FOUNDING_FILE = CEREMONY_FILE.with_name("founding.example.toml")
STAFF_FILE = CONFIG / "starting_staff.toml"


def staff_plan() -> dict[str, Any]:
    """What the founders type into the service's pages: the positions, and the RA agent."""
    return tomllib.loads(STAFF_FILE.read_text())


def founders(database: Database) -> tuple[str, str]:
    """The user ids of the RA manager and of the sponsor. The founding ceremony must have been held."""
    file = founding_file_from_untrusted(FOUNDING_FILE.read_bytes())
    people = [founder.registration for founder in file.founders]
    manager, sponsor = (
        find_person(database, each.given_name, each.family_name, each.date_of_birth) for each in people
    )
    assert manager is not None, "the founding ceremony registers both founders"
    assert sponsor is not None, "the founding ceremony registers both founders"
    return manager, sponsor


def find_person(database: Database, given_name: str, family_name: str, born: date) -> str | None:
    """The user id of the one person of this name and date of birth; None when there is none."""
    with database.read() as work:
        found = work.people.search(f"{given_name} {family_name}", limit=20)
    return next((each.uid for each in found if each.date_of_birth == born), None)


def name_of(database: Database, uid: str) -> str:
    """Given and family name."""
    with database.read() as work:
        return work.people.names([uid])[uid]


def positions_at(database: Database, organisation_code: str) -> dict[str, str]:
    """The id of each open position of an organisation by its name."""
    with database.read() as work:
        return {position.name: position.id for position in work.positions.at(organisation_code)}


def request_for(database: Database, uid: str, position_id: str) -> AccessRequest | None:
    """The newest request of the position for the person."""
    with database.read() as work:
        found = [each for each in work.requests.about(uid) if each.position_id == position_id]
    return found[-1] if found else None


def open_issuance(database: Database, uid: str) -> str | None:
    """The id of the person's open card issuance."""
    with database.read() as work:
        issuance = work.issuances.open_of(uid)
    return issuance.id if issuance else None


def has_active_card(database: Database, uid: str) -> bool:
    """Whether the person's card was issued to its end."""
    with database.read() as work:
        return any(card.status is CardStatus.ACTIVE for card in work.cards.of(uid))
