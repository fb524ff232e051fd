"""Every text that a command of ``spine-ra`` takes, with what would change a name, a filter or a path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from sqlalchemy import select

from app.cli import main
from app.storage.database import Database
from app.storage.tables.outbox import outbox
from tests.support.injection import TYPED

PATHS = ("../../outside", "/etc/outside")
AUTHORITY = {"ca", "receipt"}
"""They run on the certificate authority's machine, which knows no directory."""
MORE = {("directory", "follow-import"): ["--once"], ("directory", "replica", "remove"): ["--yes"]}


def commands(command: click.Command, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from commands(found, *path, name)


def texts(command: click.Command) -> list[click.Parameter]:
    return [each for each in command.params if each.type is click.STRING]


TAKING_TEXT = [
    (path, command) for path, command in commands(main) if texts(command) and path[0] not in AUTHORITY
]


def arguments(path: tuple[str, ...], command: click.Command, attack: str, file: Path) -> list[str]:
    """The command with the attack in each text that it takes, and with whatever else it needs."""
    wanted = [each for each in command.params if each.required or each.type is click.STRING]
    named = [each for each in wanted if isinstance(each, click.Option)]
    options = [f"{each.opts[0]}={value(each, attack, file)}" for each in named]
    places = [value(each, attack, file) for each in wanted if isinstance(each, click.Argument)]
    return [*path, *MORE.get(path, ()), *options, "--", *places]


def value(parameter: click.Parameter, attack: str, file: Path) -> str:
    match parameter.type:
        case click.types.StringParamType():
            return attack
        case click.Choice() as choice:
            return str(choice.choices[0])
        case click.types.IntParamType():
            return "1"
    return str(file)


def announced(database: Database) -> set[tuple[str, str]]:
    with database.read() as work:
        return {tuple(row) for row in work.connection.execute(select(outbox.c.topic, outbox.c.key))}


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "settings.toml"
    file.write_text(f'[data]\nfolder = "{tmp_path / "data"}"')
    assert CliRunner().invoke(main, ["--settings", str(file), "migrate"]).exit_code == 0
    return file


def test_no_command_takes_more_than_a_value_from_a_value(settings, tmp_path):
    empty, outside = tmp_path / "empty", tmp_path.parent / "outside"
    empty.touch()
    database = Database(f"sqlite:///{tmp_path / 'data' / 'spine.db'}")
    for path, command in TAKING_TEXT:
        for attack in (*TYPED, *PATHS):
            asked = arguments(path, command, attack, empty)
            told = CliRunner().invoke(main, ["--settings", str(settings), *asked])
            assert isinstance(told.exception, SystemExit | None), (asked, told.exc_info)
            assert "Traceback" not in told.output
    assert announced(database) == set()
    assert not outside.exists()
    database.close()
