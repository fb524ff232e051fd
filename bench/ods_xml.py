"""Writes a file of organisations of any size in the layout of the XML full file, and measures reading and
loading it.

``python -m bench.ods_xml FILE [--organisations 300000] [--seed 1]`` writes the file, as it comes and always
the same for the same seed. ``python -m bench.ods_xml --measure [--organisations 20000]`` loads such a file
into a database of its own and tells what each step costs, against the bare parsing of the file by expat in
the same run.

The layout follows the published schema 2-0-0: root OrgRefData with a manifest and code systems, values in
``value`` attributes, ``refOnly`` records for what is only mentioned. The organisations are invented.
"""

from __future__ import annotations

import argparse
import io
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from app.bootstrap.loads import carrying_loads, loading_organisations
from app.domain.actor import Actor
from app.domain.organisation_load import LoadKind, LoadStatus
from app.domain.permission import Permission
from app.ra.importing_containers import LARGEST_UNPACKED
from app.ra.loading_organisations import HandedIn
from app.storage.database import Database
from bench.report import tell

ROOT_OID = "2.16.840.1.113883.2.1.3.2.4.18.48"
_TOWNS = (
    "LEEDS",
    "HONITON",
    "STOCKTON-ON-TEES",
    "PENZANCE",
    "BERWICK-UPON-TWEED",
    "O'NEILL'S CROSS",
    "LLANFAIR & DISTRICT",
)
_PRACTICE, _PHARMACY, _TRUST, _SITE, _BOARD = "practice", "pharmacy", "trust", "site", "board"
_ROLES = {
    _PRACTICE: ("RO177", "RO76"), _PHARMACY: ("RO182",), _TRUST: ("RO197", "RO57"), _SITE: ("RO198",),
    _BOARD: ("RO98", "RO319"),
}  # fmt: skip
LOADER = Actor("system:cli", "cli", permissions=frozenset({Permission.LOAD_ORGANISATIONS}))


def write(to: TextIO, count: int, seed: int = 1) -> None:
    """The file with ``count`` organisations and a few that are only mentioned."""
    to.write('<?xml version="1.0" encoding="utf-8"?>\n')
    to.write('<HSCOrgRefData:OrgRefData xmlns:HSCOrgRefData="http://refdata.hscic.gov.uk/org/v2-0-0">\n')
    to.write('<Manifest><Version value="2-0-0"/><PublicationType value="Full"/>')
    to.write(f'<PublicationDate value="2026-11-20"/><RecordCount value="{count}"/></Manifest>\n')
    to.write("<Organisations>\n")
    for organisation in organisations(count, seed):
        to.write(organisation)
    to.write(f'<Organisation orgRecordClass="RC1" refOnly="true"><OrgId root="{ROOT_OID}" extension="ZZ9"/>')
    to.write("<Name>ONLY MENTIONED</Name></Organisation>\n</Organisations>\n</HSCOrgRefData:OrgRefData>\n")


def organisations(count: int, seed: int) -> Iterator[str]:
    """Each organisation: every thousandth is a board, every 300th a trust, half are sites, and so on."""
    chance = random.Random(seed)
    for number in range(count):
        yield _organisation(number, _kind(number), chance)


def _kind(number: int) -> str:
    if number % 1000 == 0:
        return _BOARD
    if number % 300 == 1:
        return _TRUST
    return (_SITE, _PRACTICE, _SITE, _PHARMACY)[number % 4]


def code_of(number: int) -> str:
    """The code of the organisation with that number: a letter for its kind and six digits."""
    letter = {_PRACTICE: "A", _PHARMACY: "F", _TRUST: "R", _SITE: "S", _BOARD: "Q"}[_kind(number)]
    return f"{letter}{number:06d}"


def _organisation(number: int, kind: str, chance: random.Random) -> str:
    closed, town = chance.random() < 0.3, chance.choice(_TOWNS)
    start, end = f"{chance.randint(1974, 2012)}-04-01", f"{chance.randint(2013, 2025)}-03-31"
    status = "Inactive" if closed else "Active"
    date = f'<Date><Type value="Operational"/><Start value="{start}"/>{_end(end, closed)}</Date>'
    roles = "".join(
        f'<Role id="{role}" uniqueRoleId="{number * 3 + nth}"{_primary(nth)}>{date}'
        f'<Status value="{status}"/></Role>'
        for nth, role in enumerate(_ROLES[kind])
    )
    return (
        f'<Organisation orgRecordClass="{"RC2" if kind == _SITE else "RC1"}">'
        f"<Name>{escape(f'{town} {kind} {number}'.upper())}</Name>{date}"
        f'<OrgId root="{ROOT_OID}" assigningAuthorityName="HSCIC" extension="{code_of(number)}"/>'
        f'<Status value="{status}"/><LastChangeDate value="2026-01-{1 + number % 28:02d}"/>'
        f"<GeoLoc><Location><AddrLn1>{number} HIGH STREET</AddrLn1><Town>{escape(town)}</Town>"
        f"<PostCode>LS{1 + number % 28} {number % 10}AE</PostCode><Country>ENGLAND</Country>"
        f"<UPRN>{10_000_000 + number}</UPRN></Location></GeoLoc>"
        f'<Contacts><Contact type="tel" value="0113 {number:07d}"/></Contacts><Roles>{roles}</Roles>'
        f"<Rels>{_relations(number, kind, date, status)}</Rels>"
        f"{_succession(number, closed, end)}</Organisation>\n"
    )


