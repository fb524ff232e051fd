"""A data folder: whose it is, which ports it was made with, how far its first start came."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from app.service.files import PUBLIC, write_whole
from app.service.layout import IN_A_FOLDER, THIS_MACHINE, Layout
from app.service.preflight import CannotStart

RECORD = "service.json"
"""The file that makes a folder a data folder."""
_NOT_YET_OURS = {"lock", f"{RECORD}.new"}


class State(StrEnum):
    """How far a data folder is.

    NEW: being prepared: tables, keys, reference data, the directory.
    PREPARED: the programs can run; the starting staff's cards are being issued.
    """

    NEW = "new"
    PREPARED = "prepared"
    COMPLETE = "complete"
    BEING_DELETED = "being deleted"


def choose_layout(
    folder: Path, project: Path, port_offset: int | None, host: str | None = None, *, pcsc: str = ""
) -> Layout:
    """The layout that the folder was made with, so that a later start needs no options.

    Args:
        port_offset, host: as asked for at this start; None when nothing was said.
        pcsc: the kind of cards in readers that was asked for at this start.

    Raises:
        CannotStart: the folder holds something else, or was made with other ports, for another host or with
            other cards.
    """
    wanted = Layout(folder, project, port_offset or 0, host or THIS_MACHINE, pcsc or IN_A_FOLDER)
    record = folder / RECORD
    if not record.exists():
        _require_empty(folder)
        return wanted
    recorded = _read(wanted)
    made = Layout(folder, project, recorded.port_offset, recorded.host, recorded.card_profile)
    _require_same(made, port_offset, host, pcsc)
    return made


def _require_same(made: Layout, port_offset: int | None, host: str | None, pcsc: str) -> None:
    if host not in (None, made.host):
        raise CannotStart(
            f"{made.folder} was made for the host {made.host}; its certificates carry that name. Start it as"
            f" it is: {made.command}. For another host choose another folder: ./run --data FOLDER --host NAME"
        )
    if port_offset not in (None, made.port_offset):
        raise CannotStart(
            f"{made.folder} was made with --port-offset {made.port_offset}; its certificates carry those"
            f" ports. Start it as it is: {made.command}. For other ports choose another folder: ./run --data"
            " FOLDER"
        )
    if pcsc not in ("", made.card_profile):
        raise CannotStart(
            f"{made.folder} was made with {made.card_profile} cards, which its people hold. Start it as it"
            f" is: {made.command}. For {pcsc} cards choose another folder: ./run --data FOLDER --pcsc {pcsc}"
        )


def layout_to_delete(folder: Path, project: Path) -> Layout:
    """The layout of a folder that is about to be emptied: its record may be unreadable.

    Raises:
        CannotStart: the folder holds something else, which is not ours to delete.
    """
    try:
        return choose_layout(folder, project, None)
    except CannotStart:
        if not (folder / RECORD).exists():
            raise
        return Layout(folder, project)


def _require_empty(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()} - _NOT_YET_OURS if folder.exists() else set()
    if {"settings.toml", "secrets"} & names:
        raise CannotStart(
            f"{folder} is a data folder of this service that lacks {RECORD}. Restore the whole folder from"
            " one backup, or delete it and start again."
        )
    if names:
        raise CannotStart(
            f"{folder} is not a data folder of this service: it holds {', '.join(sorted(names)[:3])}."
            " Choose an empty folder: ./run --data FOLDER"
        )


def state_of(layout: Layout) -> State:
    """How far the folder is.

    Raises:
        CannotStart: its record cannot be read.
    """
    return _read(layout).state if (layout.folder / RECORD).exists() else State.NEW


@dataclass(frozen=True)
class _Record:
    port_offset: int
    state: State
    host: str
    card_profile: str


def _read(layout: Layout) -> _Record:
    try:
        made = json.loads((layout.folder / RECORD).read_text())
        host, cards = made.get("host", THIS_MACHINE), made.get("card_profile", IN_A_FOLDER)
        return _Record(int(made["port_offset"]), State(made["state"]), str(host), str(cards))
    except (AttributeError, ValueError, KeyError, TypeError):
        raise CannotStart(
            f"{layout.folder / RECORD} cannot be read. Restore the whole folder from one backup,"
            f" or begin again: {layout.command} --fresh"
        ) from None


def remember(layout: Layout, state: State) -> None:
    """Keep how far the folder is, and the ports that it was made with: certificates carry them for life."""
    record = {
        "port_offset": layout.port_offset,
        "state": state.value,
        "host": layout.host,
        "card_profile": layout.card_profile,
    }
    write_whole(layout.folder / RECORD, json.dumps(record), PUBLIC)


def require_not_deleted(layout: Layout) -> None:
    """Check that nobody began to delete the folder.

    Raises:
        CannotStart
    """
    if state_of(layout) is State.BEING_DELETED:
        raise CannotStart(
            f"{layout.folder} was being deleted, and that was interrupted. Finish it:"
            f" {layout.command} --fresh"
        )
