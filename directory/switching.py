"""Switching: a running slapd serves another database of the same suffix, without an instant in between.

slapd takes a second database of one suffix when it is hidden (``olcHidden``, slapd-config(5)): it is open
then, and nobody is led to it. Of several that are not hidden the first serves. So the new one is added hidden
and shown, and then the old one is hidden. Each is one change of the configuration, for which slapd pauses
everybody, so that whoever asks meets the old content or the new. Connections stay open.

The new database is an object of its own in slapd. Changing ``olcDbDirectory`` of the old one would not do:
back-mdb keeps the attribute numbers of what it had open and answers with values under wrong names.

The link ``current`` in slapd's folder names the database that the next start serves. Between the switch and
the link somebody may die; hence ``settle``, which whoever writes next calls before writing.
"""

from __future__ import annotations

import re
from pathlib import Path

import ldap3

from directory.connection import Session
from directory.entries import Record

CONFIGURATION = "cn=config"
_PLACE = re.compile(r"\{(-?\d+)\}")


def serve(session: Session, suffix: str, folder: Path) -> None:
    """Serve the database in ``folder``, which slapadd has filled, from now on.

    Args:
        session: one that may change the configuration.

    Raises:
        DirectoryUnavailable, DirectoryRefused: slapd could not do it. What served goes on serving.
    """
    before = settle(session, suffix)
    session.add(_beside(before, folder))
    new = next(each for each in _databases(session, suffix) if folder_of(each) == folder)
    for overlay in _overlays(session, before):
        session.add(_on(overlay, new))
    session.replace(new.dn, {"olcHidden": ("FALSE",)})
    session.replace(before.dn, {"olcHidden": ("TRUE",)})
    note_in_use(folder)
    _drop(session, before)


def note_in_use(database: Path) -> None:
    """Have the link ``current`` beside the database's folder name it."""
    link = database.with_name("current.new")
    link.unlink(missing_ok=True)
    link.symlink_to(database.name)
    link.replace(database.with_name("current"))


def settle(session: Session, suffix: str) -> Record:
    """Clear up what a killed ``serve`` left, and return the configuration of the database that serves."""
    databases = _databases(session, suffix)
    serving = next(each for each in databases if not _is_hidden(each))
    # From the last up: dropping one gives those behind it new places, and so new names.
    for left in reversed(databases):
        if left is not serving:
            _drop(session, left)
    left_alone = next(each for each in _databases(session, suffix) if not _is_hidden(each))
    note_in_use(folder_of(left_alone))
    return left_alone


def folder_of(database: Record) -> Path:
    """Where a database lies."""
    return Path(database.attributes["olcDbDirectory"][0].strip('"'))


def _databases(session: Session, suffix: str) -> list[Record]:
    """The databases of the suffix, the one that slapd would choose first of those not hidden first."""
    found = session.search(CONFIGURATION, f"(&(objectClass=olcMdbConfig)(olcSuffix={suffix}))")
    return sorted(found, key=lambda each: int(_PLACE.findall(each.dn)[0]))


def _is_hidden(database: Record) -> bool:
    return database.attributes.get("olcHidden") == ("TRUE",)


def _beside(database: Record, folder: Path) -> Record:
    """The configuration of a hidden database as ``database``, but in another folder."""
    own = {"olcDatabase": ("mdb",), "olcDbDirectory": (f'"{folder}"',), "olcHidden": ("TRUE",)}
    return Record(f"olcDatabase=mdb,{CONFIGURATION}", {**database.attributes, **own})


def _overlays(session: Session, database: Record) -> list[Record]:
    return session.search(database.dn, scope=ldap3.LEVEL)


def _on(overlay: Record, database: Record) -> Record:
    return Record(f"{overlay.dn.split(',', 1)[0]},{database.dn}", overlay.attributes)


def _drop(session: Session, database: Record) -> None:
    if not _is_hidden(database):
        session.replace(database.dn, {"olcHidden": ("TRUE",)})
    for overlay in reversed(_overlays(session, database)):
        session.delete(overlay.dn)
    session.delete(database.dn)
