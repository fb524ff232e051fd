"""The desk whose readers are real to PC/SC: the same verbs as the desk of software cards without a reader."""

from __future__ import annotations

from virtual_card.card import VirtualCard
from virtual_card.desk import Desk
from virtual_card.errors import CardAlreadyExists, NoSuchKind, ReadersNotRunning
from virtual_card.iso7816 import Faults, OrderedFaults
from virtual_card.maker import Maker
from virtual_card.pcsc.control import ask_to_look
from virtual_card.pcsc.kinds import KINDS
from virtual_card.pcsc.layout import faults_file, maker_folder, memory_file


class PcscDesk(Desk):
    """The desk in ``folder``, whose readers are run by a PcscService. Any number of processes may use it."""

    def new_blank_card(self, *, profile: str = "smartcard-hsm") -> VirtualCard:
        """Make a new card of that kind, with its maker's certificates. Raises NoSuchKind."""
        if profile not in KINDS:
            raise NoSuchKind(f"There are no {profile} cards in software; there are {', '.join(KINDS)}.")
        kind, maker = KINDS[profile], self.maker

        def lay_out(card: VirtualCard) -> None:
            kind.manufacture(memory_file(card), card.serial, maker)

        while True:
            try:
                serial = kind.new_serial()
                return VirtualCard.create(self.cards_folder, serial, profile=profile, lay_out=lay_out)
            except CardAlreadyExists:
                continue

    @property
    def maker(self) -> Maker:
        """The maker of this desk's cards; its roots are what attestations are verified to."""
        return Maker(maker_folder(self.folder))

    def insert(self, position: str, serial: str) -> None:
        """Put a card into a reader; returns when PC/SC shows it. Raises ReadersNotRunning besides."""
        super().insert(position, serial)
        try:
            ask_to_look(self.folder)
        except ReadersNotRunning:
            super().remove(position)
            raise

    def remove(self, position: str) -> None:
        """Take the card out of a reader; returns when PC/SC shows none."""
        super().remove(position)
        ask_to_look(self.folder)

    def take_note_of_pulling(self, position: str) -> None:
        """Record that the card in the reader was pulled out; for the readers' program."""
        super().remove(position)

    def order_faults(self, serial: str, faults: Faults) -> None:
        """Have the card go wrong, from its next APDU on; ``Faults()`` mends it. Raises NoSuchCard."""
        OrderedFaults.order(faults_file(self.card(serial)), faults)
