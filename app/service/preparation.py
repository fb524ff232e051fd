"""What is made before the programs start for the first time. Every step can be killed and is done again."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence

from app.adapters.openid_keys import create_keys
from app.bootstrap.founding import founding_ceremony
from app.bootstrap.openid import openid_token_place
from app.ca_ceremony import hold_ceremony
from app.ca_files import CONFIG
from app.data import shipped
from app.domain.actor import Actor
from app.domain.system_details import SystemDetails
from app.ra.importing_organisations import Changes, ImportingOrganisations
from app.ra.importing_rbac import ImportingRbac
from app.ra.importing_rows import RefusedRow
from app.ra.loading_systems import LoadingSystems, Signatories
from app.service import known_people
from app.service.known_people import FOUNDING_FILE
from app.service.telling import Terminal
from app.settings import Settings
from app.storage.database import Database

FIRST_START = Actor.system("first-start")
_REFUSALS_SHOWN = 5


def prepare(settings: Settings, database: Database, terminal: Terminal) -> None:
    """Keys, reference data and founders: whatever is missing. The database has its tables.

    Raises:
        InvalidInput: a file in ``config`` cannot be used.
        Unavailable, cryptoki.errors.CryptokiError: the database or a token cannot be used.
    """
    with terminal.step("Key ceremony: root, issuing CAs, OCSP, audit and escrow keys") as advance:
        hold_ceremony(settings, progress=lambda line: advance(line, 0, 0))
    with terminal.step("OpenID signing keys"):
        create_keys(openid_token_place(settings))
    _import_organisations(database, terminal)
    _import_rbac(database, terminal)
    _found(database, terminal)
    _register_systems(database, terminal)


def _import_organisations(database: Database, terminal: Terminal) -> None:
    with terminal.step("Organisations") as advance:
        # The first directory is made whole from the database, so nothing is announced one by one.
        importing = ImportingOrganisations(database, announce=False)
        report = importing.run(FIRST_START, shipped.shipped_organisations(), advance)
    terminal.say(
        f"    {_total(report.organisations):,} organisations, {_total(report.memberships):,} memberships;"
        f" {len(report.refused)} rows refused; {report.members_not_listed:,} memberships of organisations"
        " that these files do not list"
    )
    _say_refused(terminal, report.refused)


def _total(changes: Changes) -> int:
    return changes.added + changes.changed + changes.unchanged


def _import_rbac(database: Database, terminal: Terminal) -> None:
    with terminal.step("National role tables"):
        report = ImportingRbac(database).run(FIRST_START, shipped.shipped_rbac())
    terminal.say(
        f"    {report.job_roles} job roles, {report.activities} activities; version {report.version}"
    )
    _say_refused(terminal, report.refused)


def _say_refused(terminal: Terminal, refused: Sequence[RefusedRow]) -> None:
    for row in refused[:_REFUSALS_SHOWN]:
        terminal.say(f"    refused: {row.file} line {row.line}: {row.reason}")
    if len(refused) > _REFUSALS_SHOWN:
        terminal.say(f"    … and {len(refused) - _REFUSALS_SHOWN} more")


def _found(database: Database, terminal: Terminal) -> None:
    ceremony = founding_ceremony(database)
    if ceremony.is_founded():
        return
    with terminal.step("Founding ceremony: the first RA manager and the first sponsor"):
        pictures = FOUNDING_FILE.with_name("founding").glob("*")
        photos = {f"founding/{path.name}": path.read_bytes() for path in pictures}
        ceremony.hold(FOUNDING_FILE.read_bytes(), photos)


def _register_systems(database: Database, terminal: Terminal) -> None:
    with terminal.step("Accredited systems"):
        listed = tomllib.loads((CONFIG / "systems.toml").read_text())["system"]
        loading = LoadingSystems(database, shipped.interactions())
        systems = [SystemDetails.of(table) for table in listed]
        registered = loading.run(FIRST_START, systems, _signatories(database))
    terminal.say(f"    {len(registered)} systems and endpoints; the sponsor asked, the RA manager approved")


def _signatories(database: Database) -> Signatories:
    manager, sponsor = known_people.founders(database)
    with database.read() as work:
        ids = [work.role_profiles.of(uid)[0].id for uid in (sponsor, manager)]
    return Signatories(requested_by=ids[0], approved_by=ids[1])
