"""``spine-ra``: what operators do at the command line. Every command may be given again without harm."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import click

_FILE = click.Path(path_type=Path, dir_okay=False)
_COMMANDS = (
    "audit",
    "ca",
    "certificates",
    "directory",
    "health",
    "look-ups",
    "metrics",
    "migrate",
    "organisations",
    "rbac",
    "receipt",
    "signatures",
    "stock",
    "systems",
    "worker",
)
"""Each is in the module of ``app.commands`` that has its name."""


class _LoadedWhenAsked(click.Group):
    """Imports only the command that is given: the worker starts without the linter, and so on."""

    def list_commands(self, _: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        attribute = name.replace("-", "_")
        command = getattr(import_module(f"app.commands.{attribute}"), attribute)
        assert isinstance(command, click.Command), name
        return command


@click.group(cls=_LoadedWhenAsked)
@click.option("--settings", "file", type=_FILE, envvar="SPINE_RA_SETTINGS", help="Settings file.")
@click.pass_context
def main(context: click.Context, file: Path | None) -> None:
    """Spine RA: an open registration authority."""
    context.obj = file


if __name__ == "__main__":
    main()
