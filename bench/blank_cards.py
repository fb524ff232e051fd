"""Blank cards of every profile for a measurement, and nothing around them.

Each is the card that the desk has too. A card of SoftHSM keeps its try counter, which other cards have
inside: a try is on the disk before it is made.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptoki import CardProfile, CardProof, CertificateObject, PublicKey, Session, inserted_card
from tests.support.tpm import running_tpm
from virtual_card import OpenedCard, VirtualCard, open_card
from virtual_card.pcsc import KINDS, PcscDesk, PcscService


class BareCard(Protocol):
    """A card that is open: as much of ``cryptoki.InsertedCard`` as a personalisation asks of it."""

    @property
    def profile(self) -> CardProfile: ...

    def initialise(self, so_pin: str, pin: str, label: str) -> None: ...

    def login_to_write(self, pin: str) -> Session: ...

    def certificates(self) -> list[CertificateObject]: ...

    def proof_of(self, public_key: PublicKey, cka_id: bytes) -> CardProof | None: ...


CardOpener = Callable[[], AbstractContextManager[BareCard]]
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
    card = VirtualCard.create(folder, "measured")
    yield lambda: _opened(card, profile)


@contextmanager
def _opened(card: VirtualCard, profile: CardProfile) -> Iterator[BareCard]:
    with open_card(card, profile) as opened:
        yield _CardOfSoftHSM(profile, opened)


@dataclass(frozen=True)
class _CardOfSoftHSM:
    profile: CardProfile
    opened: OpenedCard

    def initialise(self, so_pin: str, pin: str, label: str) -> None:
        self.opened.initialise(so_pin, pin, label)

    def login_to_write(self, pin: str) -> Session:
        return self.opened.login(pin)

    def certificates(self) -> list[CertificateObject]:
        return self.opened.certificates_without_pin()

    def proof_of(self, public_key: PublicKey, cka_id: bytes) -> None:
        """It proves nothing."""


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
