"""A card's side of ISO/IEC 7816-4: commands, chaining, status words, memory that survives a pulled plug."""

from __future__ import annotations

from virtual_card.iso7816.card import Applet, Card
from virtual_card.iso7816.command import Command
from virtual_card.iso7816.faults import Faults, OrderedFaults
from virtual_card.iso7816.memory import Memory
from virtual_card.iso7816.status import Refused, StatusWord

__all__ = ["Applet", "Card", "Command", "Faults", "Memory", "OrderedFaults", "Refused", "StatusWord"]
