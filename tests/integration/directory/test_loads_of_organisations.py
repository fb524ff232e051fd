"""What a load of organisations changes, as other systems see it on a real slapd, on both databases."""

from __future__ import annotations

import io
import json
from datetime import date, timedelta

from sqlalchemy import update

from app.bootstrap.loads import carrying_loads, loading_organisations
from app.domain.actor import Actor
from app.domain.organisation_load import LoadKind
from app.domain.permission import Permission
from app.ra.closing_organisations import ClosingOrganisations
from app.ra.loading_organisations import HandedIn
from app.ra.organisation_scope import OrganisationScope
from app.storage.tables.organisations import organisation
from tests.integration.directory.test_from_the_database import (
    NOW,
    UID,
    announce_all,
    filled,
    held,
    publishing,
)

__all__ = ["filled", "publishing"]

ABILITIES = frozenset({Permission.LOAD_ORGANISATIONS, Permission.CLOSE_ORGANISATION})
MANAGER = Actor("555000000090", "Margaret", "555000000074", "A81001", ABILITIES)
CLOSED = {
    "OrgId": {"extension": "A81001"},
    "Name": "THE DENSHAM SURGERY",
    "Status": "Inactive",
    "Date": [{"Type": "Operational", "Start": "1974-04-01", "End": "2026-06-10"}],
    "Roles": {"Role": [{"id": "RO177", "primaryRole": True}, {"id": "RO76"}]},
}


def load(database):
    """Hand in, preview and apply the closing of the practice, which was stored the day before."""
    with database.change() as work:
        work.connection.execute(update(organisation).values(updated_at=NOW - timedelta(days=1)))
    loading, carrying = loading_organisations(database), carrying_loads(database)
    content = io.BytesIO(json.dumps(CLOSED).encode())
    load_id = loading.hand_in(MANAGER, HandedIn("x.json", LoadKind.DELTA, "", content, 10_000))
    carrying.carry_next()
    loading.apply(MANAGER, load_id)
    carrying.carry_next()


def carry_everything(database, publishing):
    """What the worker does with announcements."""
    with database.read() as work:
        rows = work.outbox.due(["directory.organisation", "directory.person", "directory.reference"])
    assert [error for _, error in publishing.carry(rows)] == [None] * len(rows)
    return [row.key for row in rows]


def closing_dates(fresh, base):
    return [each.get("nhsOrgCloseDate") for each in held(fresh, base)]


def test_a_closed_organisation_shows_its_date_at_once_and_its_people_when_somebody_decides(
    filled, publishing, fresh
):
    announce_all(publishing)
    load(filled)
    assert carry_everything(filled, publishing) == ["A81001"]
    practice, person = "uniqueIdentifier=A81001,ou=Organisations,o=nhs", f"uid={UID},ou=People,o=nhs"
    assert closing_dates(fresh, practice) == [("20260610",)]
    assert ("20260701",) in closing_dates(fresh, person)
    assert any("A81001:B0420" in each.get("spineAccess", ()) for each in held(fresh, person))
    closings = ClosingOrganisations(filled, OrganisationScope())
    (waiting,) = closings.waiting(MANAGER)
    assert waiting.closing.closes_on == date(2026, 6, 10)
    closings.end_access(MANAGER, waiting.closing.id)
    assert UID in carry_everything(filled, publishing)
    assert ("20260611",) in closing_dates(fresh, person)
    assert not any("spineAccess" in each for each in held(fresh, person))
    assert list(publishing.compare(fresh.slapd.ldapi_url)) == []
