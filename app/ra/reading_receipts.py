"""Reading why a certificate was issued: its receipt, verified each time it is shown. Reading is audited."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from app.domain.actor import Actor
from app.domain.permission import Permission
from app.domain.receipt import Receipt, receipt_from_untrusted
from app.domain.receipt_verification import Finding, PublicMaterial, verify_receipt
from app.errors import InvalidInput
from app.ra.auditing import Database

LONGEST_SERIAL_NUMBER = 40


class ReceiptSource(Protocol):
    """The certificate authority's process."""

    def receipt(self, serial_number: str) -> bytes:
        """The receipt of the order that a certificate belongs to. Raises CertificateUnknown, Unavailable."""


@dataclass(frozen=True)
class ReceiptRead:
    """A receipt and what its verification found."""

    receipt: Receipt
    findings: Sequence[Finding]


class ReadingReceipts:
    """Shows receipts to those who may read the audit.

    Args:
        public: gives the public files of the key ceremony.
    """

    def __init__(
        self, database: Database, source: ReceiptSource, public: Callable[[], PublicMaterial]
    ) -> None:
        self._database = database
        self._source = source
        self._public = public

    def read(self, actor: Actor, serial_number: str) -> ReceiptRead:
        """The receipt of the certificate with this serial number (hexadecimal).

        Raises:
            NotPermitted, InvalidInput, CertificateUnknown, ReceiptUnreadable, Unavailable
        """
        wanted = "".join(serial_number.split()).replace(":", "").lower().lstrip("0")
        with self._database.audited(actor, "audit.read", f"receipt of {wanted}"[:64]):
            actor.require(Permission.READ_AUDIT)
            _require_hexadecimal(wanted)
        receipt = receipt_from_untrusted(self._source.receipt(wanted))
        return ReceiptRead(receipt, verify_receipt(receipt, self._public()))


def _require_hexadecimal(serial_number: str) -> None:
    digits = set("0123456789abcdef")
    if not 0 < len(serial_number) <= LONGEST_SERIAL_NUMBER or not digits.issuperset(serial_number):
        raise InvalidInput({"serial_number": "Enter the certificate's serial number: digits and a to f."})
