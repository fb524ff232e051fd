"""Make the LDIF (olcSchema form) and the document of the published schema and of our extension from tables.

Run ``python -m directory.schema.generator`` after changing a table; a test holds table and LDIF together.

Three things differ from the tables on purpose, each because a real client or slapd demands it:

* every attribute without a published equality rule gets ``caseIgnoreMatch``: without one, slapd answers an
  equality filter with nothing and refuses to add a second value;
* a few attributes get a substring rule, as the national server's default gives them one;
* names are written in the one case that the published subschema uses, because slapd answers in the schema's
  case.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

NHS_ARC = "1.2.826.0.1285."
SPINE_ARC = "2.25.80914383292330338838394908886594002517"
"""Our own arc: a UUID taken as an integer below 2.25 (ITU-T X.667), which needs no registration."""

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "directory-schema.md"

STANDARD_NAMES = ("labeledURI", "uniqueIdentifier", "objectClass")
SUBSTRING_RULES = {
    "caseExactMatch": "caseExactSubstringsMatch",
    "caseIgnoreMatch": "caseIgnoreSubstringsMatch",
}
SEARCHED_BY_SUBSTRING = frozenset(
    {
        "nhsIDCode", "nhsAsSvcIA", "nhsMhsSvcIA", "nhsMHSPartyKey", "nhsMHSEndPoint", "nhsProductName",
        "nhsJobRole", "nhsAltOrgNames",
    }
)  # fmt: skip


@dataclass(frozen=True)
class AttributeType:
    """One attribute type description (RFC 4512 section 4.1.2)."""

    oid: str
    name: str
    description: str
    syntax: str
    single_value: bool
    equality: str
    ordering: str = ""
    substr: str = ""

    def definition(self) -> str:
        """The description in the string form of RFC 4512."""
        rules = (("EQUALITY", self.equality), ("ORDERING", self.ordering), ("SUBSTR", self.substr))
        parts = [self.oid, f"NAME '{self.name}'", f"DESC '{_quoted(self.description)}'"]
        parts += [f"{keyword} {rule}" for keyword, rule in rules if rule]
        parts.append(f"SYNTAX {self.syntax}")
        return " ".join(["(", *parts, *(["SINGLE-VALUE"] if self.single_value else []), ")"])


@dataclass(frozen=True)
class ObjectClass:
    """One object class description (RFC 4512 section 4.1.1)."""

    oid: str
    name: str
    sup: str
    kind: str
    must: tuple[str, ...]
    may: tuple[str, ...]

    def definition(self) -> str:
        """The description in the string form of RFC 4512."""
        parts = [self.oid, f"NAME '{self.name}'", f"SUP {self.sup}", self.kind]
        parts += [
            f"{word} ( {' $ '.join(names)} )"
            for word, names in (("MUST", self.must), ("MAY", self.may))
            if names
        ]
        return " ".join(["(", *parts, ")"])


def nhs_attributes() -> list[AttributeType]:
    """The 130 published attribute types, in the order of the table."""
    return [_published(row) for row in _rows("attributes.tsv") if row["oid"].startswith(NHS_ARC)]


def names_without_published_equality() -> frozenset[str]:
    """The published attributes to which an equality rule was added."""
    return frozenset(
        row["name"] for row in _rows("attributes.tsv") if row["equality_as_published"] == "(none)"
    )


def nhs_object_classes() -> list[ObjectClass]:
    """The 22 published object classes, in the order of the table."""
    return [_object_class(row) for row in _rows("objectclasses.tsv")]


def spine_attributes() -> list[AttributeType]:
    """What this product adds, and the change log attributes that the published subschema lacks."""
    return [
        AttributeType(
            row["oid"], row["name"], row["meaning"], row["syntax"], row["cardinality"] == "single",
            row["equality"], row["ordering"], row["substr"],
        )
        for row in _rows("spine_attributes.tsv")
    ]  # fmt: skip


def spine_object_classes() -> list[ObjectClass]:
    """Our auxiliary classes. changeLogEntry is auxiliary too: slapd allows one structural class an entry."""
    return [_object_class(row) for row in _rows("spine_objectclasses.tsv")]


def nhs_ldif() -> str:
    """The published schema as one entry below ``cn=schema,cn=config``."""
    return _ldif("nhs", (), nhs_attributes(), nhs_object_classes())


def spine_ldif() -> str:
    """Our extension as one entry below ``cn=schema,cn=config``. It must be loaded after the published
    schema.
    """
    macros = (("spineArc", SPINE_ARC), ("spineAttribute", "spineArc:1"), ("spineObjectClass", "spineArc:2"))
    return _ldif("spine", macros, spine_attributes(), spine_object_classes())


def _published(row: dict[str, str]) -> AttributeType:
    equality = row["equality_as_published"]
    equality = "caseIgnoreMatch" if equality == "(none)" else equality
    substr = SUBSTRING_RULES[equality] if row["name"] in SEARCHED_BY_SUBSTRING else ""
    syntax = row["syntax"].removeprefix("Directory String ")
    single = row["cardinality"] == "single"
    return AttributeType(row["oid"], row["name"], row["meaning"], syntax, single, equality, substr=substr)


def _object_class(row: dict[str, str]) -> ObjectClass:
    canonical = _canonical_names()

    def names(column: str) -> tuple[str, ...]:
        listed = (canonical.get(name.casefold(), name) for name in row[column].split())
        return tuple(name for name in listed if name != "objectClass")

    return ObjectClass(row["oid"], row["name"], row["sup"], row["kind"], names("must"), names("may"))


def _canonical_names() -> dict[str, str]:
    """Lower-case name to the one spelling; the published classes spell the same attribute in several ways."""
    return {
        name.casefold(): name
        for name in (*(attribute.name for attribute in nhs_attributes()), *STANDARD_NAMES)
    }


def _rows(table: str) -> list[dict[str, str]]:
    text = files("directory.schema").joinpath(table).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))


def _quoted(text: str) -> str:
    """A DESC string: backslash and quote escaped (RFC 4512 section 4.1), anything beyond ASCII left out."""
    ascii_text = text.encode("ascii", "ignore").decode()
    return ascii_text.replace("\\", "\\5C").replace("'", "\\27")


def _ldif(
    name: str,
    macros: Iterable[tuple[str, str]],
    attributes: Iterable[AttributeType],
    classes: Iterable[ObjectClass],
) -> str:
    lines = [f"dn: cn={name},cn=schema,cn=config", "objectClass: olcSchemaConfig", f"cn: {name}"]
    lines += [f"olcObjectIdentifier: {macro} {oid}" for macro, oid in macros]
    lines += _folded("olcAttributeTypes", (attribute.definition() for attribute in attributes))
    lines += _folded("olcObjectClasses", (object_class.definition() for object_class in classes))
    return "\n".join(lines) + "\n"


def _folded(keyword: str, definitions: Iterable[str], width: int = 110) -> Iterator[str]:
    """LDIF lines, folded at ``width`` (RFC 2849: a continuation line begins with one space)."""
    for definition in definitions:
        line = f"{keyword}: {definition}"
        yield line[:width]
        yield from (" " + line[start : start + width - 1] for start in range(width, len(line), width - 1))


def main() -> None:
    """Write both LDIF files beside the tables, and the document."""
    # Only here: the document is made of what this module reads.
    from directory.schema.documentation import document

    folder = Path(__file__).parent
    DOCUMENT.write_text(document(), encoding="utf-8")
    (folder / "nhs.ldif").write_text(nhs_ldif(), encoding="utf-8")
    (folder / "spine.ldif").write_text(spine_ldif(), encoding="utf-8")


if __name__ == "__main__":
    main()
