"""Migrations of the certificate authority's own database."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, make_url


def configuration(**attributes: object) -> Config:
    """Alembic's configuration for these migrations; ``attributes`` reach ``env.py``."""
    config = Config()
    folder = str(files("app.storage.ca").joinpath("migrations"))
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes.update(attributes)
    return config


def migrate_ca_database(engine: Engine) -> None:
    """Run the migrations that this database has not had yet, all in one transaction."""
    file = make_url(str(engine.url)).database
    if engine.dialect.name == "sqlite" and file:
        Path(file).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with engine.begin() as connection:
        command.upgrade(configuration(connection=connection), "head")
