"""Reading the reference data that travels with the program, and newer files of that form from a folder."""

from __future__ import annotations

import csv
import gzip
import tomllib
from datetime import date
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from app.ra.importing import ImportNotPossible, SourceFile
from app.ra.importing_ods_files import OdsFile
from app.ra.importing_ord import RoleKind
from app.ra.importing_organisations import OdsFiles
from app.ra.importing_rbac import FILES, RbacFiles


def _shipped(folder: str) -> Traversable:
    return files("app.data").joinpath(folder)


def _description(folder: str, name: str) -> dict[str, Any]:
    return tomllib.loads(_shipped(folder).joinpath(name).read_text())


def _content(folder: Traversable, name: str) -> SourceFile | None:
    plain, compressed = folder.joinpath(f"{name}.csv"), folder.joinpath(f"{name}.csv.gz")
    if plain.is_file():
        return SourceFile(plain.name, plain.read_bytes())
    if compressed.is_file():
        return SourceFile(plain.name, gzip.decompress(compressed.read_bytes()))
    return None


def shipped_organisations() -> OdsFiles:
    """The organisations and memberships that travel with the program."""
    return _organisations(_shipped("ods"), "shipped with the program")


def organisations_in(folder: Path) -> OdsFiles:
    """ODS's files in a folder, by their own names (``epraccur.csv`` and so on), plain or gzip.

    Raises:
        ImportNotPossible: there is none.
    """
    return _organisations(folder, str(folder))


def _organisations(folder: Traversable, source: str) -> OdsFiles:
    description = _description("ods", "files.toml")
    kinds = ods_reports()
    found = [(kind, content) for kind in kinds if (content := _content(folder, kind.name))]
    if not found:
        names = ", ".join(f"{kind.name}.csv" for kind in kinds)
        raise ImportNotPossible(f"There is none of {names} in {source}.")
    return OdsFiles(source, found, _content(folder, description["memberships"]["name"]))


def shipped_rbac() -> RbacFiles:
    """The national role-based access tables that travel with the program."""
    version = _description("rbac", "version.toml")
    return _rbac(_shipped("rbac"), version["version"], version["effective_from"])


def rbac_in(folder: Path, version: str, effective_from: date) -> RbacFiles:
    """The tables in a folder, as ``job_roles.csv`` and so on, plain or gzip."""
    return _rbac(folder, version, effective_from)


def _rbac(folder: Traversable, version: str, effective_from: date) -> RbacFiles:
    found = {name: content for name in FILES if (content := _content(folder, name))}
    return RbacFiles(version, effective_from, found)


def interactions() -> frozenset[str]:
    """Every service-qualified interaction id that is known."""
    content = _content(_shipped("spine"), "interactions")
    assert content is not None
    rows = csv.DictReader(content.content.decode().splitlines())
    return frozenset(row["service_interaction_urn"] for row in rows)


def ods_reports() -> list[OdsFile]:
    """ODS's CSV reports of organisations that can be read."""
    return [OdsFile.of(table) for table in _description("ods", "files.toml")["file"]]


def role_kinds() -> dict[str, RoleKind]:
    """What each of ODS's roles is called, by its id, e.g. ``RO177``."""
    rows = csv.DictReader(_shipped("ods").joinpath("roles.tsv").read_text().splitlines(), delimiter="\t")
    return {
        row["role"]: RoleKind(row["name"], row["type_code"], row["names_the_kind"] == "yes") for row in rows
    }
