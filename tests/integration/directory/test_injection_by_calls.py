"""Whatever brings a value into the directory, with what would change a name, a filter or LDIF in it.

Each text of a registration, a position, a system, of each column and attribute of the files that are taken in
gets each attack, the rest of it being as it should be. A value is refused with a sentence, or it is published
as the value that it is, and the directory holds no entry that the database does not.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from xml.sax.saxutils import escape

from app.adapters.old_directory_file import OldDirectoryFile, OldLogFile
from app.adapters.old_directory_log import LdifFragments, PresentEntries
from app.data import shipped
from app.domain.actor import Actor
from app.domain.name_change import NameChange, NameChangeReason
from app.domain.organisation_load import LoadStatus
from app.domain.position import AccessProfile, NewPosition
from app.errors import Refusal
from app.ra.following_old_directory import FollowingOldDirectory
from app.ra.giving_system_passwords import GivingSystemPasswords
from app.ra.importing import SourceFile
from app.ra.importing_directory import ImportingDirectory
from app.ra.importing_organisations import ImportingOrganisations, OdsFiles
from app.ra.importing_rbac import FILES, ImportingRbac, RbacFiles
from app.ra.listing_systems import COLUMNS
from bench import ods_xml
from directory.names import PEOPLE
from tests.integration.directory.test_migrating import OLD
from tests.support.injection import ATTACKS, TYPED, Attacked, attacked
from tests.support.registration_authority import PRACTICE, another, new_position, office, today, unfounded
from tests.support.systems import CANCEL, DETAILS, PRESCRIBE
from tests.support.web import Site, practice_record, site
from tests.support.whole_directory import names_below, publish_all

__all__ = ["office", "site", "unfounded"]

CLI = Actor.system("cli")
ENDPOINT = ("endpoint_interaction", "endpoint_type", "endpoint_url")
APP = Path(__file__).parents[3] / "app"


def taken(tried: Iterator[Attacked], take: Callable[[Attacked], object]) -> int:
    """How many were taken. Whatever is not taken must be refused, which is a sentence for whoever sent it."""
    number = 0
    for each in tried:
        try:
            take(each)
            number += 1
        except Refusal:
            continue
        except Exception as fault:
            raise AssertionError(f"{each} was neither taken nor refused") from fault
    return number


def people(site: Site, _: Path) -> int:
    office = site.office
    return taken(
        attacked(lambda number: another(200 + number), TYPED),
        lambda each: office.ra.registering.register(office.manager, each.value),
    )


def name_changes(site: Site, _: Path) -> int:
    office = site.office
    uid = office.person(another(190)).uid

    def change(number: int) -> NameChange:
        letters = "".join(chr(ord("a") + int(digit)) for digit in str(number))
        return NameChange("Amara", "", f"Osei{letters}", NameChangeReason.DEED_POLL, "123456")

    return taken(
        attacked(change, TYPED), lambda each: office.ra.names.change(office.manager, uid, each.value)
    )


def positions(site: Site, _: Path) -> int:
    office, ra = site.office, site.office.ra
    uid = office.person(another(191)).uid

    def position(number: int) -> NewPosition:
        profile = AccessProfile("R8000", ("B0420",), ("DAY SHIFT",))
        return replace(new_position(PRACTICE, f"Position {number}", "R8000"), access_profiles=(profile,))

    def grant(each: Attacked) -> None:
        made = ra.positions.create(office.manager, each.value)
        if "workgroups" in each.place:
            asked = ra.requesting.request_position(office.sponsor, uid, made, today(), None, each.attack)
            ra.deciding.grant(office.manager, asked, each.attack)

    return taken(attacked(position, TYPED), grant)


def systems(site: Site, _: Path) -> int:
    office, asking, deciding = site.office, site.services.systems.requesting, site.services.systems.deciding

    def register(each: Attacked) -> None:
        request = asking.register(office.sponsor, each.value, each.attack)
        deciding.check_host_names(office.manager, request)
        deciding.approve(office.manager, request, each.attack)

    return taken(attacked(lambda number: replace(DETAILS, product=f"Product {number}"), TYPED), register)


def lists_of_systems(site: Site, _: Path) -> int:
    office, services = site.office, site.services.systems
    usual = {
        "organisation": PRACTICE,
        "version": "1",
        "description": "What for",
        "interactions": f"{PRESCRIBE} {CANCEL}",
        "endpoint_interaction": CANCEL,
        "endpoint_type": "HL7",
        "endpoint_url": "https://localhost.localdomain/hl7",
    }
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for row in attacked(
        lambda number: {**dict.fromkeys(COLUMNS, ""), **usual, "product": f"Listed {number}"}
    ):
        writer.writerow(row.value)
    batch, listed = services.listing.ask(office.sponsor, text.getvalue().encode(), "Roll-out")
    services.deciding.check_host_names_of_batch(office.manager, batch)
    services.deciding.approve_batch(office.manager, batch)
    return sum(1 for each in listed if each.request_id)


def loaded(site: Site, content: bytes) -> int:
    """Hand in, preview and apply a file of organisations; how many of them the database then has."""
    manager, loads = site.office.manager, site.services.loads
    load_id = site.load_of(content=content)
    site.carry()
    if loads.load(manager, load_id).status is LoadStatus.PREVIEWED:
        loads.apply(manager, load_id)
        site.carry()
    return (
        loads.load(manager, load_id).total if loads.load(manager, load_id).status is LoadStatus.APPLIED else 0
    )


def loads_of_organisations(site: Site, _: Path) -> int:
    records = [each.value for each in attacked(lambda number: practice_record(f"X{number:04d}"))]
    return loaded(site, json.dumps(records).encode())


def full_files(site: Site, _: Path) -> int:
    text = io.StringIO()
    ods_xml.write(text, 4)
    between_tags = re.compile(r"(?<=>)[^<>\n]+(?=<)")
    escaped = [escape(attack).replace("\\", r"\\") for attack in ATTACKS]
    return sum(loaded(site, between_tags.sub(attack, text.getvalue()).encode()) for attack in escaped)


def rows(make: Callable[[int], list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(each.value for each in attacked(make))
    return text.getvalue().encode()


def reports_of_organisations(site: Site, _: Path) -> int:
    report = next(each for each in shipped.ods_reports() if each.name == "epraccur")
    first = next(csv.reader(io.StringIO(shipped_file("epraccur").partition(b"\n")[0].decode())))
    content = rows(lambda number: [f"Y{number:04d}", *first[1:]])
    files = OdsFiles("a test", [(report, SourceFile("epraccur.csv", content))], None)
    imported = ImportingOrganisations(site.office.ra.database).run(CLI, files)
    return imported.organisations.added + imported.organisations.changed


def shipped_file(name: str) -> bytes:
    return next(
        file.content for kind, file in shipped.shipped_organisations().organisations if kind.name == name
    )


KEYS = {"objectclass", "uid", "uniqueidentifier", "nhsidcode", "nhsjobrolecode"}


def in_base64(name: str, value: str) -> str:
    return f"{name}:: {base64.b64encode(value.encode()).decode()}"


def with_attack(text: str, attack: str, chosen: Callable[[str], bool]) -> str:
    """LDIF in which the values of the chosen attributes are the attack."""

    def line(written: str) -> str:
        name, separator, _ = written.partition(":")
        return in_base64(name, attack) if separator and chosen(name.lower()) else written

    return "\n".join(map(line, text.split("\n")))


def old_directories(site: Site, folder: Path) -> int:
    file, counted = folder / "old.ldif", 0
    chosen = [lambda name: name not in KEYS | {"dn", "version"}]
    chosen += [lambda name, key=key: name == key for key in ("dn", *KEYS - {"objectclass"})]
    for attack, choose in product(ATTACKS, chosen):
        file.write_text(with_attack(OLD.replace("R8003", "R8000"), attack, choose))
        with closing(OldDirectoryFile(file)) as old:
            report = ImportingDirectory(site.office.ra.database, announce=True).run(CLI, old)
        counted += sum(counts["taken"] for counts in report.counts.values())
    return counted


def old_change_logs(site: Site, folder: Path) -> int:
    file, entries = folder / "log.ldif", OLD.replace("R8003", "R8000").split("\n\n")[2:]
    changes = [
        (target, kind, with_attack("\n".join(entry.split("\n")[1:]), attack, lambda name: name not in KEYS))
        for attack in ATTACKS
        for entry in entries
        if entry.startswith("dn: ")
        for target in (entry.split("\n")[0].removeprefix("dn: "), f"uid={attack},{PEOPLE}")
        for kind in ("add", "delete", "add")
    ]
    file.write_text("".join(map(logged, range(1, len(changes) + 1), changes)))
    following = FollowingOldDirectory(
        site.office.ra.database, OldLogFile(file), PresentEntries(), LdifFragments()
    )
    return following.catch_up(CLI, since=0).changes


def logged(number: int, change: tuple[str, str, str]) -> str:
    target, kind, fragment = change
    lines = [
        f"dn: changenumber={number},cn=changelog,o=nhs",
        f"changenumber: {number}",
        f"changeType: {kind}",
    ]
    return "\n".join([*lines, in_base64("targetDN", target), in_base64("changes", fragment), "\n"])


def role_tables(site: Site, _: Path) -> int:
    whole = shipped.shipped_rbac()
    files = {name: whole.files[name] for name in FILES}
    for name, file in files.items():
        _, first = file.content.decode().splitlines()[:2]
        (row,) = csv.reader([first])
        more = rows(lambda number, row=row: [row[0][:-3] + f"{number:03d}", *row[1:]])
        files[name] = SourceFile(file.name, file.content + more)
    tables = RbacFiles(ATTACKS[1], datetime.now(UTC).date(), files)
    return ImportingRbac(site.office.ra.database).run(CLI, tables).job_roles


def passwords_of_systems(site: Site, _: Path) -> int:
    giving = GivingSystemPasswords(site.office.ra.database)
    return taken(attacked(lambda _: ("200000000149",), TYPED), lambda each: giving.give(CLI, each.value[0]))


WAYS_IN: dict[Callable[[Site, Path], int], set[str]] = {
    people: {"registering"},
    name_changes: {"changing_names"},
    positions: {"positioning", "deciding"},
    systems: {"registering_systems"},
    lists_of_systems: {"registering_systems"},
    loads_of_organisations: {"applying_loads"},
    full_files: {"applying_loads"},
    reports_of_organisations: {"importing_organisations"},
    old_directories: {"importing_directory"},
    old_change_logs: {"following_old_directory"},
    passwords_of_systems: {"giving_system_passwords"},
    role_tables: {"importing_rbac"},
}
"""Each, and the modules of the application that announce to the directory what came in by it."""
ALL_REFUSED = {"people", "passwords_of_systems"}
"""By their own rules; of the others some are values that may be, e.g. names of organisations and products."""
NO_TEXT = {
    "periodic_tasks": "days that pass",
    "directory_comparing": "names that the directory holds already",
    "locking_out": "certificates that ended",
    "closing_organisations": "a choice; its reason and successor stay in the database",
    "completing": "cards",
    "moving_cards": "cards",
    "taking_into_use": "cards",
    "withdrawing": "a choice; its reason stays in the database",
    "loading_systems": "as registering_systems, by whose rules each is checked",
    **dict.fromkeys(("issuing", "renewing", "revoking"), "for the certificate authority"),
    **dict.fromkeys(("sessions", "unlocking_by_code"), "for relying parties and for messages"),
}
"""Further modules that put something into the outbox, and what it is about instead of text."""


def test_everything_that_announces_to_the_directory_is_tried_here():
    announces = re.compile(r"outbox\.add(_all)?\(|(?<!def )\bannounce\(work")
    found = {file.stem for file in APP.rglob("*.py") if announces.search(file.read_text())}
    assert found == set.union(*WAYS_IN.values()) | NO_TEXT.keys()


def test_whatever_comes_in_is_a_value_and_nothing_more(site, fresh, tmp_path):
    counted = {way.__name__: way(site, tmp_path) for way in WAYS_IN}
    assert {name for name, number in counted.items() if not number} == ALL_REFUSED, counted
    publish_all(site.office.ra.database, fresh.slapd, fresh.publisher)
    assert "555999999999" not in names_below(fresh.slapd, PEOPLE, "uid")
