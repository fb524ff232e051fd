"""Where receipts and the reasons that they are made of are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class MadeReceipt:
    """A receipt that was signed. ``sha256`` is the document's, in lower-case hexadecimal."""

    order_id: str
    document: bytes
    sha256: str


class ReceiptLedger(Protocol):
    """The part of the certificate authority's record that keeps receipts. Each call is durable."""

    def reason_without_receipt(self, order_id: str) -> dict[str, Any] | None:
        """Why the order is carried out; None when its receipt is there already, or nothing is on record."""

    def receipt(self, serial_number: str) -> bytes | None:
        """The receipt of the order that a certificate belongs to."""
