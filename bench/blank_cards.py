"""Blank cards of every profile for a measurement, used by ``cryptoki`` alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from cryptoki import CardProfile, InsertedCard, inserted_card, prepare_softhsm_folder
from tests.support.tpm import running_tpm
from virtual_card.pcsc import KINDS, PcscDesk, PcscService

CardOpener = Callable[[], AbstractContextManager[InsertedCard]]
BlankCards = Callable[[], AbstractContextManager[CardOpener]]


@contextmanager
def blank_cards(profile: CardProfile, folder: Path) -> Iterator[BlankCards]:
    """What gives a new blank card as often as it is called: a block, and in it a way to open the card."""
    if profile.name not in KINDS:
        take = _tpm if profile.name == "tpm" else _softhsm
        numbers = iter(range(10**6))
        yield lambda: take(profile, folder / f"{profile.name}-{next(numbers)}")
        return
    desk_folder = folder / "bare-desk"
    desk_folder.mkdir()
    with PcscService(desk_folder) as service:
        service.use()
        desk = PcscDesk(desk_folder)
        yield lambda: _in_reader(profile, desk)


@contextmanager
def _softhsm(profile: CardProfile, folder: Path) -> Iterator[CardOpener]:
    conf = prepare_softhsm_folder(folder)
    yield lambda: inserted_card(profile, softhsm_conf=conf)


@contextmanager
def _in_reader(profile: CardProfile, desk: PcscDesk) -> Iterator[CardOpener]:
    card = desk.new_blank_card(profile=profile.name)
    desk.insert("left", card.serial)
    yield lambda: inserted_card(profile, card.serial)
    desk.remove("left")


@contextmanager
def _tpm(profile: CardProfile, folder: Path) -> Iterator[CardOpener]:
    folder.mkdir()
    with running_tpm(folder) as environment:
        os.environ.update(environment)
        yield lambda: inserted_card(profile)
