"""Whether everything is there that a data folder cannot make again from the rest of itself."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import make_url

from app.service.data_folder import State
from app.service.layout import Layout
from app.service.preflight import CannotStart
from app.service.staff import Staff
from app.settings import Settings


def require_whole(settings: Settings, layout: Layout, state: State) -> None:
    """Check that nothing was deleted, or restored without the rest, since the folder was prepared.

    Raises:
        CannotStart: naming what is missing.
    """
    expected = (
        [] if state is State.NEW else [*_databases(settings), *_tokens(settings), *public_files(settings)]
    )
    if state is State.COMPLETE:
        expected += [layout.people_file, *_cards(layout)]
    missing = [str(path) for path in expected if not path.exists()]
    if missing:
        raise CannotStart(
            f"{layout.folder} is not whole. Missing: {', '.join(missing[:3])}. Restore the whole folder from"
            f" one backup, or begin again: {layout.command} --fresh"
        )


def _databases(settings: Settings) -> list[Path]:
    urls = (make_url(settings.database.url), make_url(settings.ca.database_url))
    return [Path(url.database) for url in urls if url.drivername == "sqlite" and url.database]


def _tokens(settings: Settings) -> list[Path]:
    confs = [conf for conf in (settings.ca.softhsm_conf, settings.openid.softhsm_conf) if conf]
    token_folders = [conf.parent / "tokens" for conf in confs]
    return [*confs, *token_folders, settings.ca.pin_file, settings.openid.pin_file]


def public_files(settings: Settings) -> list[Path]:
    """What the key ceremony published."""
    names = ("root.cer", "authentication.cer", "content-commitment.cer", "systems.cer", "audit-seal.pem")
    return [settings.ca.folder / "public" / name for name in names]


def _cards(layout: Layout) -> list[Path]:
    return [layout.desk / "cards" / holder.card_serial for holder in Staff(layout.people_file).all()]
