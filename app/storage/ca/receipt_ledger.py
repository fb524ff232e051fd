"""The part of the ledger that keeps why an order is carried out, and its receipt."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from app.ca.receipt_ports import MadeReceipt
from app.storage.ca.status_ledger import StatusLedger
from app.storage.ca.tables import certificate, receipt
from app.storage.prepared import Prepared
from app.storage.upsert import INSERTS, Insert

_OF_ORDER = receipt.c.order_id == bindparam("this")
_REASON = select(receipt.c.reason).where(_OF_ORDER, receipt.c.document.is_(None))
_KEEP = Prepared(update(receipt).where(_OF_ORDER, receipt.c.document.is_(None)), ("document", "sha256"))


def _record(database: str) -> Insert:
    new = INSERTS[database](receipt)
    kept = {"reason": new.excluded.reason, "document": None, "sha256": None}
    return new.on_conflict_do_update(index_elements=["order_id"], set_=kept)


_RECORD = {database: Prepared(_record(database), ("order_id", "reason")) for database in INSERTS}


class ReceiptLedger(StatusLedger):
    """Receipts besides."""

    def reason_without_receipt(self, order_id: str) -> dict[str, Any] | None:
        """Why the order is carried out; None when its receipt is there already, or nothing is on record."""
        with self._database.read() as work:
            reason = work.connection.scalar(_REASON, {"this": order_id})
        return dict(json.loads(reason)) if reason is not None else None

    def receipt(self, serial_number: str) -> bytes | None:
        """The receipt of the order that a certificate belongs to."""
        chosen = (
            select(receipt.c.document)
            .join(certificate, certificate.c.order_id == receipt.c.order_id)
            .where(certificate.c.serial_number == serial_number)
        )
        with self._database.read() as work:
            document: bytes | None = work.connection.scalar(chosen)
        return document


def keep_reason(connection: Connection, order_id: str, reason: bytes) -> None:
    """Keep why the order is carried out, in place of a reason that came to nothing."""
    _RECORD[connection.dialect.name].change(connection, {"order_id": order_id, "reason": reason})


def keep(connection: Connection, made: MadeReceipt) -> bool:
    """Keep the receipt, unless one is kept; whether it is this one."""
    values = {"this": made.order_id, "document": made.document, "sha256": made.sha256}
    return _KEEP.change(connection, values) == 1
