"""The commands are loaded one by one, when they are given."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from app.cli import main

COMMANDS = main.list_commands(click.Context(main))


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_says_what_it_does(name: str) -> None:
    told = CliRunner().invoke(main, [name, "--help"])
    assert told.exit_code == 0, told.output
    assert f"Usage: main {name}" in told.output


def test_the_list_has_a_sentence_for_each_command() -> None:
    told = CliRunner().invoke(main, ["--help"]).output
    listed = told.partition("Commands:")[2].splitlines()[1:]
    assert [line.split(maxsplit=1)[0] for line in listed if line.strip()] == COMMANDS
    assert all(len(line.split(maxsplit=1)) > 1 for line in listed if line.strip())


def test_a_command_that_there_is_not_is_refused() -> None:
    told = CliRunner().invoke(main, ["wroker"])
    assert told.exit_code == click.UsageError.exit_code
    assert "No such command 'wroker'" in told.output


@pytest.mark.parametrize(
    ("module", "stranger"),
    [
        ("app.commands.worker", "app.web"),
        ("app.commands.metrics", "app.oidc.provider"),
        ("app.bootstrap.status", "app.storage.database"),
        ("app.bootstrap.look_ups", "app.storage.database"),
        ("app.bootstrap.web", "pkilint"),
        ("app.service.__main__", "app.ca.authority"),
    ],
)
def test_a_program_loads_nothing_that_another_is_for(module: str, stranger: str) -> None:
    look = f"import sys, {module}; sys.exit({stranger!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], check=False).returncode == 0
