"""Cards in software, for trying and testing: a SoftHSM token folder a card, and a desk with two readers.

SoftHSM never locks a PIN, so the lock is kept here: three tries, each written to disk before it is made.
PINs are refused with the errors of ``cryptoki`` (``cryptoki.errors.PinIncorrect`` with ``tries_left``,
``cryptoki.errors.PinLocked``), as a card that locks itself would refuse them::

    profiles = cryptoki.load_card_profiles()                     # config/card_profiles.toml
    desk = Desk(folder)                                          # desk.json, cards/
    card = desk.new_blank_card()                                 # or VirtualCard.create(cards_folder, serial)
    desk.insert("left", card.serial); desk.readers(); desk.cards(); desk.remove("left")

    card.serial, card.profile, card.back_number, card.tries_left()

    with open_card(card, profiles[card.profile]) as opened:      # one process at a time, one card per process
        opened.is_initialised
        opened.initialise(so_pin, pin, label)                    # the card keeps its serial
        opened.certificates_without_pin()                        # list of cryptoki.CertificateObject
        with opened.login(pin) as session: ...                   # a cryptoki.Session
        opened.change_pin(old_pin, new_pin)
        opened.unblock(so_pin, new_pin)
        opened.erase()                                           # blank again, without the SO PIN
"""

from __future__ import annotations

from virtual_card import errors
from virtual_card.card import PIN_TRIES, VirtualCard
from virtual_card.desk import READER_NAMES, Desk, Reader
from virtual_card.files import read_json_object, write_json_durably
from virtual_card.opened_card import OpenedCard, open_card

__all__ = [
    "PIN_TRIES",
    "READER_NAMES",
    "Desk",
    "OpenedCard",
    "Reader",
    "VirtualCard",
    "errors",
    "open_card",
    "read_json_object",
    "write_json_durably",
]
