"""The schema LDIF is what the published tables say, plus what clients and slapd need."""

from __future__ import annotations

from importlib.resources import files

import pytest

from directory.schema import generator
from directory.schema.documentation import document

ATTRIBUTES = {attribute.name: attribute for attribute in generator.nhs_attributes()}
CLASSES = {object_class.name: object_class for object_class in generator.nhs_object_classes()}


@pytest.mark.parametrize(
    ("name", "made"), [("nhs.ldif", generator.nhs_ldif), ("spine.ldif", generator.spine_ldif)]
)
def test_the_committed_ldif_is_what_the_tables_make(name, made):
    assert files("directory.schema").joinpath(name).read_text(encoding="utf-8") == made()


def test_the_document_is_what_the_tables_make():
    assert generator.DOCUMENT.read_text(encoding="utf-8") == document()


def test_the_document_names_every_attribute_and_class_and_says_which_to_use():
    text = document()
    names = [*ATTRIBUTES, *CLASSES, *(one.name for one in generator.spine_attributes())]
    assert [name for name in names if f"| `{name}` |" not in text] == []
    for ours in ("spineAccess", "spineResolvedActivity", "spineActivity", "spineEnd"):
        assert f"`{ours}`" in text.partition("## Rules")[0]


def test_all_130_attributes_and_22_classes_are_there():
    assert (len(ATTRIBUTES), len(CLASSES)) == (130, 22)


def test_every_attribute_can_be_asked_for_by_equality():
    assert [name for name, attribute in ATTRIBUTES.items() if not attribute.equality] == []


@pytest.mark.parametrize(
    "name", ["nhsIDCode", "nhsMHSPartyKey", "nhsMhsSvcIA", "nhsMhsFQDN", "nhsMHSRetries"]
)
def test_attributes_that_clients_read_as_one_value_are_single_valued(name):
    assert ATTRIBUTES[name].definition().endswith("SINGLE-VALUE )")


@pytest.mark.parametrize("name", ["nhsMHSEndPoint", "nhsMHSActor", "nhsAsClient", "nhsAsSvcIA"])
def test_attributes_that_clients_read_as_a_list_are_not(name):
    assert not ATTRIBUTES[name].single_value


def test_classes_name_attributes_in_the_one_published_case():
    known = set(ATTRIBUTES) | {"labeledURI", "uniqueIdentifier"}
    listed = {name for one in CLASSES.values() for name in (*one.must, *one.may)}
    assert {name for name in listed if name.startswith("nhs")} <= known
    assert "nhsOCSPRCode" in CLASSES["nhsPerson"].may


def test_the_change_log_class_is_auxiliary_so_that_an_entry_can_have_both():
    assert {one.name: one.kind for one in generator.spine_object_classes()}["changeLogEntry"] == "AUXILIARY"


def test_our_own_names_stand_in_our_own_arc():
    ours = [one for one in generator.spine_attributes() if one.name.startswith("spine")]
    assert ours
    assert all(one.oid.startswith("spineAttribute:") for one in ours)
    assert f"spineArc {generator.SPINE_ARC}" in generator.spine_ldif()