def _end(end: str, closed: bool) -> str:
    return f"<End value={quoteattr(end)}/>" if closed else ""


def _primary(nth: int) -> str:
    return ' primaryRole="true"' if nth == 0 else ""


def _relations(number: int, kind: str, date: str, status: str) -> str:
    if kind == _BOARD:
        return ""
    over = {_SITE: ("RE6", number - number % 300 + 1), _TRUST: ("RE5", number - number % 1000)}
    relation, target = over.get(kind, ("RE4", number - number % 1000))
    return (
        f'<Rel id="{relation}" uniqueRelId="{number}">{date}<Status value="{status}"/><Target>'
        f'<OrgId root="{ROOT_OID}" assigningAuthorityName="HSCIC" extension="{code_of(target)}"/>'
        f'<PrimaryRoleId id="RO98" uniqueRoleId="1"/></Target></Rel>'
    )


def _succession(number: int, closed: bool, end: str) -> str:
    if not closed or number % 25 != 3:
        return ""
    return (
        f'<Succs><Succ uniqueSuccId="{number}"><Date><Type value="Legal"/><Start value="{end}"/></Date>'
        f'<Type value="Successor"/><Target><OrgId root="{ROOT_OID}" extension="{code_of(number + 4)}"/>'
        f"</Target></Succ></Succs>"
    )


def measure(count: int) -> None:
    """Load such a file twice and tell what each step costs."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "HSCOrgRefData_Full_20261120.xml"
        with file.open("w", encoding="utf-8") as to:
            write(to, count)
        database = Database(f"sqlite:///{Path(folder) / 'spine.db'}")
        database.migrate()
        bare = _bare_seconds(file)
        began = _peak_megabytes()
        first = _load(database, file)
        again = _load(database, file)
        database.close()
        size = file.stat().st_size
    figures = {"organisations": float(count), "file_megabytes": size / 1e6, "expat_seconds": bare}
    figures |= {f"first_{name}": value for name, value in first.items()}
    figures |= {f"again_{name}": value for name, value in again.items()}
    figures |= {"memory_growth_megabytes": _peak_megabytes() - began}
    tell(
        "ods_xml",
        {name: f"{value:.1f}" for name, value in figures.items()},
        figures,
        {
            "preview_to_expat": first["preview_seconds"] / bare,
            "unchanged_to_expat": again["preview_seconds"] / bare,
        },
    )


def _bare_seconds(file: Path) -> float:
    began = time.perf_counter()
    with file.open("rb") as content:
        expat.ParserCreate().ParseFile(content)
    return time.perf_counter() - began


def _load(database: Database, file: Path) -> dict[str, float]:
    loading, carrying = loading_organisations(database), carrying_loads(database)
    with file.open("rb") as content:
        load_id = loading.hand_in(
            LOADER, HandedIn(file.name, LoadKind.FULL, "", content, LARGEST_UNPACKED, announces=False)
        )
    began = time.perf_counter()
    carrying.carry_next()
    previewed = time.perf_counter()
    loading.apply(LOADER, load_id)
    carrying.carry_next()
    applied = time.perf_counter()
    assert loading.load(LOADER, load_id).status is LoadStatus.APPLIED
    return {"preview_seconds": previewed - began, "apply_seconds": applied - previewed}


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def as_bytes(count: int, seed: int = 1) -> bytes:
    """A small file, whole."""
    to = io.StringIO()
    write(to, count, seed)
    return to.getvalue().encode()


def main() -> None:
    """Write a file, or measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--organisations", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--measure", action="store_true")
    asked = parser.parse_args()
    if asked.measure:
        measure(asked.organisations)
    elif asked.file:
        with asked.file.open("w", encoding="utf-8") as to:
            write(to, asked.organisations, asked.seed)
    else:
        parser.error("say FILE or --measure")


if __name__ == "__main__":
    main()
