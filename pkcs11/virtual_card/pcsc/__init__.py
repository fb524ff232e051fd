"""Cards in software behind a real PC/SC reader: pcscd with vpcd's driver, two readers, a process a card.

Nothing of it meets the computer's own pcscd: it has a socket of its own, and the ports between driver and
card are in a network of their own, which nothing else can reach. That takes root (or CAP_SYS_ADMIN)::

    with PcscService(folder) as service:            # or: python -m virtual_card readers FOLDER
        service.use()                               # sets PCSCLITE_CSOCK_NAME: this process' modules find it
        desk = PcscDesk(folder)                     # any number of processes
        card = desk.new_blank_card(profile="smartcard-hsm")         # or "piv"
        desk.insert("left", card.serial)            # returns when the reader shows the card
        desk.order_faults(card.serial, Faults(pulled_at=7))         # or milliseconds_each=, is_full=, ...
        desk.remove("left")
"""

from __future__ import annotations

from virtual_card.iso7816 import Faults
from virtual_card.pcsc.desk import PcscDesk
from virtual_card.pcsc.kinds import KINDS
from virtual_card.pcsc.layout import pcsc_reader_name, run_link
from virtual_card.pcsc.program import SOCKET_VARIABLE
from virtual_card.pcsc.service import PcscService

__all__ = [
    "KINDS",
    "SOCKET_VARIABLE",
    "Faults",
    "PcscDesk",
    "PcscService",
    "pcsc_reader_name",
    "run_link",
]
