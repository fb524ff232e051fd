"""The schema as a document for people, made of the same tables as the LDIF: ``docs/directory-schema.md``.

``python -m directory.schema.generator`` writes it; a test holds it to the tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.resources import files

from directory.schema import generator
from directory.schema.generator import AttributeType, ObjectClass

_ARCS = f"`spineAttribute` is `{generator.SPINE_ARC}.1`, `spineObjectClass` `{generator.SPINE_ARC}.2`."
_EQUALITY = {"caseIgnoreMatch": "i", "caseExactMatch": "E", "caseExactIA5Match": "E"}


def document() -> str:
    """The whole document as Markdown."""
    published_without_rule = generator.names_without_published_equality()
    attributes = [_attribute(one, published_without_rule) for one in generator.nhs_attributes()]
    ours = [_attribute(one, frozenset()) for one in generator.spine_attributes()]
    heading = ("attribute", "OID", "=", "*", "n", "meaning")
    parts = [
        files("directory.schema").joinpath("introduction.md").read_text(encoding="utf-8"),
        f"## The {len(attributes)} published attributes",
        _table(heading, attributes),
        f"## The {len(generator.nhs_object_classes())} published classes",
        _classes(generator.nhs_object_classes()),
        f"## What is added\n\n{_ARCS}",
        _table(heading, ours),
        _classes(generator.spine_object_classes()),
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _attribute(one: AttributeType, without_rule: frozenset[str]) -> tuple[str, ...]:
    equality = _EQUALITY.get(one.equality, one.equality)
    added = " added" if one.name in without_rule else ""
    many = "" if one.single_value else "n"
    return f"`{one.name}`", one.oid, equality + added, "*" if one.substr else "", many, _cell(one.description)


def _classes(classes: Iterable[ObjectClass]) -> str:
    rows = [_class(one) for one in classes]
    return _table(("class", "OID", "below", "kind", "must", "may"), rows)


def _class(one: ObjectClass) -> tuple[str, ...]:
    return f"`{one.name}`", one.oid, one.sup, one.kind.lower(), " ".join(one.must), " ".join(one.may)


def _table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")
