"""Speaking to a card in software by APDUs, without a reader."""

from __future__ import annotations

from dataclasses import dataclass

from virtual_card.iso7816 import Card, Command


@dataclass(frozen=True)
class Speaker:
    """What a terminal does with a card: sends commands, gathers long answers."""

    card: Card

    def ask(
        self, ins: int, p1p2: int = 0, data: bytes = b"", answer_length: int | None = 256
    ) -> tuple[bytes, str]:
        """The whole answer, and the status word in hexadecimal."""
        command = Command(0, ins, p1p2 >> 8, p1p2 & 0xFF, data, answer_length)
        return self.raw(command.to_bytes())

    def raw(self, apdu: bytes) -> tuple[bytes, str]:
        answer = self.card.transmit(apdu)
        gathered, status = answer[:-2], answer[-2:]
        while status[0] == 0x61:
            answer = self.card.transmit(bytes((0, 0xC0, 0, 0, status[1])))
            gathered, status = gathered + answer[:-2], answer[-2:]
        return gathered, status.hex()

    def status(self, ins: int, p1p2: int = 0, data: bytes = b"") -> str:
        return self.ask(ins, p1p2, data)[1]
