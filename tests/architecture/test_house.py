"""The rules of the house that no other tool checks."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = ("app", "directory", "pkcs11", "examples")
LONGEST_FUNCTION = 40
LONGEST_FILE = 300


def _files() -> list[Path]:
    return [path for folder in PRODUCT for path in (ROOT / folder).rglob("*.py")]


def _functions(tree: ast.AST) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node, _lines_without_docstring(node)


def _lines_without_docstring(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.lineno
    if ast.get_docstring(node) is not None and len(node.body) > 1:
        first = (node.body[0].end_lineno or first) + 1
    return (node.end_lineno or first) - first + 1


def test_pkcs11_is_a_folder_and_never_a_package() -> None:
    """A package of that name would shadow the PKCS#11 library everywhere."""
    assert not (ROOT / "pkcs11" / "__init__.py").exists()
    import pkcs11

    assert "site-packages" in str(pkcs11.__file__)


@pytest.mark.parametrize("path", _files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_short_and_says_what_it_is(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= LONGEST_FILE, (
        f"{path} is longer than {LONGEST_FILE} lines: cut it where it has two subjects"
    )
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), f"{path} has no docstring"


@pytest.mark.parametrize("path", _files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_function_is_longer_than_forty_lines(path: Path) -> None:
    long = [
        f"{node.name}: {size}"
        for node, size in _functions(ast.parse(path.read_text()))
        if size > LONGEST_FUNCTION
    ]
    assert not long


def test_most_functions_are_small() -> None:
    sizes = sorted(size for path in _files() for _, size in _functions(ast.parse(path.read_text())))
    assert sizes[len(sizes) // 2] <= 6
    assert sizes[len(sizes) * 9 // 10] <= 15


@pytest.mark.parametrize("name", ["utils", "helpers", "managers", "common", "misc"])
def test_there_is_no_drawer(name: str) -> None:
    assert not [path for path in _files() if path.stem == name or name in path.parts]
