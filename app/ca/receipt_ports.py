"""Where receipts and the reasons that they are made of are kept."""

from __future__ import annotations

from collections.abc import Sequence
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

    def keep_receipt(self, made: MadeReceipt) -> str:
        """Keep the receipt, unless one is kept; the SHA-256 of the one that is."""

    def receipt(self, serial_number: str) -> bytes | None:
        """The receipt of the order that a certificate belongs to."""

    def latest_receipts(self, most: int) -> Sequence[tuple[str, str]]:
        """The orders of the certificates signed last, at least so many, each with its receipt's SHA-256."""

    def orders_without_receipt(self) -> Sequence[str]:
        """Orders with a signed certificate and no receipt."""
