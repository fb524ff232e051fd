"""Migrations: how the tables get from one form to the next. They travel inside the package."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, make_url


def configuration(**attributes: object) -> Config:
    """Alembic's configuration for the packaged migrations; ``attributes`` reach ``env.py``."""
    config = Config()
    folder = str(files("app.storage").joinpath("migrations"))
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes.update(attributes)
    return config


def migrate(engine: Engine) -> None:
    """Run the migrations that this database has not had yet, all in one transaction."""
    _make_folder(engine)
    with engine.begin() as connection:
        command.upgrade(configuration(connection=connection), "head")


def _make_folder(engine: Engine) -> None:
    file = make_url(str(engine.url)).database
    if engine.dialect.name == "sqlite" and file:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
